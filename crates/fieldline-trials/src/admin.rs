//! The program's admin listener, asked as an operator would: plain HTTP on loopback.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::process::{now, wait};

/// Where the program answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admin {
    port: u16,
}

impl Admin {
    /// The listener at `port`, which need not answer yet.
    pub(super) fn at(port: u16) -> Self {
        Admin { port }
    }

    /// The listener at `port`, once it answers that all is ready.
    pub(super) fn ready(port: u16) -> Result<Self> {
        let admin = Admin::at(port);
        let deadline = now() + Duration::from_secs(20);
        while !admin.ask("GET", "/readyz").is_ok_and(|answer| answer == "ok\n") {
            ensure!(now() < deadline, "the program does not become ready");
            wait(Duration::from_millis(20));
        }
        Ok(admin)
    }

    /// Makes the program read its files again, with the result `wanted` and no node cut off: how long that took.
    pub(super) fn reload(&self, wanted: &str) -> Result<Duration> {
        let (answer, time) = self.reload_with("refuse")?;
        ensure!(answer["result"] == wanted, "a reload was not {wanted}: {answer}");
        let cut_off = answer["cut_off"].as_array().map_or(0, Vec::len);
        ensure!(cut_off == 0, "a reload cut nodes off: {answer}");
        Ok(time)
    }

    /// Makes the program read its files again, and says what it may do with events that would be lost or misdirected:
    /// `refuse`, `accept_loss` or `carry_over`. Gives back the answer, and how long it took.
    pub(super) fn reload_with(&self, losses: &str) -> Result<(Value, Duration)> {
        let body = format!("{{\"losses\":\"{losses}\"}}");
        let start = now();
        let answer = self.request("POST", "/reload", &body)?;
        let time = now().duration_since(start);
        Ok((serde_json::from_str(&answer).with_context(|| format!("no JSON: {answer}"))?, time))
    }

    /// How the program is doing.
    pub(super) fn status(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.ask("GET", "/status")?)?)
    }

    /// Asks whether it is well; the error says that it is not.
    pub(super) fn is_well(&self) -> Result<()> {
        let answer = self.ask("GET", "/healthz")?;
        ensure!(answer == "ok\n", "the program is not well: {answer}");
        Ok(())
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The value of the metric `name`, which has no labels.
    pub(super) fn metric(&self, name: &str) -> Result<f64> {
        let text = self.ask("GET", "/metrics")?;
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        Ok(line.with_context(|| format!("no metric `{name}`"))?.trim().parse()?)
    }

    /// How many events went through this door, by the program's own account, at all its nodes.
    pub(super) fn events(&self, door: &str) -> Result<u64> {
        let (text, label) = (self.ask("GET", "/metrics")?, format!("door=\"{door}\""));
        let lines = text.lines().filter(|line| line.starts_with("fieldline_events_total{"));
        let values = lines.filter(|line| line.contains(&label)).filter_map(|line| line.rsplit(' ').next());
        values.map(|value| Ok(value.parse::<u64>()?)).sum()
    }

    /// The value of the metric `name` with these labels, each as `label="value"`.
    pub(super) fn series(&self, name: &str, labels: &[&str]) -> Result<f64> {
        let text = self.ask("GET", "/metrics")?;
        let line = text.lines().find(|line| {
            let series = line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'));
            series && labels.iter().all(|label| line.contains(label))
        });
        let (_, value) =
            line.and_then(|line| line.rsplit_once(' ')).with_context(|| format!("no series of `{name}`"))?;
        Ok(value.parse()?)
    }

    fn ask(&self, method: &str, path: &str) -> Result<String> {
        self.request(method, path, "")
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").context("no HTTP")?;
        Ok(body.to_owned())
    }
}

/// How long reloads took.
#[derive(Clone, Debug, Default)]
pub struct Times(pub(super) Vec<Duration>);

impl Times {
    /// The time that this share of the reloads did not exceed; 0 without any.
    pub fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let position = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(position.saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |share| self.percentile(share).as_secs_f64() * 1e3;
        let (half, most, all) = (millis(0.5), millis(0.99), millis(1.0));
        write!(formatter, "{} reloads, p50 {half:.1} ms, p99 {most:.1} ms, slowest {all:.1} ms", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_times_are_not_above_the_median() {
        let times = Times((1..=100).rev().map(Duration::from_millis).collect());
        assert_eq!(times.percentile(0.5), Duration::from_millis(50));
        assert_eq!(times.to_string(), "100 reloads, p50 50.0 ms, p99 99.0 ms, slowest 100.0 ms");
    }
}
