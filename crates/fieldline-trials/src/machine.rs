//! What was measured on: the machine and the versions, in one line for people.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::process::read;

/// Processor, memory, kernel, the versions of what takes part, how busy the machine was a moment ago, and the commit.
pub(super) fn machine(root: &Path) -> Result<String> {
    let processors = read(Path::new("/proc/cpuinfo"))?;
    let count = processors.lines().filter(|line| line.starts_with("processor")).count();
    let model =
        value(&processors, "model name").or(value(&processors, "Model")).unwrap_or("an unnamed processor");
    let memory = value(&read(Path::new("/proc/meminfo"))?, "MemTotal").and_then(first_number);
    let memory = memory.context("the kernel says nothing of the memory")? / 1024 / 1024;
    let kernel = read(Path::new("/proc/sys/kernel/osrelease"))?;
    let load = read(Path::new("/proc/loadavg"))?;
    let load = load.split_whitespace().next().context("the kernel keeps no load")?;
    let versions = [("rustc", "--version"), ("mosquitto", "-h"), ("valgrind", "--version")];
    let versions: Vec<String> =
        versions.into_iter().filter_map(|(program, argument)| version(program, argument)).collect();
    Ok(format!(
        "{model}, {count} processors, {memory} GiB, Linux {}, {}; load {load} at the beginning; commit {}.",
        kernel.trim(),
        versions.join(", "),
        commit(root).unwrap_or_else(|| "unknown".to_owned()),
    ))
}

fn value<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The program and its version, which is the first word with a digit and a dot; `None` if it is not installed.
fn version(program: &str, argument: &str) -> Option<String> {
    let places = [program.to_owned(), format!("/usr/sbin/{program}")];
    let output = places.iter().find_map(|place| Command::new(place).arg(argument).output().ok())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text
        .split([' ', '-', '\n'])
        .find(|word| word.contains('.') && word.starts_with(|letter: char| letter.is_ascii_digit()))?;
    Some(format!("{program} {version}"))
}

fn commit(root: &Path) -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(root).args(["describe", "--always", "--dirty", "--exclude", "*"]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiler_tells_its_version() {
        let version = version("rustc", "--version").expect("it compiled this");
        assert!(version.starts_with("rustc 1."), "{version}");
    }
}
