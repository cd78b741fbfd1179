//! `cargo trials hot-paths` and `instructions`: what an event costs inside the program, path by path, measured on the
//! example `hot_paths` of `fieldline-testkit`. Times need a quiet machine; instructions and allocations repeat, so the
//! page `crates/PERFORMANCE.md` keeps them and a check compares.

mod count;

mod table;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::build::examples;
use super::page::Page;
use super::spread::Spread;
use count::Counts;
pub use table::Deviation;

/// The block of the page with the counts.
const BLOCK: &str = "counts";

/// Events of the shorter of two runs that are counted.
const EVENTS: u64 = 128;

/// How many times as many more the longer of the two has, for a path of fewer than [`CHEAP`] instructions. The start takes
/// some 10,000 instructions more or less each time; shared among more events that is less of each.
const MORE: u64 = 8;

/// Instructions per event below which a path is counted over more events.
const CHEAP: f64 = 50_000.0;

/// Processor time to be spent in one round of a path, in nanoseconds.
const TURN: f64 = 0.3e9;

/// How often the times of all paths are taken.
const ROUNDS: u32 = 7;

/// Times, instructions and allocations per event of every path, as lines.
pub fn measure(root: &Path, mut say: impl FnMut(String)) -> Result<()> {
    let paths = HotPaths::build(root)?;
    say(format!("{:<24} {:>22} {:>13} {:>12}", "per event", "ns", "instructions", "allocations"));
    for (name, times) in paths.names.iter().zip(paths.times(ROUNDS)?) {
        let (times, counts) = (Spread::of(times), paths.counts(name)?);
        let times = times.rounded(0);
        say(format!("{name:<24} {times:>22} {:>13.0} {:>12.2}", counts.instructions, counts.allocations));
    }
    Ok(())
}

/// Times alone, which do not take valgrind, as a table.
pub(super) fn times(root: &Path, rounds: u32) -> Result<String> {
    let paths = HotPaths::build(root)?;
    let mut table = format!("{:<24} {:>14} {:>24}\n", "per event", "of `nothing`", "ns");
    let times = paths.times(rounds)?;
    let nothing = times.first().context("there are paths")?;
    for (name, times) in paths.names.iter().zip(&times) {
        let ratio = Spread::of(times.iter().zip(nothing).map(|(time, nothing)| time / nothing)).median;
        let times = Spread::of(times.iter().copied());
        let range = times.rounded(0);
        table += &format!("{name:<24} {ratio:>14.2} {range:>24}\n");
    }
    Ok(table)
}

/// Where instructions and allocations are not what the page says.
pub fn compare(root: &Path) -> Result<Vec<Deviation>> {
    Ok(table::compare(Page::read(root)?.block(BLOCK)?, &HotPaths::build(root)?.all_counts()?))
}

/// Writes instructions and allocations into the page.
pub fn update(root: &Path) -> Result<()> {
    let counted = HotPaths::build(root)?.all_counts()?;
    // Read only now: counting takes minutes, in which the page may be edited.
    Page::read(root)?.write(BLOCK, &table::text(&counted))
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
    fn times(&self, rounds: u32) -> Result<Vec<Vec<f64>>> {
        let mut times = vec![Vec::new(); self.names.len()];
        for (name, times) in self.names.iter().zip(&mut times) {
            times.push(self.time(name, EVENTS)?);
        }
        for _ in 0..rounds {
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
        let less = Counts::of_run(&self.program, name, EVENTS)?;
        let per_event = |more: u64| -> Result<Counts> {
            let all = Counts::of_run(&self.program, name, EVENTS + more)?;
            Ok(all.minus(less).divided_by(more))
        };
        let rough = per_event(EVENTS)?;
        if rough.instructions < CHEAP { per_event(MORE * EVENTS) } else { Ok(rough) }
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
