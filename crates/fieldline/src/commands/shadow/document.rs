//! The request document of an update: from the command line, a file or standard input.

use std::io::Read;
use std::path::Path;

use fieldline_shadow::json::{self, Json, Object};

use super::failure::Failure;
use crate::disk;

/// Reads the document. Only that it is an object of JSON is looked at here; the rest is for the service to say.
pub(super) fn read(document: Option<&str>) -> Result<Object, Failure> {
    let text = match document {
        None => from_standard_input()?,
        Some(argument) => match argument.strip_prefix('@') {
            Some(file) => disk::read_text(Path::new(file))?,
            None => argument.to_owned(),
        },
    };
    match json::parse(&text) {
        Ok(Json::Object(document)) => Ok(document),
        Ok(_) => Err(Failure::usage(
            "the document is no JSON object; write for example {\"state\":{\"desired\":{}}}",
        )),
        Err(error) => Err(Failure::usage(format!("the document is no JSON: {error}"))),
    }
}

fn from_standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    Ok(text)
}
