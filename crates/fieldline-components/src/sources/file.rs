//! The `file` source: plays a recording back, at its own pace or another.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, CheckCx, Clock, ComponentError, Config, Draft, Example, Facts,
    FieldPath, FilePath, HeadError, Kind, Lines, Meta, Period, Source, Value,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::fields::check_not_zero;
use crate::file_failure::FileFailure;
use crate::sources::pace::Pace;
use crate::sources::records::{Records, Taken, Writing};
use crate::sources::ticker::Ticker;
use crate::time_field::{TimeField, admit};

/// The most events handed over at once.
const MOST_EVENTS: usize = 256;

/// The fields of a `file` source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileConfig {
    /// The file, relative to the folder of the pipeline.
    path: FilePath,
    /// `jsonl` reads one JSON text a line; `csv` reads comma-separated values below a line of names, where numbers
    /// become numbers and empty cells null. A line that is neither is refused alone and goes to the dead letter
    /// with its text and its number (`meta.line`). A quote opens only at the start of a cell; a quoted cell may
    /// hold lines. Files are UTF-8; a line ends with LF, CR LF or CR.
    #[serde(default)]
    format: Format,
    /// The time between two events; without it and `time`, the file is read as fast as it is taken.
    every: Option<Period>,
    /// Where a record says when it was taken: events come with the pauses they were recorded with, and carry that
    /// time. A record without one goes to the dead letter.
    time: Option<TimeField>,
    /// Short for `time` with nothing but a `field`.
    time_field: Option<FieldPath>,
    /// How many times faster than recorded; needs `time`.
    #[serde(default = "as_recorded")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    speed: f64,
    /// Whether the file begins again when it has ended; otherwise the source ends with it.
    #[serde(default)]
    repeat: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    /// One JSON text a line.
    #[default]
    Jsonl,
    /// Comma-separated values below a line of names.
    Csv,
}

fn as_recorded() -> f64 {
    1.0
}

impl Config for FileConfig {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "file";
    const SUMMARY: &'static str =
        "Plays back a recording from a file of JSON lines or comma-separated values.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Ten times as fast as it was recorded",
            config: "path: recordings/drying.jsonl\ntime_field: timestamp_utc\nspeed: 10",
            input: "",
            output: "",
        },
        Example {
            title: "Dates as a data logger writes them, in summer time",
            config: "path: recordings/logger.csv\nformat: csv\ntime: { field: date, format: \"%d.%m.%Y %H:%M:%S\", zone: \"+02:00\" }",
            input: "",
            output: "",
        },
        Example {
            title: "A table, ten rows a second, again and again",
            config: "path: recordings/drying.csv\nformat: csv\nevery: 100ms\nrepeat: true",
            input: "",
            output: "",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if let Some(every) = self.every {
            check_not_zero(cx, "every", every);
        }
        let time = if self.time.is_some() { "time" } else { "time_field" };
        if self.time.is_some() && self.time_field.is_some() {
            cx.error("conflicting-fields", "time_field", "`time` and `time_field` exclude each other")
                .help("write `time: { field: … }` alone");
        }
        let has_time = self.time.is_some() || self.time_field.is_some();
        if self.every.is_some() && has_time {
            cx.error("conflicting-fields", "every", format!("`every` and `{time}` exclude each other"))
                .help(format!("`every` sets a pace, `{time}` takes the recorded one"));
        }
        if !has_time && self.speed != as_recorded() {
            cx.error("conflicting-fields", "speed", "`speed` needs `time`, to know the recorded pauses").help(
                "write for example `time: { field: timestamp_utc }`, or `every: 100ms` instead of `speed`",
            );
        }
        if !(self.speed.is_finite() && self.speed > 0.0) {
            cx.error("bad-number", "speed", "`speed` must be greater than zero").help("`2` is twice as fast");
        }
        cx.file("path", &self.path);
    }

    fn facts(&self) -> Facts {
        Facts { files: vec![self.path.0.clone()], ..Facts::default() }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let short = || self.time_field.clone().map(TimeField::in_body);
        let pace = match (self.every, self.time.clone().or_else(short)) {
            (Some(every), _) => Pace::Steady(Ticker::new(every.0, true)),
            (None, Some(time)) => Pace::recorded(time, self.speed),
            (None, None) => Pace::Unlimited,
        };
        let writing = match self.format {
            Format::Jsonl => Writing::Jsonl,
            Format::Csv => Writing::Csv,
        };
        let recording = Recording::new(cx.node.into(), self.path.0.clone(), writing, self.repeat, pace);
        Ok(Built::Source(Box::new(recording)))
    }
}

struct Recording {
    node: Arc<str>,
    path: PathBuf,
    writing: Writing,
    repeat: bool,
    pace: Pace,
    file: Option<File>,
    /// How much of the file was read, so that a file opened again goes on there.
    offset: u64,
    chunk: Vec<u8>,
    lines: Lines,
    records: Records,
    /// What was read and not handed over.
    waiting: VecDeque<Taken>,
    /// Whether this pass over the file has brought a body.
    fruitful: bool,
}

