//! How long a reload takes in a program of a hundred nodes of which one was edited.

use std::path::Path;
use std::process::Stdio;

use anyhow::Result;

use super::admin::{Admin, Times};
use super::broker::write;
use super::process::{Process, command, free_port};

/// Pipelines, each of ten nodes.
const PIPELINES: u32 = 10;
/// How often the node is edited.
const EDITS: u32 = 100;

/// Edits one script of the program a hundred times, and measures from the request to the answer.
pub fn reload_times(program: &Path, folder: &Path) -> Result<Times> {
    let pipelines = folder.join("pipelines");
    std::fs::create_dir(&pipelines)?;
    for number in 0..PIPELINES {
        write(&pipelines.join(format!("station{number}.yaml")), &pipeline(number, 0))?;
    }
    let port = free_port()?;
    let mut command = command(program);
    command
        .args(["run", "--no-watch", "--log", "error", "--admin", &format!("127.0.0.1:{port}")])
        .args(["--data-dir".as_ref(), folder.join("data").as_os_str(), pipelines.as_os_str()])
        .stdout(Stdio::null());
    let engine = Process::start(&mut command)?;
    let admin = Admin::ready(port)?;
    let mut times = Vec::new();
    for edit in 1..=EDITS {
        write(&pipelines.join("station0.yaml"), &pipeline(0, edit))?;
        times.push(admin.reload("applied")?);
    }
    engine.interrupt()?;
    Ok(Times(times))
}

/// A source, eight scripts in a row and a sink.
fn pipeline(number: u32, edit: u32) -> String {
    let mut text = format!(
        "pipeline: station{number}\nrollback_window: 0s\nsources:\n  air: {{ type: timer, every: 100ms }}\ntransforms:\n"
    );
    let mut before = "air".to_owned();
    for step in 0..8 {
        let edit = if step == 4 { edit } else { 0 };
        text += &format!(
            "  step{step}: {{ type: script, inputs: {before}, code: \"this.step{step} = {edit};\" }}\n"
        );
        before = format!("step{step}");
    }
    text + &format!("sinks:\n  out: {{ type: blackhole, inputs: {before} }}\n")
}
