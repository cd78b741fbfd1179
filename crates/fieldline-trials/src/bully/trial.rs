//! One row: the program with the innocent pipeline, measured without and with a bully, and then ended.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::super::admin::{Admin, Times};
use super::super::broker::write;
use super::super::engine::Engine;
use super::super::process::{now, wait};
use super::site::Site;
use super::{Bully, Sign};

const INNOCENT: &str = "\
pipeline: innocent
sources:
  a: &signal { type: timer, every: 10ms, body: { x: 1 } }
  b: *signal
  c: *signal
  d: *signal
  e: *signal
  f: *signal
  g: *signal
  h: *signal
  i: *signal
  j: *signal
transforms:
  double: { type: script, inputs: [a, b, c, d, e, f, g, h, i, j], code: 'this.x *= 2;' }
sinks:
  out: { type: blackhole, inputs: double }
";

/// Events a second below which a machine has too much else to do for a comparison.
const LEAST: f64 = 900.0;

/// What the program is given to drain, in seconds.
const GRACE: &str = "1";

/// How long a bully may take to come in.
const ENTRY: Duration = Duration::from_secs(10);

/// What a bully did to the innocent pipeline and to the program.
pub struct Verdict {
    alone: f64,
    beside: f64,
    health: Duration,
    end: Duration,
}

impl Verdict {
    /// Whether the innocent pipeline kept 95 % of its rate, the program answered in 250 ms, and it ended within its grace and a
    /// second.
    pub fn is_well(&self) -> bool {
        (!self.is_compared() || self.beside >= self.alone * 0.95)
            && self.health <= Duration::from_millis(250)
            && self.end <= Duration::from_secs(2)
    }

    /// Whether the innocent pipeline had its rate while it was alone; else this machine has too much else to do, and the rates
    /// say nothing.
    pub fn is_compared(&self) -> bool {
        self.alone >= LEAST
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>4.0}/s of {:>4.0}/s ({:.2}), health p99 {:>5.1} ms, ended after {:.2} s{}{}",
            self.beside,
            self.alone,
            self.beside / self.alone,
            self.health.as_secs_f64() * 1e3,
            self.end.as_secs_f64(),
            if self.is_compared() { "" } else { "  rates not compared" },
            if self.is_well() { "" } else { "  FAILED" }
        )
    }
}

/// Tries one bully; each measurement lasts `time`.
pub(super) fn try_one(program: &Path, bully: &Bully, time: Duration) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let pipelines = folder.path().join("pipelines");
    std::fs::create_dir(&pipelines)?;
    write(&pipelines.join("innocent.yaml"), INNOCENT)?;
    let program = limited(program, folder.path(), bully.descriptors)?;
    let secrets = pipelines.to_str().context("a path that is text")?;
    let options = ["--grace", GRACE, "--secrets", secrets];
    let engine = Engine::start(&program, folder.path(), &pipelines, &options)?;
    let admin = Admin::ready(engine.admin().port())?;
    wait(Duration::from_millis(300));
    let (alone, _) = measure(admin, time)?;
    let site = Site { folder: folder.path(), pipelines: &pipelines, admin: admin.port() };
    let guest = (bully.enter)(&site)?;
    wait_for(&bully.sign, &engine)?;
    let (beside, health) = measure(admin, time)?;
    let end = engine.terminate(Duration::from_secs(10))?;
    drop(guest);
    Ok(Verdict { alone, beside, health, end })
}

/// The program, or a script that starts it with so many descriptors.
fn limited(program: &Path, folder: &Path, descriptors: Option<u32>) -> Result<PathBuf> {
    let program = program.canonicalize().with_context(|| format!("no `{}`", program.display()))?;
    let Some(descriptors) = descriptors else { return Ok(program) };
    let script = folder.join("limited");
    write(&script, &format!("#!/bin/sh\nulimit -n {descriptors}\nexec '{}' \"$@\"\n", program.display()))?;
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700))?;
    Ok(script)
}

/// Waits until the bully shows.
fn wait_for(sign: &Sign, engine: &Engine) -> Result<()> {
    let deadline = now() + ENTRY;
    loop {
        let shows = match sign {
            Sign::Held => true,
            Sign::Node => engine.admin().status()?["nodes"]
                .as_array()
                .is_some_and(|nodes| nodes.iter().any(|node| node["node"].as_str().is_some_and(is_bully))),
            Sign::Log(text) => engine.log()?.iter().any(|line| line.contains(text)),
        };
        if shows {
            return Ok(());
        }
        let end = engine.log()?;
        let end = end.get(end.len().saturating_sub(3)..).unwrap_or_default();
        ensure!(now() < deadline, "the bully does not come in: {end:#?}");
        wait(Duration::from_millis(50));
    }
}

fn is_bully(node: &str) -> bool {
    node.starts_with("bully/")
}

/// Events a second of the innocent pipeline, and how fast the program answers that it is well.
fn measure(admin: Admin, time: Duration) -> Result<(f64, Duration)> {
    let count = || {
        admin.series(
            "fieldline_events_total",
            &["pipeline=\"innocent\"", "node=\"out\"", "door=\"delivered\""],
        )
    };
    let begin = now();
    let first = count()?;
    let started = now();
    let mut health = Times(vec![started.duration_since(begin)]);
    while now().duration_since(started) < time {
        let asked = now();
        admin.is_well()?;
        health.0.push(now().duration_since(asked));
        wait(Duration::from_millis(10));
    }
    // Half of what an answer takes lies before the moment that it tells of, and half behind.
    let ended = now();
    let last = count()?;
    let passed = now().duration_since(ended) / 2 + ended.duration_since(started);
    let passed = passed + started.duration_since(begin) / 2;
    Ok(((last - first) / passed.as_secs_f64(), health.percentile(0.99)))
}
