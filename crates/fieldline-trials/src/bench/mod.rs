//! `cargo trials bench`: what the program costs, in sections that each make a table of `crates/PERFORMANCE.md`. In all of
//! them what is compared takes turns, round after round, so that what else the machine does meets all of it; what counts
//! are the ratios.

mod topics;

mod inside;

mod scale;

mod buffer;

mod memory;

mod size;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::build;
use super::machine::machine;
use super::page::Page;

/// What all sections are given.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The folder of the tree.
    pub root: &'a Path,
    /// The program that is measured.
    pub program: &'a Path,
    /// How often everything has its turn.
    pub rounds: u32,
}

/// Where the section tells how it goes.
pub type Say<'a> = &'a mut dyn FnMut(String);

/// A part of the bench that makes one table.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// How it is called in the command and on the page.
    pub name: &'static str,
    measure: fn(Bench<'_>, Say<'_>) -> Result<String>,
}

/// All there are, in the order of the page.
pub const SECTIONS: [Section; 6] = [
    Section { name: "topics", measure: topics::run },
    Section { name: "inside", measure: inside::run },
    Section { name: "scale", measure: scale::run },
    Section { name: "buffer", measure: buffer::run },
    Section { name: "memory", measure: memory::run },
    Section { name: "size", measure: size::run },
];

/// Rounds of the whole bench, which takes some ten minutes.
pub const ROUNDS: u32 = 3;

/// Measures one section: the block for the page, which names the machine.
pub fn run(section: Section, bench: Bench<'_>, say: Say<'_>) -> Result<String> {
    let machine = machine(bench.root)?;
    let table = (section.measure)(bench, say).with_context(|| format!("the section `{}`", section.name))?;
    Ok(format!("{machine}\n\n```text\n{table}```\n"))
}

/// Writes the block of a section into the page.
pub fn write(section: Section, root: &Path, block: &str) -> Result<()> {
    Page::read(root)?.write(section.name, block)
}

/// Builds the program as it is released, but with the names of its functions, which are no part of what runs.
pub fn build_program(root: &Path) -> Result<PathBuf> {
    build::program(root)
}
