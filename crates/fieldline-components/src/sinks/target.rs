//! [`Target`]: a file of a sink with the columns it has, begun anew when it is full or old.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use fieldline_core::{ComponentError, Event};

use crate::lookup::Lookup;
use crate::sinks::log_file::LogFile;
use crate::sinks::rows::Columns;

/// What holds for every file of a sink.
pub(crate) struct Rules {
    /// What a line is made of.
    pub(crate) layout: Layout,
    /// The most bytes in a file, unless one event alone has more.
    pub(crate) max_size: Option<u64>,
    /// The longest time a file is written to.
    pub(crate) max_age: Option<Duration>,
    /// How many old files stay.
    pub(crate) keep: NonZeroU32,
    /// Whether events are safe from a power cut before they count as written.
    pub(crate) sync: bool,
}

/// What a line is made of.
pub(crate) enum Layout {
    /// One JSON text.
    Json,
    /// Comma-separated values from these places.
    Chosen(Vec<Lookup>),
    /// Comma-separated values of the fields that a file's first event has.
    Found,
}

/// An open file and its columns.
pub(crate) struct Target {
    file: LogFile,
    /// Not known while an empty file waits for its first event.
    columns: Option<Columns>,
}

/// Lines that go into the file with one write, and the places of their events.
#[derive(Default)]
struct Piece {
    lines: Vec<u8>,
    places: Vec<usize>,
}

impl Rules {
    fn columns(&self) -> Option<Columns> {
        match &self.layout {
            Layout::Json => Some(Columns::Json),
            Layout::Chosen(places) => Some(Columns::Chosen(places.clone())),
            Layout::Found => None,
        }
    }

    fn is_too_large(&self, size: u64) -> bool {
        self.max_size.is_some_and(|max| size > max)
    }

    fn is_old(&self, file: &LogFile) -> bool {
        file.size() > 0 && self.max_age.is_some_and(|max| file.age() >= max)
    }
}

impl Target {
    /// Opens the file at `path`. A file of comma-separated values must have the columns it is to get.
    pub(crate) async fn open(path: &Path, rules: &Rules) -> Result<Self, ComponentError> {
        let mut file = LogFile::open(path).await?;
        let mut columns = rules.columns();
        if file.size() > 0 && columns != Some(Columns::Json) {
            let found = Columns::parse(&file.first_line().await?)?;
            if columns.as_ref().is_some_and(|chosen| chosen.names() != found.names()) {
                let message =
                    format!("`{}` has other columns than those chosen; move it away", path.display());
                return Err(ComponentError::permanent("bad_columns", message));
            }
            columns = columns.or(Some(found));
        }
        Ok(Target { file, columns })
    }

    /// Writes the events at `places`; those that cannot be said go to `refused`. Where the file fails, gives back
    /// the places of the events that are not in it.
    pub(crate) async fn write(
        &mut self,
        rules: &Rules,
        events: &[Event],
        places: Vec<usize>,
        refused: &mut Vec<(usize, ComponentError)>,
    ) -> Result<(), (Vec<usize>, ComponentError)> {
        let mut rest = VecDeque::from(places);
        let mut full = rules.is_old(&self.file);
        while !rest.is_empty() {
            if full && let Err(error) = self.rotate(rules).await {
                return Err((rest.into(), error));
            }
            let mut piece = self.next_piece(rules, events, &mut rest, refused);
            if let Err(error) = self.file.append(&piece.lines, rules.sync).await {
                piece.places.extend(rest);
                return Err((piece.places, error));
            }
            full = true;
        }
        Ok(())
    }

    /// Makes safe what was written, as far as it can be.
    pub(crate) async fn close(&mut self) {
        if let Err(error) = self.file.sync().await {
            tracing::warn!(path = %self.file.path().display(), %error, "the last lines may be lost in a power cut");
        }
    }

    /// Takes the places out of `rest` whose events fit into the file; at least one, if the file is empty.
    fn next_piece(
        &mut self,
        rules: &Rules,
        events: &[Event],
        rest: &mut VecDeque<usize>,
        refused: &mut Vec<(usize, ComponentError)>,
    ) -> Piece {
        let mut piece = Piece::default();
        while let Some(place) = rest.pop_front() {
            let before = piece.lines.len();
            if let Err(error) = self.append_line(&events[place], &mut piece.lines) {
                piece.lines.truncate(before);
                refused.push((place, error));
                continue;
            }
            let is_first = self.file.size() == 0 && before == 0;
            if !is_first && rules.is_too_large(self.file.size() + piece.lines.len() as u64) {
                piece.lines.truncate(before);
                rest.push_front(place);
                break;
            }
            piece.places.push(place);
        }
        piece
    }

    fn append_line(&mut self, event: &Event, lines: &mut Vec<u8>) -> Result<(), ComponentError> {
        let columns = match &self.columns {
            Some(columns) => columns,
            None => self.columns.insert(Columns::of(event)?),
        };
        if self.file.size() == 0 && lines.is_empty() {
            columns.append_names(lines);
        }
        columns.append(event, lines)
    }

    async fn rotate(&mut self, rules: &Rules) -> Result<(), ComponentError> {
        self.file.rotate(rules.keep).await?;
        self.columns = rules.columns();
        Ok(())
    }
}
