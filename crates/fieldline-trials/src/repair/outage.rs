//! The pipeline is repaired while its sink cannot send: what waits goes on to the new version, which stays, and sources
//! are not held.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::hosts::DISK;
use super::site::{NEW, OLD, PIPELINE, Site};
use crate::broker::set_password;
use crate::process::{now, wait};
use crate::proxy::Weather;
use crate::sending::Sending;

/// For how long a change is watched, as the pipelines say.
const WINDOW: Duration = Duration::from_secs(5);
/// How long the broker is away before somebody comes to repair it.
const AWAY: Duration = Duration::from_secs(3);
/// How many arrive before anything goes wrong.
const WELL: u64 = 20;

/// A source whose broker stays.
const FEED: &str = r#"  feed: { type: mqtt, url: "mqtt://localhost:NEW", client_id: feed, user: storm, password: first }
sources:
  in: { type: mqtt, connection: feed, topics: [repair/in], qos: 1 }
"#;

/// The broker is gone for good; the connection is edited to one that lives.
pub(super) fn url_is_edited(program: &Path, folder: &Path) -> Result<String> {
    let mut site = Site::start(program, folder, PIPELINE, false, false)?;
    site.until("arrivals", || Ok(site.arrived(OLD) >= WELL))?;
    site.networks[OLD].set(Weather::Cut);
    wait(AWAY);
    site.edit(&site.url("localhost", OLD), &site.url("localhost", NEW))?;
    site.reload()?;
    stays(&site)
}

/// The broker comes back with another password; then the pipeline gets it.
pub(super) fn password_is_edited(program: &Path, folder: &Path) -> Result<String> {
    let mut site = Site::start(program, folder, PIPELINE, false, false)?;
    site.until("arrivals", || Ok(site.arrived(OLD) >= WELL))?;
    site.brokers[OLD].stop()?;
    set_password(&folder.join("old"), "second")?;
    site.brokers[OLD].resume()?;
    wait(AWAY);
    site.edit("password: first", "password: second")?;
    site.reload()?;
    stays(&site)
}

/// Like [`url_is_edited`], with a source that waits for its events to be settled.
pub(super) fn url_is_edited_behind_a_broker(program: &Path, folder: &Path) -> Result<String> {
    let text = PIPELINE.replace("sources:\n  in: { type: timer, every: 50ms }\n", FEED);
    let text = text.replace("this.n = meta.sequence; ", "");
    let mut site = Site::start(program, folder, &text, false, false)?;
    let sending = Sending::start(site.brokers[NEW].socket(), &["repair/in"], 50)?;
    site.until("arrivals", || Ok(site.arrived(OLD) >= WELL))?;
    site.networks[OLD].set(Weather::Cut);
    wait(AWAY);
    site.edit(&site.url("localhost", OLD), &site.url("localhost", NEW))?;
    site.reload()?;
    site.outlive(WINDOW)?;
    let sent = sending.finish()?;
    site.await_numbers(0, sent - 1)?;
    Ok(format!("{sent} of {sent} arrive, the edit stays"))
}

/// The last change stays, and everything that the timer has made arrives.
fn stays(site: &Site) -> Result<String> {
    site.outlive(WINDOW)?;
    let made = site.figure("p/in", "created")?;
    site.await_numbers(1, made)?;
    Ok(format!("{made} of {made} arrive, the edit stays"))
}

/// Fifteen edits, with a buffer in memory.
pub(super) fn many_edits_in_memory(program: &Path, folder: &Path) -> Result<String> {
    many_edits(program, folder, "")
}

/// Fifteen edits, with a buffer on disk.
pub(super) fn many_edits_on_disk(program: &Path, folder: &Path) -> Result<String> {
    many_edits(program, folder, DISK)
}

/// Edits, and for how long they are made.
const EDITS: u32 = 15;
const LENGTH: Duration = Duration::from_secs(13);
/// By how many of 650 readings two timers of a busy machine may differ.
const DIFFERENCE: u64 = 6;

fn many_edits(program: &Path, folder: &Path, buffer: &str) -> Result<String> {
    let text = PIPELINE.replace("every: 50ms", "every: 20ms").replace("every: 1h", "every: 20ms");
    let text = text.replace("  none:", &format!("{buffer}  none:"));
    let mut site = Site::start(program, folder, &text, true, false)?;
    site.until("readings", || Ok(site.figure("p/in", "created")? > 0))?;
    let begin = now();
    let mut held = Some(0);
    for edit in 1..=EDITS {
        match edit % 3 {
            0 => site.edit("topic: repair/out", "topic: repair/out/a")?,
            1 => site.edit("this.edit = ", "this.edit = 1")?,
            _ => site.edit("client_id: repair", "client_id: repair1")?,
        }
        let answer = site.reload()?;
        held = held.zip(answer["held_ms"].as_u64()).map(|(sum, time)| sum + time);
        wait((LENGTH * edit / EDITS).saturating_sub(now().duration_since(begin)));
    }
    let (made, undisturbed) = (site.figure("p/in", "created")?, site.figure("p/rest", "created")?);
    let is_held = made + DIFFERENCE < undisturbed;
    ensure!(
        !is_held,
        "the timer made {made} readings, one that feeds another sink {undisturbed}: it was held"
    );
    let held = held.context("the reloads do not tell how long they held sources")?;
    site.networks[OLD].set(Weather::Fair);
    let made = site.figure("p/in", "created")?;
    site.await_numbers(1, made)?;
    Ok(format!("{made} of {made} arrive, sources held for {held} ms in {EDITS} reloads"))
}
