//! The `script` transform: a Rhai script that works on each event.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use fieldline_core::memory::Memory;
use fieldline_core::report::Place;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Clock, Config, Event, EventError, Example, Facts, FieldPath,
    FilePath, Files, Kind, Map, Moment, Origin, Outputs, Transform, Value,
};
use fieldline_script::{Imports, Limits, Script, ScriptError, ScriptSource, Setup, Verdict, uses_state};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fields::any_map;

/// The fields of a `script`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScriptConfig {
    /// The script itself. `this` is the event's body; falling off the end sends it on.
    code: Option<String>,
    /// A file with the script, instead of `code`.
    file: Option<FilePath>,
    /// Constants that the script sees as `params`.
    #[serde(default)]
    #[schemars(schema_with = "any_map")]
    params: Map,
    /// A number that says what the script keeps in `state`. An edited script goes on with the `state` of the version
    /// before if both have the same number here, and so does a program that starts again. Without one, every edit and every
    /// restart begins with an empty `state`; another number does so once.
    state_version: Option<u64>,
    /// How many steps one event may take; 100,000 by default, some 5 ms on a desktop, 30 ms on a Raspberry Pi 4. A comparison
    /// of lists takes a step for each element. Besides, one event may take no more than 250 ms.
    #[schemars(range(min = 1))]
    max_operations: Option<u64>,
}

impl Config for ScriptConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "script";
    const SUMMARY: &'static str = "Works on each event with a script in Rhai, in a sandbox.";
    const USES_WITH: bool = true;
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Degrees Celsius to Kelvin",
            config: "code: \"this.temperature += 273.15;\"",
            input: r#"{"temperature":20.0,"status":"success"}"#,
            output: r#"1s {"temperature":293.15,"status":"success"}"#,
        },
        Example {
            title: "Drop what is not plausible, and number the rest",
            config: "code: |\n  if this.value > params.most { discard(\"implausible\"); }\n  if !(\"count\" in state) { state.count = 0; }\n  state.count += 1;\n  this.count = state.count;\nparams: { most: 100 }",
            input: "{\"value\":1}\n{\"value\":500}\n{\"value\":2}",
            output: "1s {\"value\":1,\"count\":1}\n3s {\"value\":2,\"count\":2}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        let field = match (&self.code, &self.file) {
            (Some(_), None) => "code",
            (None, Some(_)) => "file",
            (Some(_), Some(_)) => {
                cx.error("two-scripts", "file", "`code` and `file` exclude each other")
                    .help("remove one of them");
                return;
            }
            (None, None) => {
                cx.error("no-script", "", "neither `code` nor `file` has a script")
                    .help("add for example `code: \"this.temperature += 273.15;\"`");
                return;
            }
        };
        let Some((text, origin)) = self.text(cx) else { return };
        let source = ScriptSource { text, origin };
        let with = cx.with().to_vec();
        let imports = imports(&source.origin.file).map(|folder| Imports { files: cx.files(), folder });
        if let Err(error) = Script::compile(&source, &self.setup(with, imports, None)) {
            let place = self.place(field, &source, &error);
            let example = || "`fieldline explain script` shows scripts that work".into();
            cx.error_at("script-error", place, error.message).help(error.help.unwrap_or_else(example));
        }
    }

    fn facts(&self) -> Facts {
        Facts { files: self.file.iter().map(|file| file.0.clone()).collect(), ..Facts::default() }
    }

    fn memory(&self, files: &dyn Files) -> Option<Memory> {
        let text = match (&self.code, &self.file) {
            (Some(code), _) => Cow::Borrowed(code.as_str()),
            (None, file) => String::from_utf8(files.read(&file.as_ref()?.0).ok()?.to_vec()).ok()?.into(),
        };
        let key = self.state_version.map(|version| version.to_string());
        uses_state(&text).then(|| Memory::of("its `state`").with_key(key).outliving(Duration::MAX))
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let source = match (&self.code, &self.file) {
            (Some(code), _) => {
                let origin = cx.origin("code").unwrap_or(Origin { file: cx.node.into(), line: 1, indent: 0 });
                ScriptSource { text: code.clone(), origin }
            }
            (None, Some(file)) => {
                let content = cx.file(file)?;
                let text = String::from_utf8(content.to_vec()).map_err(BuildError::new)?;
                ScriptSource::whole(text, file.0.clone())
            }
            (None, None) => return Err(BuildError::new("there is no script")),
        };
        let imports = imports(&source.origin.file).map(|folder| Imports { files: cx.files, folder });
        let setup = self.setup(cx.with.to_vec(), imports, Some(cx.clock.clone()));
        let script = Script::compile(&source, &setup).map_err(BuildError::new)?;
        Ok(Built::Transform(Box::new(Runs { script })))
    }
}

impl ScriptConfig {
    /// The script's text; `None` if it cannot be read, which has been complained about.
    fn text(&self, cx: &mut CheckCx<'_>) -> Option<(String, Origin)> {
        let (text, file) = match (&self.code, &self.file) {
            (Some(code), _) => (code.clone(), "code".into()),
            (None, file) => {
                let file = file.as_ref()?;
                let content = cx.file("file", file)?;
                match String::from_utf8(content.to_vec()) {
                    Ok(text) => (text, file.0.clone()),
                    Err(_) => {
                        cx.error("not-utf8", "file", format!("`{}` is not UTF-8", file.0.display()))
                            .help("save it as UTF-8");
                        return None;
                    }
                }
            }
        };
        Some((text, Origin { file, line: 1, indent: 0 }))
    }

    fn setup<'a>(&self, with: Vec<String>, imports: Option<Imports<'a>>, clock: Option<Clock>) -> Setup<'a> {
        let default = Limits::default();
        let limits = Limits { operations: self.max_operations.unwrap_or(default.operations), ..default };
        Setup { params: self.params.clone(), with, imports, limits, clock }
    }

    /// Where an error is: inside `code`, or in the script's file or one that it imports.
    fn place(&self, field: &str, source: &ScriptSource, error: &ScriptError) -> Place {
        let (line, column) = (error.line, error.column);
        if self.code.is_some() && error.file == source.origin.file {
            Place::Text { field: FieldPath::root().key(field), line, column }
        } else {
            Place::File { path: error.file.clone(), line, column }
        }
    }
}

/// The folder a script may import from: that of its file.
fn imports(file: &Path) -> Option<&Path> {
    file.parent()
}

struct Runs {
    script: Script,
}

impl Transform for Runs {
    fn apply(&mut self, mut event: Event, moment: &Moment<'_>, out: &mut Outputs) {
        let (body, meta) = event.parts_mut();
        let answer = match self.script.run(body, meta, moment) {
            Ok(answer) => answer,
            Err(error) => return out.fail(event, EventError::new("script_error", error.to_string())),
        };
        for body in answer.emitted {
            let further = event.derive(body);
            out.send(further);
        }
        match answer.verdict {
            Verdict::Send => {
                if let Some(fields) = answer.fields {
                    event.meta_mut().fields = fields;
                }
                out.send(event);
            }
            Verdict::Discard(reason) => out.discard(event, reason),
        }
    }

    fn remember(&self, _moment: &Moment<'_>) -> Result<Option<Value>, BuildError> {
        self.script.state().map_err(BuildError::new)
    }

    fn recall(
        &mut self,
        remembered: &Value,
        _pause: Duration,
        _moment: &Moment<'_>,
    ) -> Result<(), BuildError> {
        self.script.restore(remembered);
        Ok(())
    }
}
