//! `fieldline status`, `reload` and `replay`: ask a running program through its admin listener.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::status_table;
use crate::cli::{AskOptions, BAD_CONFIG, FAILED, Format, ROLLED_BACK, ReplayOptions};
use crate::{disk, output};

/// Shows each node's state and account.
pub(crate) fn status(options: &AskOptions) -> anyhow::Result<ExitCode> {
    let answer = ask(options.admin, "GET", "/status", "", Duration::from_secs(5))?;
    if options.format == Format::Json {
        output::print(serde_json::to_string_pretty(&answer)?);
    } else {
        output::print(status_table::table(&answer));
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
