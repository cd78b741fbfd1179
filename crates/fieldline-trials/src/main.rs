//! `cargo trials chaos`, `storm`, `outages`, `repair`, `bullies`, `footprint`, `bench`, `hot-paths` and `instructions`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use fieldline_trials::bench::{Bench, ROUNDS, SECTIONS, Section};
use fieldline_trials::chaos::Chaos;
use fieldline_trials::reload_time::reload_times;
use fieldline_trials::root;
use fieldline_trials::storm::Storm;
use fieldline_trials::storm::outages::Trouble;

const USAGE: &str = "usage: cargo trials chaos PROGRAM [ROUNDS]      the program, such as target/release/fieldline, through accidents
       cargo trials storm PROGRAM [RELOADS]     through edits, while messages pass
       cargo trials outages PROGRAM [RELOADS] [SEED]
           through edits, while messages pass to a broker that comes and goes
       cargo trials repair PROGRAM [TRIAL]      through repairs while its broker is away; TRIAL is a part of a name
       cargo trials bullies PROGRAM [SECONDS] [BULLY]
           an innocent pipeline alone and beside each bully, so long each; BULLY is a part of a name
       cargo trials footprint PROGRAM           its size, memory and processor time
       cargo trials bench [SECTION] [PROGRAM] [--short]
           what it costs: topics, inside, scale, buffer, memory, size; builds it where it is not given; one round
           with --short; writes crates/PERFORMANCE.md with UPDATE=1
       cargo trials hot-paths                   time, instructions and allocations of an event in the program
       cargo trials instructions                whether they are what crates/PERFORMANCE.md says; UPDATE=1 writes it";

/// Accidents if nothing is said.
const ACCIDENTS: u32 = 100;

/// Reloads in a storm if nothing is said.
const RELOADS: u32 = 1000;

/// Seconds beside a bully if nothing is said.
const BESIDE: u64 = 2;

/// What edits and outages are drawn from if nothing is said.
const SEED: u64 = 13;

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["chaos", program] => chaos(Path::new(program), ACCIDENTS),
        ["chaos", program, rounds] => chaos(Path::new(program), rounds.parse().context(USAGE)?),
        ["storm", program] => storm(Path::new(program), RELOADS),
        ["storm", program, reloads] => storm(Path::new(program), reloads.parse().context(USAGE)?),
        ["outages", program] => outages(Path::new(program), RELOADS, SEED),
        ["outages", program, reloads] => outages(Path::new(program), reloads.parse().context(USAGE)?, SEED),
        ["outages", program, reloads, seed] => {
            outages(Path::new(program), reloads.parse().context(USAGE)?, seed.parse().context(USAGE)?)
        }
        ["repair", program] => repair(Path::new(program), ""),
        ["repair", program, trial] => repair(Path::new(program), trial),
        ["bullies", program] => bullies(Path::new(program), BESIDE, ""),
        ["bullies", program, seconds] => bullies(Path::new(program), seconds.parse().context(USAGE)?, ""),
        ["bullies", program, seconds, part] => {
            bullies(Path::new(program), seconds.parse().context(USAGE)?, part)
        }
        ["footprint", program] => footprint(Path::new(program)),
        ["bench", arguments @ ..] => bench(&root(), arguments),
        ["hot-paths"] => hot_paths(&root()),
        ["instructions"] => instructions(&root()),
        _ => bail!(USAGE),
    }
}

fn chaos(program: &Path, rounds: u32) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    let mut say = |line: String| drop(writeln!(out, "{line}"));
    let account =
        fieldline_trials::chaos::run(program, folder.path(), Chaos { rounds, rate: 2000 }, &mut say)?;
    say(account.to_string());
    Ok(if account.sum().lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn storm(program: &Path, reloads: u32) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    let mut say = |line: String| drop(writeln!(out, "{line}"));
    let report =
        fieldline_trials::storm::run(program, folder.path(), Storm { reloads, rate: 5000 }, &mut say)?;
    say(report.to_string());
    let hundred = tempfile::tempdir()?;
    let times = reload_times(program, hundred.path())?;
    say(format!("one node of a hundred edited: {times}"));
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn outages(program: &Path, reloads: u32, seed: u64) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    let mut say = |line: String| drop(writeln!(out, "{line}"));
    let trouble = Trouble { reloads, rate: 5000, seed };
    let report = fieldline_trials::storm::outages::run(program, folder.path(), trouble, &mut say)?;
    say(report.to_string());
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn repair(program: &Path, trial: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let wrong = fieldline_trials::repair::run(program, trial, |line| drop(writeln!(out, "{line}")))?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn bullies(program: &Path, seconds: u64, part: &str) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    let say = |line| drop(writeln!(out, "{line}"));
    let wrong = fieldline_trials::bully::run(program, Duration::from_secs(seconds), part, say)?;
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn footprint(program: &Path) -> anyhow::Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let footprint = fieldline_trials::footprint::measure(program, folder.path(), Duration::from_secs(30))?;
    let mut out = std::io::stdout();
    writeln!(out, "binary    {:>8.2} MB", footprint.size as f64 / 1e6)?;
    writeln!(
        out,
        "memory    {:>8.2} MB resident, publishing one reading a second",
        footprint.resident as f64 * 1024.0 / 1e6
    )?;
    writeln!(out, "processor {:>8.2} % of one core, at that", footprint.share * 100.0)?;
    Ok(ExitCode::SUCCESS)
}

fn bench(root: &Path, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let (options, arguments): (Vec<&str>, Vec<&str>) = arguments.iter().partition(|word| **word == "--short");
    let section = |word: &&str| SECTIONS.into_iter().find(|section| section.name == *word);
    let sections: Vec<Section> = arguments.iter().filter_map(section).collect();
    let sections = if sections.is_empty() { SECTIONS.to_vec() } else { sections };
    let programs: Vec<&str> = arguments.into_iter().filter(|word| section(word).is_none()).collect();
    let program = match programs.as_slice() {
        [] => fieldline_trials::bench::build_program(root)?,
        [program] => PathBuf::from(program).canonicalize().with_context(|| format!("no `{program}`"))?,
        _ => bail!(USAGE),
    };
    let updates = std::env::var_os("UPDATE").is_some();
    ensure!(!updates || options.is_empty(), "the page is for whole runs, without `--short`");
    let bench = Bench { root, program: &program, rounds: if options.is_empty() { ROUNDS } else { 1 } };
    let mut out = std::io::stdout();
    let mut say = |line: String| drop(writeln!(out, "{line}"));
    for section in sections {
        let block = fieldline_trials::bench::run(section, bench, &mut say)?;
        say(format!("\n{block}"));
        if updates {
            fieldline_trials::bench::write(section, root, &block)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn hot_paths(root: &Path) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout();
    fieldline_trials::hot_paths::measure(root, |line| drop(writeln!(out, "{line}")))?;
    Ok(ExitCode::SUCCESS)
}

fn instructions(root: &Path) -> anyhow::Result<ExitCode> {
    if std::env::var_os("UPDATE").is_some() {
        fieldline_trials::hot_paths::update(root)?;
        return Ok(ExitCode::SUCCESS);
    }
    let deviations = fieldline_trials::hot_paths::compare(root)?;
    let mut out = std::io::stdout();
    for deviation in &deviations {
        writeln!(out, "{deviation}")?;
    }
    writeln!(out, "{} paths differ by more than 5 %", deviations.len())?;
    Ok(if deviations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
