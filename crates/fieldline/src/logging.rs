//! Logs, always on standard error: for people on a terminal, with priorities in the journal of systemd, JSON otherwise.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use fieldline_core::Redactor;
use fieldline_core::suggest::nearest;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::service;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One object for each line
    Json,
    /// For the journal of systemd: text behind the priority, such as `<4>` for a warning; the journal adds the time
    Journald,
}

/// The levels, from the least to the most that is logged.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Words of others for a level.
const SYNONYMS: [(&str, &str); 6] = [
    ("warning", "warn"),
    ("err", "error"),
    ("critical", "error"),
    ("notice", "info"),
    ("verbose", "debug"),
    ("none", "off"),
];

/// The modules that log.
const MODULES: [&str; 8] = [
    "fieldline",
    "fieldline_broker",
    "fieldline_components",
    "fieldline_engine",
    "fieldline_mqtt",
    "fieldline_runtime",
    "fieldline_script",
    "mqtt5",
];

/// Why a text is no log filter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FilterError {
    /// A level that is none.
    #[error("`{0}` is no level, {hint}", hint = hint(.0, LEVELS.into_iter()))]
    Level(String),
    /// A module that logs nothing.
    #[error("no module `{0}` logs anything, {hint}", hint = hint(.0, MODULES.into_iter()))]
    Module(String),
}

/// The filter of a text: a level, or levels by module, such as `info,fieldline_mqtt=debug`.
pub(crate) fn filter(text: &str) -> Result<Targets, FilterError> {
    let mut targets = Targets::new();
    for part in text.split(',').map(str::trim) {
        targets = match part.split_once('=') {
            None => targets.with_default(level(part)?),
            Some((module, word)) => {
                let first = module.split("::").next().unwrap_or(module);
                if !MODULES.contains(&first) {
                    return Err(FilterError::Module(module.to_owned()));
                }
                targets.with_target(module, level(word)?)
            }
        };
    }
    Ok(targets)
}

fn level(word: &str) -> Result<LevelFilter, FilterError> {
    let is_level = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let parsed = if is_level { word.parse().ok() } else { None };
    parsed.ok_or_else(|| FilterError::Level(word.to_owned()))
}

fn hint(word: &str, words: impl Iterator<Item = &'static str> + Clone) -> String {
    let synonym =
        SYNONYMS.iter().find(|(other, _)| other.eq_ignore_ascii_case(word)).map(|(_, level)| *level);
    match synonym.or_else(|| nearest(word, words.clone())) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("these are: {}", words.collect::<Vec<_>>().join(", ")),
    }
}

/// Begins logging what `targets` let through, without the secrets that `redactor` knows or learns. Without a `format` the
/// place that the lines go to decides.
pub(crate) fn start(targets: Targets, format: Option<LogFormat>, redactor: Redactor) -> anyhow::Result<()> {
    // The embedded broker's library reports each client; that is ours to say.
    let targets = targets.with_target("mqtt5", LevelFilter::ERROR);
    let is_terminal = io::stderr().is_terminal();
    let format = format.unwrap_or(match is_terminal {
        true => LogFormat::Text,
        false if service::is_journal() => LogFormat::Journald,
        false => LogFormat::Json,
    });
    let writer = LogWriter { redactor, has_priorities: format == LogFormat::Journald };
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Text => {
            lines.with_target(false).with_ansi(is_terminal).compact().with_filter(targets).boxed()
        }
        LogFormat::Json => lines.json().flatten_event(true).with_filter(targets).boxed(),
        LogFormat::Journald => {
            let lines = lines.with_target(false).with_level(false).with_ansi(false);
            lines.without_time().compact().with_filter(targets).boxed()
        }
    };
    let started = tracing_subscriber::registry().with(lines).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}

/// Makes what writes a line.
struct LogWriter {
    redactor: Redactor,
    has_priorities: bool,
}

/// Writes one whole line to standard error, without secrets.
struct LogLine<'w> {
    redactor: &'w Redactor,
    priority: &'static str,
}

impl<'w> MakeWriter<'w> for LogWriter {
    type Writer = LogLine<'w>;

    fn make_writer(&'w self) -> LogLine<'w> {
        LogLine { redactor: &self.redactor, priority: "" }
    }

    fn make_writer_for(&'w self, about: &Metadata<'_>) -> LogLine<'w> {
        let priority = if self.has_priorities { priority(*about.level()) } else { "" };
        LogLine { redactor: &self.redactor, priority }
    }
}

impl Write for LogLine<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let text = self.redactor.text(&text);
        io::stderr().write_all(format!("{}{text}", self.priority).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The priority of syslog, as the journal reads it from the beginning of a line (sd-daemon(3)).
fn priority(level: Level) -> &'static str {
    match level {
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_and_levels_by_module_are_filters() {
        let targets =
            filter("info, fieldline_mqtt=debug,fieldline_runtime::drivers=TRACE").expect("all are known");
        assert!(targets.would_enable("fieldline_mqtt::driver", &tracing::Level::DEBUG));
        assert!(!targets.would_enable("fieldline", &tracing::Level::DEBUG));
        assert!(filter("off").is_ok());
    }

    #[test]
    fn what_would_turn_the_log_off_by_a_slip_is_refused_with_the_right_word() {
        for (text, told) in [
            ("warning", "`warning` is no level, did you mean `warn`?"),
            ("debgu", "`debgu` is no level, did you mean `debug`?"),
            (
                "info,fieldline_mqt=debug",
                "no module `fieldline_mqt` logs anything, did you mean `fieldline_mqtt`?",
            ),
            ("fieldline=", "`` is no level, these are: off, error, warn, info, debug, trace"),
            ("5", "`5` is no level, these are: off, error, warn, info, debug, trace"),
        ] {
            assert_eq!(filter(text).expect_err(text).to_string(), told);
        }
        assert!(filter("blah=").is_err() && filter("").is_err() && filter("info,").is_err());
    }
}