#[async_trait]
impl Source for Recording {
    async fn connect(&mut self, _clock: &Clock) -> Result<(), ComponentError> {
        let file = fieldline_files::open(&self.path).map_err(|error| self.error("open", error.into()))?;
        let mut file = File::from_std(file);
        file.seek(SeekFrom::Start(self.offset)).await.map_err(|error| self.error("read", error))?;
        self.file = Some(file);
        Ok(())
    }

    /// Cancel-safe: what was read is kept in `lines` or `waiting` before the next wait, and leaves `waiting`
    /// only after the last.
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        while self.waiting.is_empty() {
            if !self.read_more().await? {
                return Ok(None);
            }
        }
        let most = match self.pace {
            Pace::Unlimited => MOST_EVENTS,
            Pace::Steady(_) | Pace::Recorded(_) => 1,
        };
        if let Some(taken) = self.waiting.front() {
            // What was refused has no time of its own, but its turn at a steady pace.
            self.pace.wait_for(taken.as_ref().unwrap_or(&Value::Null), clock).await;
            self.pace.taken();
        }
        let count = self.waiting.len().min(most);
        let mut batch = Batch::default();
        for taken in self.waiting.drain(..count) {
            match taken {
                Ok(body) => {
                    let meta = Meta::new(clock.time(), self.node.clone());
                    admit(Draft { body, meta }, self.pace.time(), &mut batch);
                }
                Err(refusal) => batch.failed.push(refusal.into_failed(clock.time(), self.node.clone())),
            }
        }
        Ok(Some(batch))
    }

    async fn close(&mut self) {
        self.file = None;
    }
}

impl Recording {
    fn new(node: Arc<str>, path: PathBuf, writing: Writing, repeat: bool, pace: Pace) -> Self {
        Recording {
            node,
            path,
            writing,
            repeat,
            pace,
            file: None,
            offset: 0,
            chunk: vec![0; 16 << 10],
            lines: Lines::default(),
            records: Records::new(writing),
            waiting: VecDeque::new(),
            fruitful: false,
        }
    }

    /// Reads a piece of the file into `waiting`; `false` when there is nothing more.
    async fn read_more(&mut self) -> Result<bool, ComponentError> {
        let Some(file) = &mut self.file else {
            return Err(ComponentError::retryable("not_open", "the file is not open"));
        };
        let count = file.read(&mut self.chunk).await.map_err(|error| self.error("read", error))?;
        self.offset += count as u64;
        if count > 0 {
            self.lines.feed(&self.chunk[..count]);
            while let Some(line) = self.lines.next_line() {
                self.records.push(line, &mut self.waiting).map_err(|error| self.bad_head(error))?;
            }
            self.fruitful |= self.waiting.iter().any(Result::is_ok);
            return Ok(true);
        }
        if let Some(line) = self.lines.finish() {
            self.records.push(line, &mut self.waiting).map_err(|error| self.bad_head(error))?;
        }
        self.records.finish(&mut self.waiting).map_err(|error| self.bad_head(error))?;
        self.fruitful |= self.waiting.iter().any(Result::is_ok);
        if !self.waiting.is_empty() {
            return Ok(true);
        }
        if !(self.repeat && self.fruitful) {
            return Ok(false);
        }
        self.rewind().await.map(|()| true)
    }

    async fn rewind(&mut self) -> Result<(), ComponentError> {
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(0)).await.map_err(|error| self.error("read", error))?;
        }
        self.offset = 0;
        self.records = Records::new(self.writing);
        self.pace.rewind();
        self.fruitful = false;
        Ok(())
    }

    /// Without its names a table has no bodies, however often it is read.
    fn bad_head(&self, error: HeadError) -> ComponentError {
        ComponentError::permanent("bad_head", format!("cannot read {}: {error}", self.path.display()))
    }

    fn error(&self, verb: &'static str, error: io::Error) -> ComponentError {
        let failure = FileFailure::new(verb, &self.path, error);
        match failure.error.kind() {
            ErrorKind::NotFound => ComponentError::retryable("not_found", failure),
            ErrorKind::IsADirectory => ComponentError::permanent("not_a_file", failure),
            _ => ComponentError::retryable("io", failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::*;
    use crate::sources::rubbish::Rubbish;
    use crate::tokio_clock::tokio_clock;

    #[tokio::test]
    async fn every_line_of_rubbish_is_an_event_or_refused_with_its_text() {
        for (seed, writing) in (10..13).flat_map(|seed| [(seed, Writing::Jsonl), (seed + 3, Writing::Csv)]) {
            let rubbish = Rubbish::new(seed);
            let mut file = NamedTempFile::new().expect("a file for a while");
            file.write_all(&rubbish.text).expect("room for it");
            let mut source =
                Recording::new("test".into(), file.path().into(), writing, false, Pace::Unlimited);
            source.connect(&tokio_clock()).await.expect("the file is there");
            let mut batches = Vec::new();
            while let Some(batch) = source.next(&tokio_clock()).await.expect("it can be read") {
                batches.push(batch);
            }
            rubbish.account_for(&batches);
        }
    }
}
