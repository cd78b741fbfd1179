//! What an event costs inside the program, path by path: the example `hot_paths`, whose instructions
//! `cargo trials instructions` counts.

use anyhow::Result;

use super::super::hot_paths;
use super::{Bench, Say};

/// Rounds for each of the others: a turn takes a third of a second here.
const TURNS: u32 = 2;

pub(super) fn run(bench: Bench<'_>, say: Say<'_>) -> Result<String> {
    say("inside: some seconds for each path".to_owned());
    hot_paths::times(bench.root, TURNS * bench.rounds)
}
