//! What is right stays, what is wrong is taken back with the reason and its place, and nothing is no version.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::site::{OLD, PIPELINE, Site};
use crate::client::Sender;
use crate::process::wait;

/// Messages of a burst.
const BURST: u64 = 300;
/// For how long the plant is quiet before the edit.
const QUIET: Duration = Duration::from_secs(3);

/// A burst, a quiet plant, and a topic more: the source is silent because the plant is.
pub(super) fn quiet_plant_is_edited(program: &Path, folder: &Path) -> Result<String> {
    let source = "in: { type: mqtt, connection: plant, topics: [repair/x], qos: 1 }";
    let text = PIPELINE.replace("in: { type: timer, every: 50ms }", source);
    let text =
        text.replace("this.n = meta.sequence; ", "").replace("rollback_window: 5s", "rollback_window: 10s");
    let mut site = Site::start(program, folder, &text, false, false)?;
    site.until("a program at work", || Ok(site.engine.admin().status()?["ready"] == true))?;
    let mut sender = Sender::start(site.brokers[OLD].socket(), "repair/x")?;
    (1..=BURST).try_for_each(|number| sender.send(&format!("{{\"n\":{number}}}")))?;
    sender.finish()?;
    site.await_numbers(1, BURST)?;
    wait(QUIET);
    site.edit("topics: [repair/x]", "topics: [repair/x, repair/y]")?;
    site.reload()?;
    site.outlive(Duration::from_secs(10))?;
    let mut sender = Sender::start(site.brokers[OLD].socket(), "repair/y")?;
    sender.send(&format!("{{\"n\":{}}}", BURST + 1))?;
    sender.finish()?;
    site.await_numbers(1, BURST + 1)?;
    Ok("the edit stays, and the new topic works".to_owned())
}

/// A script that fails; the log, the status and the next reload say where and how.
pub(super) fn failing_script_is_told(program: &Path, folder: &Path) -> Result<String> {
    let text = PIPELINE.replace(
        "code: \"this.n = meta.sequence; this.edit = 0;\" }",
        "code: |\n      this.n = meta.sequence;\n      this.edit = 0;\n",
    );
    let text =
        text.replace("{ type: script, inputs: in, code", "\n    type: script\n    inputs: in\n    code");
    let mut site = Site::start(program, folder, &text, false, false)?;
    site.until("arrivals", || Ok(site.arrived(OLD) >= 20))?;
    let wrong = "this.edit = \"a\" - 1;";
    site.edit("this.edit = 0;", wrong)?;
    let line = site.text().lines().position(|line| line.contains(wrong)).context("it was edited")? + 1;
    site.reload()?;
    let admin = site.engine.admin();
    site.until("a rollback", || Ok(admin.status()?["last_reload"]["result"] == "rolled_back"))?;
    let log = site.engine.log()?;
    let told = [
        ("log", log.into_iter().filter(|line| line.contains("rolled back")).collect()),
        ("status", admin.status()?["last_reload"]["reasons"].to_string()),
        ("reload", admin.reload_with("refuse")?.0["reasons"].to_string()),
    ];
    for (place, text) in told {
        let is_told = text.contains("string and integer") && text.contains(&format!("p.yaml:{line}:"));
        ensure!(is_told, "the {place} does not say what fails in line {line}: {text}");
    }
    Ok("log, status and reload say the first error and its place".to_owned())
}

/// The folder is renamed for a while.
pub(super) fn folder_is_away(program: &Path, folder: &Path) -> Result<String> {
    let site = Site::start(program, folder, PIPELINE, false, true)?;
    let path = site.pipelines();
    is_away(site, &path)
}

/// The only file is moved out of its folder for a while.
pub(super) fn file_is_away(program: &Path, folder: &Path) -> Result<String> {
    let site = Site::start(program, folder, PIPELINE, false, true)?;
    let path = site.file();
    is_away(site, &path)
}

fn is_away(mut site: Site, path: &Path) -> Result<String> {
    site.until("arrivals", || Ok(site.arrived(OLD) >= 20))?;
    let elsewhere = path.with_file_name("elsewhere");
    std::fs::rename(path, &elsewhere)?;
    wait(Duration::from_secs(2));
    ensure!(site.engine.is_alive()?, "the program has ended");
    let last = site.engine.admin().status()?["last_reload"].clone();
    ensure!(last["result"] == "rejected", "a change to nothing is not rejected: {last}");
    let before = site.arrived(OLD);
    site.until("more arrivals while it is away", || Ok(site.arrived(OLD) > before))?;
    std::fs::rename(&elsewhere, path)?;
    site.edit("this.edit = 0", "this.edit = 1")?;
    site.until("what the next edit makes", || Ok(site.receivers[OLD].seen().edit == Some(1)))?;
    let made = site.figure("p/in", "created")?;
    site.await_numbers(1, made)?;
    Ok(format!("rejected, {made} of {made} arrive, the next edit works"))
}
