//! `fieldline status`, `reload` and `replay`: ask a running program through its admin listener.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cli::{AskOptions, BAD_CONFIG, FAILED, Format, ROLLED_BACK, ReplayOptions};
use crate::{disk, output};

/// Shows each node's state and account.
pub(crate) fn status(options: &AskOptions) -> anyhow::Result<ExitCode> {
    let answer = ask(options.admin, "GET", "/status", "", Duration::from_secs(5))?;
    if options.format == Format::Json {
        output::print(serde_json::to_string_pretty(&answer)?);
    } else {
        output::print(table(&answer));
    }
    let healthy = answer["healthy"].as_bool() == Some(true);
    Ok(if healthy { ExitCode::SUCCESS } else { FAILED.into() })
}

/// Makes the program read its files again and tells what came of it.
pub(crate) fn reload(options: &AskOptions) -> anyhow::Result<ExitCode> {
    let answer = ask(options.admin, "POST", "/reload", "", Duration::from_secs(120))?;
    if options.format == Format::Json {
        output::print(serde_json::to_string_pretty(&answer)?);
    } else {
        output::print(answer["result"].as_str().unwrap_or("no answer"));
        for reason in answer["reasons"].as_array().into_iter().flatten() {
            output::print(reason.as_str().unwrap_or_default());
        }
    }
    Ok(match answer["result"].as_str() {
        Some("rejected") => BAD_CONFIG.into(),
        Some("rolled_back") => ROLLED_BACK.into(),
        _ => ExitCode::SUCCESS,
    })
}

/// Puts the events of a dead letter file in again, at the nodes that failed them.
pub(crate) fn replay(options: &ReplayOptions) -> anyhow::Result<ExitCode> {
    let lines = disk::read_text(&options.file)?;
    let answer = ask(options.admin, "POST", "/replay", &lines, Duration::from_secs(120))?;
    let list = |field: &str| answer[field].as_array().cloned().unwrap_or_default();
    let failed: Vec<Value> = list("refused").into_iter().chain(list("unreadable")).collect();
    if options.format == Format::Json {
        output::print(serde_json::to_string_pretty(&answer)?);
    } else {
        output::print(format!("{} events put in again, {} not", answer["replayed"], failed.len()));
        failed.iter().filter_map(Value::as_str).for_each(output::print);
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { FAILED.into() })
}

/// What a reload of the running program would do.
pub(crate) fn preview(admin: SocketAddr) -> anyhow::Result<Value> {
    ask(admin, "GET", "/plan", "", Duration::from_secs(60))
}

fn table(status: &Value) -> String {
    let word = |value: &Value, yes: &'static str, no| if value.as_bool() == Some(true) { yes } else { no };
    let text_of = |field: &str| status[field].as_str().unwrap_or("unknown");
    let mut text = format!(
        "generation {}, config {} since {}, {}, {}\n\n{:<32} {:<10} {:>9} {:>9} {:>8} {:>6} {:>7} {:>5} {:>9}\n",
        status["generation"],
        text_of("config"),
        text_of("applied_at"),
        word(&status["ready"], "ready", "not ready"),
        word(&status["files_differ"], "the files on disk differ from what runs", "as the files say"),
        "NODE",
        "STATE",
        "IN",
        "OUT",
        "FILTERED",
        "DEAD",
        "DROPPED",
        "LOST",
        "IN FLIGHT",
    );
    for node in status["nodes"].as_array().into_iter().flatten() {
        let number = |field: &str| node[field].as_i64().unwrap_or_default();
        text += &format!(
            "{:<32} {:<10} {:>9} {:>9} {:>8} {:>6} {:>7} {:>5} {:>9}\n",
            node["node"].as_str().unwrap_or_default(),
            node["state"].as_str().unwrap_or_default(),
            number("received") + number("created"),
            number("delivered"),
            number("filtered") + number("absorbed"),
            number("dead_lettered"),
            number("dropped") + number("expired"),
            number("lost"),
            number("in_flight"),
        );
        if let Some(error) = node["error"].as_str() {
            text += &format!("    {error}\n");
        }
        let disk = &node["buffer"]["disk"];
        if disk["over_budget"] == true {
            let (written, syncs) = (&disk["written_bytes_today"], &disk["syncs_today"]);
            text += &format!("    over its budget: {written} bytes and {syncs} fsyncs a day\n");
        }
        if disk["card_short"] == true {
            text += &format!("    does not grow: {} bytes are free on the card\n", disk["card_free_bytes"]);
        }
    }
    for buffer in status["unused_buffers"].as_array().into_iter().flatten() {
        text += &format!(
            "\n{} is no sink and has {} bytes of events in {}: bring it back, or delete the folder",
            buffer["node"].as_str().unwrap_or_default(),
            buffer["bytes"],
            buffer["folder"].as_str().unwrap_or_default(),
        );
    }
    let list = |field: &str| status[field].as_array().into_iter().flatten().filter_map(|one| one.as_str());
    for broken in list("broken") {
        text += &format!("\n{broken} has errors: run `fieldline check` on it");
    }
    for error in list("errors") {
        text += &format!("\n    {error}");
    }
    if status["last_reload"]["result"] == "rolled_back" {
        let reason = status["last_reload"]["reasons"][0].as_str().unwrap_or_default();
        text += &format!("\nthe last change was taken back: {reason}");
    }
    text.trim_end().to_owned()
}

/// One request to the admin listener. It is ours, speaks plain HTTP/1.1 and closes when asked to.
fn ask(admin: SocketAddr, method: &str, path: &str, body: &str, patience: Duration) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&admin, Duration::from_secs(5)).with_context(|| {
        format!("no program answers at {admin}; is it running, with this --admin address?")
    })?;
    stream.set_read_timeout(Some(patience))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\nContent-Type: text/plain\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("the program did not answer in time")?;
    let (_, body) = answer.split_once("\r\n\r\n").context("what answered is no Fieldline program")?;
    match serde_json::from_str(body) {
        Ok(value) => Ok(value),
        Err(_) => bail!("{}", body.trim()),
    }
}
