//! `fieldline shadow`: asks a shadow service, over MQTT or REST, for a document, or changes, deletes or watches it.

mod document;
mod failure;
mod mqtt;
mod rest;
mod target;

use std::time::Duration;

use anyhow::Context;
use fieldline_components::shadow::{shadow_name, token_prefix};
use fieldline_shadow::client::{Answer, Question};
use fieldline_shadow::json::Object;
use fieldline_shadow::topic::Operation;

use self::failure::Failure;
use self::target::Target;
use crate::cli::shadow::{Action, Asking, ShadowOptions};
use crate::exit::Exit;
use crate::output;

/// Does what is asked and prints the answer, JSON in one line.
pub(crate) fn shadow(options: &ShadowOptions) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.context("tokio cannot start")?.block_on(act(&options.action));
    Ok(match done {
        Ok(()) => Exit::Done,
        Err(failure) => {
            output::error(&failure.error);
            failure.code
        }
    })
}

async fn act(action: &Action) -> Result<(), Failure> {
    match action {
        Action::Get { asking } => ask(asking, Operation::Get, Object::new()).await,
        Action::Update { asking, document } => {
            ask(asking, Operation::Update, document::read(document.as_deref())?).await
        }
        Action::Delete { asking } => ask(asking, Operation::Delete, Object::new()).await,
        Action::Watch { asking, what, count } => {
            let name = shadow_name(&asking.thing, asking.name.as_deref()).map_err(Failure::usage)?;
            match target::find(&asking.place)? {
                Target::Mqtt(options) => {
                    mqtt::watch(*options, name, (*what).into(), *count, patience(asking)).await
                }
                Target::Rest(_) => {
                    Err(Failure::usage("only MQTT tells of changes: give `mqtt://` or `mqtts://`"))
                }
            }
        }
    }
}

async fn ask(asking: &Asking, operation: Operation, document: Object) -> Result<(), Failure> {
    let name = shadow_name(&asking.thing, asking.name.as_deref()).map_err(Failure::usage)?;
    let question =
        Question::new(name, operation, document, &token_prefix(&asking.thing)).map_err(Failure::usage)?;
    let answer = match target::find(&asking.place)? {
        Target::Mqtt(options) => mqtt::ask(*options, &question, patience(asking)).await?,
        Target::Rest(server) => rest::ask(&server, &question, patience(asking)).await?,
    };
    match answer {
        Answer::Accepted(body) => {
            output::print(body);
            Ok(())
        }
        Answer::Rejected { code, message } => {
            Err(Failure::rejected(format!("rejected with {code}: {message}")))
        }
    }
}

fn patience(asking: &Asking) -> Duration {
    Duration::from_secs(asking.place.timeout)
}
