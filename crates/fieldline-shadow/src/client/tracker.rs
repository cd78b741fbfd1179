//! Following a shadow: each change once and in order, also those made while the device was away.

use std::time::Duration;

use super::fetch::{Fetch, Retry, Tokens};
use super::message;
use crate::document::{TOMBSTONE_SECONDS, patch_between};
use crate::json::{Json, Object};
use crate::name::ShadowName;
use crate::topic::{Kind, Operation, Publication};

/// Which changes to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Differences between desired and reported.
    Delta,
    /// Changes of desired, whatever is reported.
    Desired,
    /// Every accepted update.
    Documents,
}

impl Watch {
    /// The topic on which the service tells of these changes.
    pub fn kind(self) -> Kind {
        match self {
            Watch::Delta => Kind::Delta,
            Watch::Desired | Watch::Documents => Kind::Documents,
        }
    }

    /// All topics on which a [`DeltaTracker`] has to hear what comes.
    pub fn kinds(self) -> [Kind; 4] {
        [
            self.kind(),
            Kind::Accepted(Operation::Get),
            Kind::Rejected(Operation::Get),
            Kind::Accepted(Operation::Delete),
        ]
    }
}

/// Something in the shadow is different.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The version of the document with the change.
    pub version: u64,
    /// The time of the service's message, in epoch seconds.
    pub timestamp: u64,
    /// The token of the update that caused it; `None` for a change found by asking.
    pub client_token: Option<String>,
    /// What.
    pub content: Content,
}

/// What is different.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// All that is desired and not reported.
    Delta(Object),
    /// The desired state, and the patch that led to it from the one known before: null for what is gone.
    Desired {
        /// All of it.
        state: Object,
        /// What differs.
        patch: Object,
    },
    /// The document before, null if unknown, and now.
    Documents {
        /// Before.
        previous: Json,
        /// Now: state, metadata and version.
        current: Json,
    },
}

/// What the caller has to do or to know.
#[derive(Debug, Clone, PartialEq)]
pub enum TrackerAction {
    /// Publish this.
    Publish(Publication),
    /// Pass this on.
    Changed(Change),
    /// The shadow no longer exists.
    Deleted,
    /// The service does not answer the question for the document; changes may be missed until `connected` is
    /// called again.
    NoAnswer,
}

/// Follows one shadow. See the [module](super) for how it is driven.
#[derive(Debug)]
pub struct DeltaTracker {
    name: ShadowName,
    watch: Watch,
    retry: Retry,
    tokens: Tokens,
    fetch: Option<Fetch>,
    last: Option<Last>,
    desired: Object,
}

/// The newest version seen.
#[derive(Debug, Clone, Copy)]
struct Last {
    version: u64,
    /// Seen after the last get was sent: then an older version in its answer is just late.
    since_fetch: bool,
    deleted_at: Option<Duration>,
}

impl DeltaTracker {
    /// A tracker that has seen nothing. `token_prefix`: see [`Reporter::new`](super::Reporter::new).
    pub fn new(name: ShadowName, watch: Watch, retry: Retry, token_prefix: &str) -> Self {
        let tokens = Tokens::new(token_prefix);
        DeltaTracker { name, watch, retry, tokens, fetch: None, last: None, desired: Object::new() }
    }

    /// The connection is up and subscribed: asks for the document, so that a change made meanwhile is not missed.
    pub fn connected(&mut self, now: Duration) -> Vec<TrackerAction> {
        vec![self.ask(now)]
    }

    /// The connection is down.
    pub fn disconnected(&mut self) {
        self.fetch = None;
    }

