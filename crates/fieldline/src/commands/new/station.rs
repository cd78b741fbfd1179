//! [`Station`]: a station file in the making: its template, the values set so far, and the text it becomes.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use fieldline_compiler::{Compiled, FileSource, ParamInfo, Request, compile};
use fieldline_core::FileError;
use serde_yaml::{Mapping, Value};

use super::paths;

/// A station file that is not written yet.
pub(crate) struct Station<'p> {
    /// Where it will be, absolute.
    file: PathBuf,
    /// The template, as the file names it.
    used: PathBuf,
    params: &'p [ParamInfo],
    /// The values that are set, in the order in which they were.
    answers: Mapping,
}

impl<'p> Station<'p> {
    /// A station file at `file` that uses `template` and sets none of its `params`.
    pub(crate) fn new(template: &Path, file: &Path, params: &'p [ParamInfo]) -> anyhow::Result<Self> {
        let file = paths::absolute(file)?;
        let folder = file.parent().unwrap_or(&file);
        let used = paths::relative(folder, &paths::absolute(template)?);
        Ok(Station { file, used, params, answers: Mapping::new() })
    }

    /// The params of the template.
    pub(crate) fn params(&self) -> &'p [ParamInfo] {
        self.params
    }

    /// Whether the param `name` has a value.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.answers.contains_key(name)
    }

    /// Sets a param to what somebody wrote on the command line or at the prompt.
    pub(crate) fn answer(&mut self, name: &str, written: &str) {
        let kind = self.params.iter().find(|param| param.name == name).map_or("string", |param| param.kind);
        let text = || Value::String(written.to_owned());
        let value = match kind {
            "string" | "duration" | "size" => text(),
            // What is no YAML is shown as it was written, by whoever complains that it does not fit.
            _ => serde_yaml::from_str(written).unwrap_or_else(|_| text()),
        };
        self.answers.insert(name.into(), value);
    }

    /// Takes a value back.
    pub(crate) fn forget(&mut self, name: &str) {
        self.answers.remove(name);
    }

    /// The params that must be set and are not.
    pub(crate) fn missing(&self) -> Vec<&'p ParamInfo> {
        // The default of a secret is not told, so it may have one.
        self.params
            .iter()
            .filter(|param| param.default.is_none() && !param.secret && !self.is_set(&param.name))
            .collect()
    }

    /// The text of the file; params that keep their defaults stand in it as comments.
    pub(crate) fn text(&self) -> String {
        let used = Mapping::from_iter([("use".into(), self.used.display().to_string().into())]);
        let mut text = yaml(&used);
        if self.answers.is_empty() && !self.params.is_empty() {
            text += "# params:\n";
        } else if !self.answers.is_empty() {
            text += &yaml(&Mapping::from_iter([("params".into(), Value::Mapping(self.answers.clone()))]));
        }
        for param in self.params.iter().filter(|param| !self.is_set(&param.name)) {
            let default = default(param).unwrap_or_default();
            text += &format!("  # {}: {default}  ({})\n", param.name, describe(param));
        }
        text
    }

    /// What the compiler says of it.
    pub(crate) fn compile(&self, request: &Request<'_>) -> Compiled {
        let files = Drafted { path: &self.file, text: self.text().into(), others: request.files };
        compile(&Request { roots: std::slice::from_ref(&self.file), files: &files, ..request.clone() })
    }
}

/// The files there are, as if the station file were written.
struct Drafted<'a> {
    path: &'a Path,
    text: Bytes,
    others: &'a dyn FileSource,
}

impl FileSource for Drafted<'_> {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        if path == self.path { Ok(self.text.clone()) } else { self.others.read(path) }
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        self.others.list(path)
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        self.others.canonical(path)
    }
}

/// What a value of the param must be, in one line: `duration, at least 100ms: Time between readings.`
pub(crate) fn describe(param: &ParamInfo) -> String {
    let mut text = param.kind.to_owned();
    let shown = |value: &fieldline_core::Value| one_line(value);
    let limits = [
        param.unit.as_ref().map(|unit| format!(" in {unit}")),
        param.min.as_ref().map(|min| format!(", at least {min}")),
        param.max.as_ref().map(|max| format!(", at most {max}")),
        param.pattern.as_ref().map(|pattern| format!(", like `{pattern}`")),
        (!param.choices.is_empty())
            .then(|| format!(", one of {}", param.choices.iter().map(shown).collect::<Vec<_>>().join(", "))),
        param.secret.then(|| ", secret: write `${secret.name}`".to_owned()),
        param.description.as_ref().map(|text| format!(": {}", words(text))),
    ];
    text.extend(limits.into_iter().flatten());
    text
}

/// The default of a param in one line, if it has one that may be shown.
pub(crate) fn default(param: &ParamInfo) -> Option<String> {
    param.default.as_ref().map(one_line)
}

fn one_line(value: &fieldline_core::Value) -> String {
    match value.as_text() {
        Some(text) => words(text),
        None => serde_json::to_string(value).unwrap_or_default(),
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn yaml(mapping: &Mapping) -> String {
    serde_yaml::to_string(mapping).expect("plain data with text for keys can be written")
}
