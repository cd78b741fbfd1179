//! Logs: for people on a terminal, JSON otherwise, always on standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Begins logging what `filter` lets through: a level, or levels by module, such as `info,fieldline_mqtt=debug`.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let targets: Targets =
        filter.parse().with_context(|| format!("`{filter}` is no log filter, such as `debug`"))?;
    // The embedded broker's library reports each client; that is ours to say.
    let targets = targets.with_target("mqtt5", LevelFilter::ERROR);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() {
        lines.with_target(false).compact().with_filter(targets).boxed()
    } else {
        lines.json().flatten_event(true).with_filter(targets).boxed()
    };
    let started = tracing_subscriber::registry().with(lines).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