    /// A message arrived.
    pub fn received(&mut self, topic: &str, payload: &[u8], now: Duration) -> Option<TrackerAction> {
        let (kind, body) = message::read(&self.name, topic, payload)?;
        match kind {
            Kind::Accepted(Operation::Get) => self.got(&body),
            Kind::Rejected(Operation::Get) => self.get_rejected(&body),
            Kind::Accepted(Operation::Delete) => self.deleted(&body, now),
            Kind::Delta if self.watch == Watch::Delta => {
                let version = message::version(&body)?;
                let Some(version) = self.advance(version, now) else {
                    return self.ask_if_unsure(version, now);
                };
                let state = body.get("state")?.as_object()?.clone();
                Some(changed(&body, version, Content::Delta(state)))
            }
            Kind::Documents if self.watch != Watch::Delta => {
                let current = body.get("current")?;
                let version = message::version(current)?;
                let Some(version) = self.advance(version, now) else {
                    return self.ask_if_unsure(version, now);
                };
                let previous = body.get("previous").cloned().unwrap_or(Json::Null);
                let content = self.content(current.clone(), previous)?;
                Some(changed(&body, version, content))
            }
            _ => None,
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Duration) -> Option<TrackerAction> {
        let fetch = self.fetch.take_if(|fetch| now >= fetch.due())?;
        let Some((fetch, request)) = fetch.again(&self.name, &mut self.tokens, &self.retry, now) else {
            return Some(TrackerAction::NoAnswer);
        };
        self.fetch = Some(fetch);
        Some(TrackerAction::Publish(request))
    }

    /// When [`tick`](DeltaTracker::tick) has something to do.
    pub fn wake_at(&self) -> Option<Duration> {
        self.fetch.as_ref().map(Fetch::due)
    }

    /// Asks for the document.
    fn ask(&mut self, now: Duration) -> TrackerAction {
        let (fetch, request) = Fetch::start(&self.name, &mut self.tokens, &self.retry, now);
        self.fetch = Some(fetch);
        if let Some(last) = &mut self.last {
            last.since_fetch = false;
        }
        TrackerAction::Publish(request)
    }

    /// Asks for the document where a message of this version is either late or of a shadow that was made anew: after a
    /// deletion, with a version that is not higher. AWS goes on counting for 48 hours; others begin with 1.
    fn ask_if_unsure(&mut self, version: u64, now: Duration) -> Option<TrackerAction> {
        let is_unsure = self.last.is_some_and(|last| last.deleted_at.is_some() && version <= last.version);
        (is_unsure && self.fetch.is_none()).then(|| self.ask(now))
    }

    fn take_answered_fetch(&mut self, body: &Json) -> Option<Fetch> {
        self.fetch.take_if(|fetch| fetch.is_answered_by(message::token(body)))
    }

    fn got(&mut self, body: &Json) -> Option<TrackerAction> {
        self.take_answered_fetch(body)?;
        let version = message::version(body)?;
        // The answer to our own question is true even if its version is lower: then the shadow was deleted and
        // made anew meanwhile. Unless something newer has come since the question.
        let is_known = self.last.is_some_and(|last| {
            version == last.version && last.deleted_at.is_none() || version < last.version && last.since_fetch
        });
        if is_known {
            return None;
        }
        self.last = Some(Last { version, since_fetch: true, deleted_at: None });
        if self.watch == Watch::Delta {
            let delta = message::section(body, "delta");
            return (!delta.is_empty()).then(|| asked(body, version, Content::Delta(delta)));
        }
        let content = self.content(document_of_get(body), Json::Null)?;
        Some(asked(body, version, content))
    }

    fn get_rejected(&mut self, body: &Json) -> Option<TrackerAction> {
        if message::code(body) != 404 {
            // It is repeated when it is due.
            return None;
        }
        self.take_answered_fetch(body)?;
        // A deletion that is known stays known, so that what is late of the deleted shadow is not taken for a new one.
        self.last.take_if(|last| last.deleted_at.is_none())?;
        self.desired.clear();
        Some(TrackerAction::Deleted)
    }

    fn deleted(&mut self, body: &Json, now: Duration) -> Option<TrackerAction> {
        let version = message::version(body)?;
        if self.last.is_some_and(|last| version < last.version || last.deleted_at.is_some()) {
            return None;
        }
        self.last = Some(Last { version, since_fetch: true, deleted_at: Some(now) });
        self.desired.clear();
        Some(TrackerAction::Deleted)
    }

    /// Notes the version of a message; `None` if it is not new. Versions start anew 48 hours after a deletion.
    fn advance(&mut self, version: u64, now: Duration) -> Option<u64> {
        let is_new = self.last.is_none_or(|last| {
            let is_forgotten = last
                .deleted_at
                .is_some_and(|at| now.saturating_sub(at) >= Duration::from_secs(TOMBSTONE_SECONDS));
            version > last.version || is_forgotten
        });
        if !is_new {
            return None;
        }
        self.last = Some(Last { version, since_fetch: true, deleted_at: None });
        Some(version)
    }

    /// What to say of a document that is new; `None` if desired is watched and the same as before.
    fn content(&mut self, current: Json, previous: Json) -> Option<Content> {
        if self.watch == Watch::Documents {
            return Some(Content::Documents { previous, current });
        }
        let state = message::section(&current, "desired");
        let patch = patch_between(&self.desired, &state);
        self.desired = state.clone();
        (!patch.is_empty()).then_some(Content::Desired { state, patch })
    }
}

fn changed(body: &Json, version: u64, content: Content) -> TrackerAction {
    let client_token = message::token(body).map(str::to_owned);
    TrackerAction::Changed(Change { version, timestamp: message::timestamp(body), client_token, content })
}

/// A change found by asking: the token in the answer is ours, not that of who made the change.
fn asked(body: &Json, version: u64, content: Content) -> TrackerAction {
    TrackerAction::Changed(Change {
        version,
        timestamp: message::timestamp(body),
        client_token: None,
        content,
    })
}

/// The answer to a get in the form of `documents`: without delta, timestamp and token.
fn document_of_get(body: &Json) -> Json {
    let mut document = Object::new();
    for member in ["state", "metadata", "version"] {
        if let Some(value) = body.get(member) {
            document.insert(member.to_owned(), value.clone());
        }
    }
    if let Some(Json::Object(state)) = document.get_mut("state") {
        state.shift_remove("delta");
    }
    Json::Object(document)
}
