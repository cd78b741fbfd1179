//! Logs: for people on a terminal, JSON otherwise, always on standard error.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// Begins logging what `filter` lets through.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    // The embedded broker's library reports each client; that is ours to say.
    let filter = EnvFilter::try_new(format!("mqtt5=error,{filter}"))
        .with_context(|| format!("`{filter}` is no log filter, such as `debug`"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.with_target(false).compact().try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))
}
