//! The load, from the example `load` of `fieldline-mqtt`: a process of its own that publishes, receives and measures.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// How the load is to meet a subject.
pub(in crate::bench) struct Load<'a> {
    pub(in crate::bench) program: &'a Path,
    pub(in crate::bench) port: u16,
    pub(in crate::bench) topic: &'a str,
    pub(in crate::bench) qos: u8,
    pub(in crate::bench) copies: usize,
}

/// What the load measured.
pub(in crate::bench) struct Measured {
    /// From the first that was sent to the last that came.
    pub(in crate::bench) seconds: f64,
    /// Messages that did not come; none with QoS 1.
    pub(in crate::bench) dropped: u64,
    /// In microseconds: median, 99 % and 99.9 %.
    pub(in crate::bench) latencies: [f64; 3],
}

impl Load<'_> {
    /// `messages` with at most `window` under way.
    pub(in crate::bench) fn window(&self, messages: u64, window: u64) -> Result<Measured> {
        self.run(messages, "window", window)
    }

    /// `messages` at `rate` a second.
    pub(in crate::bench) fn rate(&self, messages: u64, rate: u64) -> Result<Measured> {
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
        Ok(Measured {
            seconds: read("seconds")?,
            dropped: answer["dropped"].as_u64().context("the load says nothing of `dropped`")?,
            latencies: [read("p50")?, read("p99")?, read("p999")?],
        })
    }
}
