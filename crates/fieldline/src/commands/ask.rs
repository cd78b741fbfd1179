//! `fieldline status`, and how each command asks a running program through its admin listener.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, bail};
use fieldline_api::{COMMAND_HEADER, Operation, PlanPreview, Problem, Route, Status};
use serde::de::DeserializeOwned;

use super::status_table;
use crate::cli::{AskOptions, Format};
use crate::exit::Exit;
use crate::output;

/// Shows each node's state and account.
pub(crate) fn status(options: &AskOptions) -> anyhow::Result<Exit> {
    let status: Status = ask(options.admin, Operation::Status, "", Duration::from_secs(5))?;
    output::print(match options.format {
        Format::Json => serde_json::to_string_pretty(&status)?,
        Format::Human => status_table::table(&status),
    });
    Ok(if status.program.healthy { Exit::Done } else { Exit::Failed })
}

/// What a reload of the running program would do.
pub(crate) fn preview(admin: SocketAddr) -> anyhow::Result<PlanPreview> {
    ask(admin, Operation::Plan, "", Duration::from_secs(60))
}

/// One request to the admin listener. It is ours, speaks plain HTTP/1.1 and closes when asked to.
pub(super) fn ask<T: DeserializeOwned>(
    admin: SocketAddr,
    operation: Operation,
    body: &str,
    patience: Duration,
) -> anyhow::Result<T> {
    let mut stream = TcpStream::connect_timeout(&admin, Duration::from_secs(5)).with_context(|| {
        format!("no program answers at {admin}; is it running, with this --admin address?")
    })?;
    stream.set_read_timeout(Some(patience))?;
    let Route { method, path, request, .. } = operation.route();
    let (method, media_type) = (method.as_str(), request.map_or("text/plain", |request| request.media_type));
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
         {COMMAND_HEADER}: 1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("the program did not answer in time")?;
    let (_, body) = answer.split_once("\r\n\r\n").context("what answered is no Fieldline program")?;
    match (serde_json::from_str(body), serde_json::from_str::<Problem>(body)) {
        (Ok(value), _) => Ok(value),
        (Err(_), Ok(problem)) => bail!("{}", problem.title),
        (Err(_), Err(_)) => bail!("{}", body.trim()),
    }
}
