//! [`Engine`]: the program at work on a folder of pipelines, with its log and its admin listener.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::admin::Admin;
use super::process::{Process, command, create, now, read, wait};

/// How long it may take to start.
const START: Duration = Duration::from_secs(20);

/// The program, running.
pub(super) struct Engine {
    process: Process,
    admin: Admin,
    log: PathBuf,
}

impl Engine {
    /// Starts `program` on `pipelines`, with its data and its log in `folder`. It listens on a port that the kernel
    /// gives it, and tells it in its log.
    pub(super) fn start(program: &Path, folder: &Path, pipelines: &Path, options: &[&str]) -> Result<Self> {
        let log = folder.join("program.log");
        let mut command = command(program);
        command.args(["run", "--log", "info", "--admin", "127.0.0.1:0"]).args(options).arg("--data-dir");
        command.arg(folder.join("data")).arg(pipelines).stdout(Stdio::null()).stderr(create(&log)?);
        let mut process = Process::start(&mut command)?;
        let deadline = now() + START;
        let port = loop {
            if let Some(port) = admin_port(&read(&log)?) {
                break port;
            }
            let is_well = process.is_alive()? && now() < deadline;
            ensure!(is_well, "the program does not start: {}", read(&log)?);
            wait(Duration::from_millis(20));
        };
        Ok(Engine { process, admin: Admin::at(port), log })
    }

    /// Its admin listener.
    pub(super) fn admin(&self) -> Admin {
        self.admin
    }

    /// Whether it runs still.
    pub(super) fn is_alive(&mut self) -> Result<bool> {
        self.process.is_alive()
    }

    /// Asks it to end, and gives it `limit` for that: how long it took.
    pub(super) fn terminate(mut self, limit: Duration) -> Result<Duration> {
        let asked = now();
        self.process.signal("TERM")?;
        while self.process.is_alive()? {
            ensure!(now().duration_since(asked) < limit, "the program does not end within {limit:?}");
            wait(Duration::from_millis(5));
        }
        Ok(now().duration_since(asked))
    }

    /// The lines of its log, each a JSON text.
    pub(super) fn log(&self) -> Result<Vec<String>> {
        Ok(read(&self.log)?.lines().map(str::to_owned).collect())
    }
}

/// The port that the program tells in its log.
fn admin_port(log: &str) -> Option<u16> {
    let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut addresses = entries
        .filter(|entry| entry["message"].as_str().is_some_and(|text| text.starts_with("admin listener")))
        .filter_map(|entry| entry["address"].as_str()?.rsplit_once(':')?.1.parse().ok());
    addresses.next()
}

/// The number that `status` tells of a node under `field`; a field of a block is written `block.field`.
pub(super) fn figure(status: &Value, node: &str, field: &str) -> Result<u64> {
    let nodes = status["nodes"].as_array().context("the status has no nodes")?;
    let node =
        nodes.iter().find(|entry| entry["node"] == node).with_context(|| format!("no node `{node}`"))?;
    let value = field.split('.').fold(node, |value, name| &value[name]);
    value.as_u64().with_context(|| format!("no number `{field}` in {node}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_port_is_read_from_the_line_that_tells_it() {
        let log = "not JSON\n{\"message\":\"running\",\"address\":\"127.0.0.1:1\"}\n\
                   {\"message\":\"admin listener: /metrics\",\"address\":\"127.0.0.1:4242\"}\n";
        assert_eq!(admin_port(log), Some(4242));
        assert_eq!(admin_port("{\"message\":\"admin listener\"}\n"), None);
    }

    #[test]
    fn a_figure_is_found_by_node_and_path() {
        let status = json!({ "nodes": [{ "node": "p/out", "lost": 3, "buffer": { "records": 7 } }] });
        assert_eq!(figure(&status, "p/out", "lost").expect("it is there"), 3);
        assert_eq!(figure(&status, "p/out", "buffer.records").expect("it is there"), 7);
        figure(&status, "p/in", "lost").expect_err("there is no such node");
    }
}
