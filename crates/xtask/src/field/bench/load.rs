//! The load, from the example `load` of `fieldline-mqtt`: a process of its own that publishes, receives and measures.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How the load is to meet a subject.
pub(super) struct Load<'a> {
    pub(super) program: &'a Path,
    pub(super) port: u16,
    pub(super) topic: &'a str,
    pub(super) qos: u8,
    pub(super) copies: usize,
}

/// What the load measured.
pub(super) struct Measured {
    pub(super) seconds: f64,
    /// In microseconds: median, 99 % and 99.9 %.
    pub(super) latencies: [f64; 3],
}

impl Load<'_> {
    /// `messages` with at most `window` under way.
    pub(super) fn window(&self, messages: u64, window: u64) -> Result<Measured> {
        self.run(messages, "window", window)
    }

    /// `messages` at `rate` a second.
    pub(super) fn rate(&self, messages: u64, rate: u64) -> Result<Measured> {
        self.run(messages, "rate", rate)
    }

    fn run(&self, messages: u64, pace: &str, amount: u64) -> Result<Measured> {
        let mut command = Command::new(self.program);
        command.args([&self.port.to_string(), self.topic, &self.qos.to_string(), &self.copies.to_string()]);
        let output = command.args([&messages.to_string(), pace, &amount.to_string()]).output()?;
        ensure!(output.status.success(), "the load: {}", String::from_utf8_lossy(&output.stderr).trim());
        let answer: Value = serde_json::from_slice(&output.stdout).context("the load answers no JSON")?;
        let read =
            |name: &str| answer[name].as_f64().with_context(|| format!("the load says nothing of `{name}`"));
        Ok(Measured { seconds: read("seconds")?, latencies: [read("p50")?, read("p99")?, read("p999")?] })
    }
}
