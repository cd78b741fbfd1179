//! Asking and watching over MQTT, on a session of its own that leaves nothing behind.

use std::sync::Arc;
use std::time::Duration;

use fieldline_components::shadow::link::{Happening, Link};
use fieldline_components::shadow::{retry, token_prefix};
use fieldline_core::Period;
use fieldline_mqtt::{Connection, Options, QoS, State};
use fieldline_shadow::client::{Answer, Change, Content, DeltaTracker, Question, TrackerAction, Watch};
use fieldline_shadow::json::{Json, Object};
use fieldline_shadow::name::ShadowName;
use tokio::time::timeout;

use super::failure::Failure;
use crate::output;

/// How long the goodbye to the broker may take.
const GOODBYE: Duration = Duration::from_millis(500);

/// Asks once.
pub(super) async fn ask(
    options: Options,
    question: &Question,
    patience: Duration,
) -> Result<Answer, Failure> {
    on_connection(options, patience, async |connection: &Arc<Connection>| {
        let late = || Failure::unreachable(format!("no answer from the shadow service within {patience:?}"));
        tokio::select! {
            answer = timeout(patience, converse(connection, question)) => answer.map_err(|_| late())?,
            failure = lost(connection, false) => Err(failure),
        }
    })
    .await
}

/// Prints what happens until interrupted, or `count` lines.
pub(super) async fn watch(
    options: Options,
    name: ShadowName,
    watch: Watch,
    count: Option<usize>,
    patience: Duration,
) -> Result<(), Failure> {
    on_connection(options, patience, async |connection: &Arc<Connection>| {
        tokio::select! {
            followed = follow(connection, name, watch, count, patience) => followed,
            failure = lost(connection, true) => Err(failure),
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted.map_err(anyhow::Error::from)?),
        }
    })
    .await
}

/// Does something on a connection, and closes it.
async fn on_connection<T>(
    options: Options,
    patience: Duration,
    work: impl AsyncFnOnce(&Arc<Connection>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let options = Options { connect_timeout: patience, ..options };
    let (connection, driver) = Connection::new(options).map_err(Failure::usage)?;
    let connection = Arc::new(connection);
    let working = async {
        let done = work(&connection).await;
        connection.close(GOODBYE).await;
        done
    };
    let (done, ()) = tokio::join!(working, driver.run(std::future::pending()));
    done
}

async fn converse(connection: &Arc<Connection>, question: &Question) -> Result<Answer, Failure> {
    let mut link = Link::new(connection, question.name(), &question.answers(), QoS::AtMostOnce)?;
    loop {
        match link.next(None).await? {
            Happening::Online => link.publish(question.publication()),
            Happening::Message(message) => {
                if let Some(answer) = question.answer_in(&message.topic, &message.payload) {
                    return Ok(answer);
                }
            }
            Happening::Offline | Happening::Due => {}
        }
    }
}

/// Resolves when there is no connection; where it `comes_back`, only if there never was one or never can be.
async fn lost(connection: &Connection, comes_back: bool) -> Failure {
    let mut state = connection.state();
    let mut was_there = false;
    loop {
        match &*state.borrow_and_update() {
            State::Connected { .. } => was_there = true,
            State::Disconnected { error, .. } if !comes_back || !was_there || error.is_permanent() => {
                return error.clone().into();
            }
            State::Connecting | State::Disconnected { .. } | State::Closed => {}
        }
        if state.changed().await.is_err() {
            return Failure::unreachable("the connection has ended");
        }
    }
}

async fn follow(
    connection: &Arc<Connection>,
    name: ShadowName,
    watch: Watch,
    count: Option<usize>,
    patience: Duration,
) -> Result<(), Failure> {
    let mut link = Link::new(connection, &name, &watch.kinds(), QoS::AtMostOnce)?;
    let mut tracker = DeltaTracker::new(name, watch, retry(Period(patience)), &token_prefix("watch"));
    let mut printed = 0;
    while count.is_none_or(|count| printed < count) {
        let happening = link.next(tracker.wake_at()).await?;
        let now = link.now();
        let actions = match happening {
            Happening::Online => tracker.connected(now),
            Happening::Offline => {
                tracker.disconnected();
                Vec::new()
            }
            Happening::Message(message) => {
                tracker.received(&message.topic, &message.payload, now).into_iter().collect()
            }
            Happening::Due => tracker.tick(now).into_iter().collect(),
        };
        for action in actions {
            match action {
                TrackerAction::Publish(publication) => link.publish(publication),
                TrackerAction::Changed(change) => {
                    printed += 1;
                    output::print(line(change));
                }
                TrackerAction::Deleted => {
                    printed += 1;
                    output::print(r#"{"deleted":true}"#);
                }
                TrackerAction::NoAnswer => {
                    return Err(Failure::unreachable("the shadow service does not answer"));
                }
            }
        }
    }
    Ok(())
}

/// A change as one JSON text.
fn line(change: Change) -> Json {
    let mut members = Object::new();
    let mut insert = |name: &str, value: Json| members.insert(name.to_owned(), value);
    insert("version", change.version.into());
    insert("timestamp", change.timestamp.into());
    match change.content {
        Content::Delta(state) => drop(insert("delta", state.into())),
        Content::Desired { state, patch } => {
            insert("desired", state.into());
            insert("patch", patch.into());
        }
        Content::Documents { previous, current } => {
            insert("previous", previous);
            insert("current", current);
        }
    }
    if let Some(token) = change.client_token {
        insert("clientToken", token.into());
    }
    members.into()
}
