//! `cargo xtask hot-paths` and `instructions`: what an event costs inside the program, path by path, measured on the
//! example `hot_paths` of `fieldline-testkit`. Times need a quiet machine; instructions and allocations repeat, so the
//! page `crates/PERFORMANCE.md` keeps them and a check compares.

mod count;

mod page;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::build::examples;
use super::spread::Spread;
use crate::files::{read_text, write_text};
use count::Counts;
pub use page::Deviation;
use page::Page;

/// The page with the counts.
const PAGE: &str = "crates/PERFORMANCE.md";

/// Events of the shorter of two runs that are counted.
const EVENTS: u64 = 1_280;

/// Processor time to be spent in one round of a path, in nanoseconds.
const TURN: f64 = 0.3e9;

/// How often the times of all paths are taken.
const ROUNDS: u32 = 7;

/// Times, instructions and allocations per event of every path, as lines.
pub fn measure(root: &Path, mut say: impl FnMut(String)) -> Result<()> {
    let paths = HotPaths::build(root)?;
    say(format!("{:<24} {:>22} {:>13} {:>12}", "per event", "ns", "instructions", "allocations"));
    for (name, times) in paths.names.iter().zip(paths.times()?) {
        let (times, counts) = (Spread::of(times), paths.counts(name)?);
        let times = format!("{:.0} ({:.0}-{:.0})", times.median, times.least, times.greatest);
        say(format!("{name:<24} {times:>22} {:>13.0} {:>12.2}", counts.instructions, counts.allocations));
    }
    Ok(())
}

/// Where instructions and allocations are not what the page says.
pub fn compare(root: &Path) -> Result<Vec<Deviation>> {
    Page(read_text(&root.join(PAGE))?).compare(&HotPaths::build(root)?.all_counts()?)
}

/// Writes instructions and allocations into the page.
pub fn update(root: &Path) -> Result<()> {
    let page = Page(read_text(&root.join(PAGE))?).with(&HotPaths::build(root)?.all_counts()?)?;
    write_text(&root.join(PAGE), &page)
}

/// The paths, and the program that takes them.
struct HotPaths {
    program: PathBuf,
    names: Vec<String>,
}

impl HotPaths {
    fn build(root: &Path) -> Result<Self> {
        let [program] =
            examples(root, "fieldline-testkit", &["hot_paths"])?.try_into().ok().context("one program")?;
        let names = text_of(&mut Command::new(&program))?.lines().map(str::to_owned).collect();
        Ok(HotPaths { program, names })
    }

    /// Nanoseconds per event of each path in each round, in which all take turns.
    fn times(&self) -> Result<Vec<Vec<f64>>> {
        let mut times = vec![Vec::new(); self.names.len()];
        for (name, times) in self.names.iter().zip(&mut times) {
            times.push(self.time(name, EVENTS)?);
        }
        for _ in 0..ROUNDS {
            for (name, times) in self.names.iter().zip(&mut times) {
                let events = (TURN / times[0]) as u64;
                times.push(self.time(name, events.max(EVENTS))?);
            }
        }
        // The first showed only how many events fill a turn.
        Ok(times.into_iter().map(|mut times| times.split_off(1)).collect())
    }

    /// What one event of the path `name` costs: the difference of two runs, so that neither start nor end counts.
    fn counts(&self, name: &str) -> Result<Counts> {
        let more = Counts::of_run(&self.program, name, 2 * EVENTS)?;
        Ok(more.minus(Counts::of_run(&self.program, name, EVENTS)?).divided_by(EVENTS))
    }

    fn all_counts(&self) -> Result<Vec<(String, Counts)>> {
        self.names.iter().map(|name| Ok((name.clone(), self.counts(name)?))).collect()
    }

    fn time(&self, name: &str, events: u64) -> Result<f64> {
        let text = text_of(Command::new(&self.program).args([name, &events.to_string()]))?;
        text.trim().parse().with_context(|| format!("`{text}` is no time"))
    }
}

fn text_of(command: &mut Command) -> Result<String> {
    let output = command.output().context("the example does not start")?;
    ensure!(output.status.success(), "the example: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}
