//! What the bytes of the program are: its sections, and its code by crate.

mod symbol;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Bench, Say};
use symbol::crate_of;

/// Crates that have a line of their own.
const LINES: usize = 25;

/// Sections smaller than this many bytes are summed up.
const SMALL: u64 = 20_000;

pub(super) fn run(bench: Bench<'_>, say: Say<'_>) -> Result<String> {
    say("size: nm and size of binutils".to_owned());
    let names =
        output("nm", &["--print-size", "--radix=d", "--demangle=rust", "--defined-only"], bench.program)?;
    let crates = by_crate(&names);
    ensure!(!crates.is_empty(), "the program has no names of functions; let this command build it");
    let sections = sections(&output("size", &["--format=sysv", "--radix=10"], bench.program)?);
    Ok(format!("{}\n{}", section_table(&sections), crate_table(&crates)))
}

/// Bytes of the code of each crate, from lines `ADDRESS SIZE TYPE NAME`.
fn by_crate(names: &str) -> BTreeMap<String, u64> {
    let mut crates = BTreeMap::new();
    for line in names.lines() {
        let mut words = line.splitn(4, ' ');
        let (_, size, kind, name) = (words.next(), words.next(), words.next(), words.next());
        let size = size.and_then(|size| size.parse::<u64>().ok());
        if let (Some(size), Some("t" | "T" | "w" | "W"), Some(name)) = (size, kind, name) {
            *crates.entry(crate_of(name)).or_default() += size;
        }
    }
    crates
}

/// Name and size of each section that is in the file and in memory, from lines `NAME SIZE ADDRESS`.
fn sections(report: &str) -> Vec<(String, u64)> {
    let mut sections = Vec::new();
    for line in report.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, size, address] = words.as_slice() else { continue };
        if let Ok(size) = size.parse()
            && *address != "0"
            && *name != ".bss"
        {
            sections.push(((*name).to_owned(), size));
        }
    }
    sections.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    sections
}

fn section_table(sections: &[(String, u64)]) -> String {
    let sum: u64 = sections.iter().map(|(_, size)| size).sum();
    let mut text = format!("{:<24} {:>8} {:>10}\n", "section", "share", "KB");
    for (name, size) in sections.iter().filter(|(_, size)| *size >= SMALL) {
        text += &row(name, *size, sum);
    }
    let rest = sections.iter().map(|(_, size)| size).filter(|size| **size < SMALL).sum();
    text + &row("others", rest, sum) + &row("all", sum, sum)
}

fn crate_table(crates: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<(&String, &u64)> = crates.iter().collect();
    sorted.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
    let sum: u64 = crates.values().sum();
    let mut text = format!("{:<24} {:>8} {:>10}\n", "code of", "share", "KB");
    for (name, size) in sorted.iter().take(LINES) {
        text += &row(name, **size, sum);
    }
    let rest: u64 = sorted.iter().skip(LINES).map(|(_, size)| **size).sum();
    let count = sorted.len().saturating_sub(LINES);
    text + &row(&format!("{count} others"), rest, sum) + &row("all", sum, sum)
}

fn row(name: &str, size: u64, sum: u64) -> String {
    let share = size as f64 / sum as f64 * 100.0;
    format!("{name:<24} {share:>6.1} % {:>10.1}\n", size as f64 / 1e3)
}

fn output(tool: &str, arguments: &[&str], program: &Path) -> Result<String> {
    let output = Command::new(tool).args(arguments).arg(program).output();
    let output = output.with_context(|| format!("`{tool}` does not start (Debian: binutils)"))?;
    ensure!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_summed_by_crate_and_data_is_not_code() {
        let names = "0000000000000016 0000000000000040 t tokio::runtime::park\n\
                     0000000000000056 0000000000000002 T <tokio::time::Sleep as core::fmt::Debug>::fmt\n\
                     0000000000000090 0000000000000009 r tokio::TABLE\n\
                     0000000000000099 t local_label\n";
        assert_eq!(by_crate(names), BTreeMap::from([("tokio".to_owned(), 42)]));
    }

    #[test]
    fn what_is_not_in_memory_or_not_in_the_file_is_no_section_of_the_table() {
        let report = "program  :\nsection   size  addr\n.text  30000  4096\n.bss  500  9000\n.comment  20  0\nTotal 30520\n";
        assert_eq!(sections(report), [(".text".to_owned(), 30_000)]);
    }
}
