//! `cargo trials bullies`: an innocent pipeline of 1,000 events a second, alone and then beside each bully of the
//! table, in the same process. It keeps its rate, the program answers, and a signal ends it in time.

mod scripts;

mod files;

mod peers;

mod site;

mod trial;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use site::{Guest, Site};
pub use trial::Verdict;
use trial::try_one;

/// Something that does its worst beside an innocent pipeline.
struct Bully {
    /// What it is called in the table.
    name: &'static str,
    /// How it comes in, while the program runs; what it holds goes with the [`Guest`].
    enter: fn(&Site<'_>) -> Result<Guest>,
    /// What shows that it is there.
    sign: Sign,
    /// How many files and sockets the program may have open, if not all that this machine allows.
    descriptors: Option<u32>,
}

/// What shows that a bully came in, so that no row passes because nothing happened.
enum Sign {
    /// It holds what it opened.
    Held,
    /// The status has a node of a pipeline called `bully`.
    Node,
    /// The log has a line with this text.
    Log(&'static str),
}

impl Bully {
    const fn new(name: &'static str, sign: Sign, enter: fn(&Site<'_>) -> Result<Guest>) -> Self {
        Bully { name, enter, sign, descriptors: None }
    }
}

/// Tries `program` with each bully whose name holds `part`; each of the two measurements of a row lasts `time`.
/// Gives back how many rows are not as they must be.
pub fn run(program: &Path, time: Duration, part: &str, mut say: impl FnMut(String)) -> Result<usize> {
    let mut wrong = 0;
    let mut rows = 0;
    let mut compared = 0;
    for bully in scripts::TABLE.iter().chain(files::TABLE).chain(peers::TABLE) {
        if !bully.name.contains(part) {
            continue;
        }
        let verdict = try_one(program, bully, time);
        rows += 1;
        wrong += usize::from(!verdict.as_ref().is_ok_and(Verdict::is_well));
        compared += usize::from(verdict.as_ref().is_ok_and(Verdict::is_compared));
        say(match verdict {
            Ok(verdict) => format!("{:<34} {verdict}", bully.name),
            Err(error) => format!("{:<34} FAILED: {error:#}", bully.name),
        });
    }
    if compared < rows {
        say(format!(
            "skipped: the rates of {} bullies, because this machine is too busy to compare them",
            rows - compared
        ));
    }
    say(format!("{rows} bullies, {wrong} of them disturb"));
    Ok(wrong)
}
