//! The `file` sink: appends events to files, and begins them anew when they are large or old.

use std::num::NonZeroU32;
use std::path::Path;

use async_trait::async_trait;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Claim, ComponentError, Config, Event, Example, Facts, FieldPath,
    FilePath, Kind, Period, Resource, Sink, Size, WriteError,
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::check_not_zero;
use crate::lookup::Lookup;
use crate::sinks::target::{Layout, Rules, Target};
use crate::template::{Template, TemplateError};

/// Files that are held open at once; beyond, the one not written for longest is closed.
const MOST_OPEN: usize = 32;

/// The fields of a `file` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileConfig {
    /// The file that events are appended to, relative to the folder of the pipeline; it is made where it is
    /// missing. `{{ event.line }}` and `{{ meta.source }}` fill in part of a name.
    path: FilePath,
    /// `jsonl` writes the body as one line of JSON; `csv` writes comma-separated values below a line of names.
    #[serde(default)]
    format: Format,
    /// For `csv`: the fields that become columns, such as `[meta.time, temperature]`. Without it, the fields of a
    /// file's first event are its columns, and an event that has others is refused.
    columns: Option<Vec<Lookup>>,
    /// When the file becomes `file.1`, `file.1` becomes `file.2`, and a new file begins; never without it.
    rotate: Option<Rotate>,
    /// `each_write` makes events safe from a power cut before they count as delivered; `never` leaves it to the
    /// system, which spares an SD card and can lose the last half minute.
    #[serde(default)]
    sync: SyncWhen,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rotate {
    /// The largest size of a file, such as `10MiB`; an event larger than that has a file of its own.
    max_size: Option<Size>,
    /// The longest time a file is written to, such as `24h`, from when the program opened it.
    every: Option<Period>,
    /// How many old files stay; older ones are deleted.
    #[serde(default = "five")]
    keep: NonZeroU32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// The body, one JSON text a line.
    #[default]
    Jsonl,
    /// Comma-separated values below a line of names.
    Csv,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum SyncWhen {
    /// Events are on the disk before they count as delivered.
    #[default]
    EachWrite,
    /// The system writes them when it sees fit.
    Never,
}

fn five() -> NonZeroU32 {
    const { NonZeroU32::new(5).expect("five is not zero") }
}

impl Config for FileConfig {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "file";
    const SUMMARY: &'static str = "Appends events to a file of JSON lines or comma-separated values.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "JSON lines, a week of days",
            config: "path: readings/drying.jsonl\nrotate: { every: 24h, max_size: 10MiB, keep: 7 }",
            input: "",
            output: "",
        },
        Example {
            title: "A table for each line",
            config: "path: readings/line{{ event.line }}.csv\nformat: csv\ncolumns: [meta.time, temperature, status]",
            input: "",
            output: "",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if let Err(error) = self.template() {
            cx.error("bad-template", "path", format!("`path` is no template: {error}"))
                .help("write for example `readings/{{ event.line }}.jsonl`");
        }
        if self.columns.is_some() && self.format != Format::Csv {
            cx.error("conflicting-fields", "columns", "`columns` needs `format: csv`")
                .help("JSON lines hold whole bodies; a `map` with `keep` makes them smaller");
        }
        if self.columns.as_ref().is_some_and(Vec::is_empty) {
            cx.error("missing-field", "columns", "there is no column")
                .help("write for example `columns: [meta.time, temperature]`");
        }
        let Some(rotate) = &self.rotate else { return };
        if rotate.max_size.is_none() && rotate.every.is_none() {
            cx.error("missing-field", "rotate", "`rotate` needs `max_size` or `every`")
                .help("write for example `rotate: { max_size: 10MiB }`");
        }
        if let Some(every) = rotate.every {
            check_not_zero(cx, "rotate.every", every);
        }
        if rotate.max_size == Some(Size(0)) {
            cx.error("bad-number", "rotate.max_size", "`max_size` must be greater than zero")
                .help("write for example `max_size: 10MiB`");
        }
    }

    fn facts(&self) -> Facts {
        let path = self.template().map_or_else(|_| self.path.0.clone(), |template| template.written().into());
        let resource = Resource::At("file".into(), path);
        let field = FieldPath::root().key("path");
        Facts { claims: vec![Claim { resource, field }], ..Facts::default() }
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let path = self.template().map_err(BuildError::new)?;
        Ok(Built::Sink(Box::new(FileSink { path, rules: self.rules(), open: IndexMap::new() })))
    }
}

