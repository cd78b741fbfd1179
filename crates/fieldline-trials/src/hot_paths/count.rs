//! [`Counts`], from valgrind: instructions by callgrind, allocations by dhat.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// What was counted, in all or per event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Counts {
    /// Instructions of the processor.
    pub(super) instructions: f64,
    /// Calls of the allocator that give memory.
    pub(super) allocations: f64,
}

impl Counts {
    /// Those of a whole run, which both tools watch at the same time, each a run of its own.
    pub(super) fn of_run(program: &Path, path: &str, events: u64) -> Result<Self> {
        let callgrind = start("callgrind", program, path, events)?;
        let dhat = start("dhat", program, path, events)?;
        let (callgrind, dhat) = (report(callgrind)?, report(dhat)?);
        Ok(Counts {
            instructions: number(&callgrind, "Collected :", 0).context("callgrind counts nothing")?,
            allocations: number(&dhat, "Total:", 3).context("dhat counts nothing")?,
        })
    }

    pub(super) fn minus(self, other: Counts) -> Self {
        Counts {
            instructions: self.instructions - other.instructions,
            allocations: self.allocations - other.allocations,
        }
    }

    pub(super) fn divided_by(self, events: u64) -> Self {
        let events = events as f64;
        Counts { instructions: self.instructions / events, allocations: self.allocations / events }
    }
}

fn start(tool: &str, program: &Path, path: &str, events: u64) -> Result<Child> {
    let mut command = Command::new("valgrind");
    command.arg(format!("--tool={tool}")).arg(format!("--{tool}-out-file=/dev/null"));
    command.arg(program).args([path, &events.to_string()]).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().context("`valgrind` does not start")
}

/// What a tool says at the end.
fn report(tool: Child) -> Result<String> {
    let output = tool.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "valgrind: {text}");
    Ok(text)
}

/// The word at `index` behind `label`, as a number that may have commas.
fn number(report: &str, label: &str, index: usize) -> Option<f64> {
    let (_, rest) = report.split_once(label)?;
    rest.split_whitespace().nth(index)?.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_both_tools_are_understood() {
        let callgrind = "==7== Events    : Ir\n==7== Collected : 33193706\n";
        assert_eq!(number(callgrind, "Collected :", 0), Some(33_193_706.0));
        let dhat = "==7== \n==7== Total:     1,290,511 bytes in 7,233 blocks\n==7== At t-gmax: 5 bytes in 1 blocks\n";
        assert_eq!(number(dhat, "Total:", 3), Some(7233.0));
    }
}
