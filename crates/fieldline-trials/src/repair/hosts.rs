//! A connection is edited while a thousand events wait for its broker. To another port of the same host they go without
//! a word; to another host, which could be another plant, only when somebody says so.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::site::{NEW, OLD, PIPELINE, Site};
use crate::process::wait;

/// A buffer on disk, as it stands in the file.
pub(super) const DISK: &str = "    buffer: { type: disk, max_size: 4MiB }\n";

/// How many wait.
const COUNT: u64 = 1000;
/// Both ways in which a program may write it.
const WORDS: [&str; 2] = ["1000", "1,000"];
/// How long nothing may come that must not come.
const SILENCE: Duration = Duration::from_secs(2);

/// A program with a thousand events for a broker that is away.
fn filled(program: &Path, folder: &Path, buffer: &str) -> Result<Site> {
    let text = PIPELINE.replace("every: 50ms", &format!("every: 1ms, count: {COUNT}"));
    let text = text.replace("  none:", &format!("{buffer}  none:"));
    let site = Site::start(program, folder, &text, true, false)?;
    site.until("a thousand events that wait", || Ok(site.figure("p/out", "received")? == COUNT))?;
    Ok(site)
}

/// Edits the connection to another host, which must be refused with the number.
fn refused(program: &Path, folder: &Path, buffer: &str) -> Result<Site> {
    let mut site = filled(program, folder, buffer)?;
    let generation = site.engine.admin().status()?["generation"].clone();
    site.edit(&site.url("localhost", OLD), &site.url("127.0.0.1", NEW))?;
    let (code, printed) = site.command(&["plan"])?;
    let has_number = |text: &str| WORDS.iter().any(|word| text.contains(word));
    ensure!(code == 3 && has_number(&printed), "`plan` ends with {code} and says: {printed}");
    let (answer, _) = site.engine.admin().reload_with("refuse")?;
    let reasons = answer["reasons"].to_string();
    ensure!(answer["result"] == "rejected" && has_number(&reasons), "the reload is not refused: {answer}");
    ensure!(site.engine.admin().status()?["generation"] == generation, "the old version has not gone on");
    ensure!(site.figure("p/out", "in_flight")? == COUNT, "not all wait any more");
    Ok(site)
}

/// What was refused is applied, and they go to the new host.
pub(super) fn carry(program: &Path, folder: &Path, buffer: &str) -> Result<String> {
    let site = refused(program, folder, buffer)?;
    let (code, printed) = site.command(&["reload", "--carry-over"])?;
    ensure!(code == 0, "`reload --carry-over` ends with {code} and says: {printed}");
    arrive(&site)?;
    Ok(format!("refused with the number, then {COUNT} of {COUNT} at the new host, in order"))
}

/// What was refused is applied, and they go nowhere.
pub(super) fn give_up(program: &Path, folder: &Path, buffer: &str) -> Result<String> {
    let site = refused(program, folder, buffer)?;
    let (code, printed) = site.command(&["reload", "--accept-loss"])?;
    ensure!(code == 0, "`reload --accept-loss` ends with {code} and says: {printed}");
    site.until("a thousand dropped events in the account", || Ok(site.figure("p/out", "dropped")? == COUNT))?;
    let by_reason =
        |door| site.engine.admin().series("fieldline_events_by_reason_total", &["node=\"out\"", door]);
    ensure!(by_reason("door=\"dropped\"")? as u64 == COUNT, "the account names no reason");
    wait(SILENCE);
    ensure!(site.arrived(OLD) + site.arrived(NEW) == 0, "some arrive although they were given up");
    Ok(format!("refused with the number, then {COUNT} dropped with a reason, none arrives"))
}

/// Another port of the same host needs no consent.
pub(super) fn move_port(program: &Path, folder: &Path, buffer: &str) -> Result<String> {
    let mut site = filled(program, folder, buffer)?;
    site.edit(&site.url("localhost", OLD), &site.url("localhost", NEW))?;
    site.reload()?;
    arrive(&site)?;
    Ok(format!("applied, {COUNT} of {COUNT} at the new port, in order"))
}

fn arrive(site: &Site) -> Result<()> {
    site.await_numbers(1, COUNT)?;
    ensure!(site.arrived(OLD) == 0, "some went to the old broker");
    Ok(())
}