impl FileConfig {
    fn template(&self) -> Result<Template, TemplateError> {
        Template::parse_path(&self.path.0.to_string_lossy())
    }

    fn rules(&self) -> Rules {
        let layout = match (self.format, &self.columns) {
            (Format::Jsonl, _) => Layout::Json,
            (Format::Csv, Some(places)) => Layout::Chosen(places.clone()),
            (Format::Csv, None) => Layout::Found,
        };
        let rotate = self.rotate.as_ref();
        Rules {
            layout,
            max_size: rotate.and_then(|rotate| rotate.max_size).map(|size| size.0),
            max_age: rotate.and_then(|rotate| rotate.every).map(|every| every.0),
            keep: rotate.map_or(five(), |rotate| rotate.keep),
            sync: self.sync == SyncWhen::EachWrite,
        }
    }
}

struct FileSink {
    path: Template,
    rules: Rules,
    /// By path, the one written last at the end.
    open: IndexMap<String, Target>,
}

/// Events that were not written, by their place in the slice.
type Failures = Vec<(usize, ComponentError)>;

#[async_trait]
impl Sink for FileSink {
    async fn connect(&mut self) -> Result<(), ComponentError> {
        self.open.clear();
        if let Some(path) = self.path.as_literal() {
            let target = Target::open(Path::new(path), &self.rules).await?;
            self.open.insert(path.to_owned(), target);
        }
        Ok(())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut failures = Failures::new();
        for (path, places) in self.places_by_path(events, &mut failures) {
            let target = match self.open.shift_remove(&path) {
                Some(target) => Ok(target),
                None => Target::open(Path::new(&path), &self.rules).await,
            };
            let mut target = match target {
                Ok(target) => target,
                Err(error) => {
                    failures.extend(places.into_iter().map(|place| (place, error.clone())));
                    continue;
                }
            };
            // A file that could not be written is closed here and opened again for the next write.
            match target.write(&self.rules, events, places, &mut failures).await {
                Ok(()) => drop(self.open.insert(path, target)),
                Err((unwritten, error)) => {
                    failures.extend(unwritten.into_iter().map(|place| (place, error.clone())));
                }
            }
            if self.open.len() > MOST_OPEN {
                self.open.shift_remove_index(0);
            }
        }
        outcome(failures, events.len())
    }

    async fn close(&mut self) {
        for (_, mut target) in self.open.drain(..) {
            target.close().await;
        }
    }
}

impl FileSink {
    /// The events of each file, and those that no file can be named for.
    fn places_by_path(&self, events: &[Event], failures: &mut Failures) -> IndexMap<String, Vec<usize>> {
        if let Some(path) = self.path.as_literal() {
            return IndexMap::from([(path.to_owned(), (0..events.len()).collect())]);
        }
        let mut places: IndexMap<String, Vec<usize>> = IndexMap::new();
        let mut path = String::new();
        for (place, event) in events.iter().enumerate() {
            if let Err(error) = self.path.render(event, &mut path) {
                failures.push((place, ComponentError::Permanent(error.into())));
                continue;
            }
            match places.get_mut(&path) {
                Some(places) => places.push(place),
                None => drop(places.insert(path.clone(), vec![place])),
            }
        }
        places
    }
}

/// Tells a write that failed as a whole and may succeed later from one that failed for some events.
fn outcome(mut failures: Failures, count: usize) -> Result<(), WriteError> {
    failures.sort_by_key(|(place, _)| *place);
    let whole = failures.len() == count && failures.iter().all(|(_, error)| error.is_retryable());
    match failures.first() {
        None => Ok(()),
        Some((_, error)) if whole => Err(WriteError::All(error.clone())),
        Some(_) => Err(WriteError::Some(failures)),
    }
}
