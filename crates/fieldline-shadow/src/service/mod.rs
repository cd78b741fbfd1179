//! The shadow service: requests in, answers out, for any number of things over a [`Store`].
//!
//! [`Service::answer`] serves MQTT topics and [`Service::answer_rest`] HTTP paths. Whether a client may ask is the
//! caller's business: call [`refusal`] instead of the service, or give it an [`Admission`]. A last will on a
//! request topic must not be passed in; AWS does not act on it.
//!
//! ```
//! use fieldline_shadow::limits::Limits;
//! use fieldline_shadow::service::{MemoryStore, Service};
//!
//! let mut service = Service::new(MemoryStore::default(), Limits::default());
//! let request = br#"{"state":{"desired":{"mode":"eco"}}}"#;
//! let answers = service.answer("$aws/things/lamp/shadow/update", request, 1_700_000_000);
//! let topics: Vec<&str> = answers.iter().map(|answer| answer.topic.rsplit('/').next().unwrap_or("")).collect();
//! assert_eq!(topics, ["delta", "documents", "accepted"]);
//! ```

mod admission;
mod list;
mod rest;
mod store;

pub use admission::{Admission, RequestRate, Unlimited};
pub use list::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE};
pub use rest::{RestAnswer, RestRequest};
pub use store::{MemoryStore, Store, StoreError};

use crate::document::{self, Record, UpdateRequest, client_token};
use crate::limits::Limits;
use crate::name::ShadowName;
use crate::rejection::{Refusal, Rejection};
use crate::topic::{Kind, Operation, Publication, Topic, TopicError};

/// The shadows of all things in a store.
#[derive(Debug)]
pub struct Service<S, A = Unlimited> {
    store: S,
    admission: A,
    limits: Limits,
}

/// What a granted request leads to.
struct Granted {
    /// The payload of `accepted`, or the body of a REST answer.
    body: String,
    /// Delta and documents, which go out before the answer: a client that notes the version of the answer would
    /// otherwise take its own delta for an old one.
    before: Vec<Publication>,
}

impl<S: Store> Service<S> {
    /// A service without request limits.
    pub fn new(store: S, limits: Limits) -> Self {
        Service::with_admission(store, limits, Unlimited)
    }
}

impl<S: Store, A: Admission> Service<S, A> {
    /// A service that asks `admission` before each request.
    pub fn with_admission(store: S, limits: Limits, admission: A) -> Self {
        Service { store, admission, limits }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The store, for a caller that persists, imports or removes shadows on its own.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// Answers a message published at `now` (epoch seconds): delta, documents and accepted, or rejected. A topic
    /// that is no request topic of a shadow has no answer.
    pub fn answer(&mut self, topic: &str, payload: &[u8], now: u64) -> Vec<Publication> {
        let (name, operation) = match topic.parse() {
            Ok(Topic { name, kind: Kind::Request(operation) }) => (name, operation),
            Ok(_) | Err(TopicError::NotShadow(_)) => return Vec::new(),
            Err(TopicError::Name(error)) => return bad_name(topic, error.into(), payload),
        };
        match self.run(&name, operation, payload, now) {
            Ok(Granted { body, before: mut publications }) => {
                publications.push(Publication::new(&name, Kind::Accepted(operation), body));
                publications
            }
            Err(refusal) => vec![Publication::new(&name, Kind::Rejected(operation), refusal.payload())],
        }
    }

    /// Removes the tombstones whose 48 hours are over; the number removed.
    pub fn purge(&mut self, now: u64) -> Result<usize, StoreError> {
        self.store.purge(now)
    }

    fn run(
        &mut self,
        name: &ShadowName,
        operation: Operation,
        payload: &[u8],
        now: u64,
    ) -> Result<Granted, Refusal> {
        if let Err(rejection) = self.admission.admit(name, operation, now) {
            return Err(with_token_of(payload, rejection));
        }
        match operation {
            Operation::Get => self.get(name, payload, now),
            Operation::Update => self.update(name, payload, now),
            Operation::Delete => self.delete(name, payload, now),
        }
    }

    fn get(&self, name: &ShadowName, payload: &[u8], now: u64) -> Result<Granted, Refusal> {
        let client_token = client_token(payload)?;
        match self.store.load(name) {
            Ok(Some(Record::Live(document))) => {
                let body = document::get_accepted(&document, client_token.as_deref(), now);
                Ok(Granted { body, before: Vec::new() })
            }
            Ok(_) => Err(Refusal { rejection: Rejection::NoShadow(name.clone()), client_token }),
            Err(_) => Err(Refusal { rejection: Rejection::Internal, client_token }),
        }
    }

    fn update(&mut self, name: &ShadowName, payload: &[u8], now: u64) -> Result<Granted, Refusal> {
        let request = UpdateRequest::parse(payload)?;
        let internal = |_: StoreError| request.refused(Rejection::Internal);
        let record = self.store.load(name).map_err(internal)?;
        let updated = document::update(record.as_ref(), &request, self.limits, now)
            .map_err(|rejection| request.refused(rejection))?;
        self.store.save(name, updated.current.clone().into()).map_err(internal)?;
        let delta = updated.delta(&request).map(|delta| Publication::new(name, Kind::Delta, delta));
        let documents = Publication::new(name, Kind::Documents, updated.documents(&request));
        Ok(Granted {
            body: updated.accepted(&request),
            before: delta.into_iter().chain([documents]).collect(),
        })
    }

    fn delete(&mut self, name: &ShadowName, payload: &[u8], now: u64) -> Result<Granted, Refusal> {
        let client_token = delete_token(payload)?;
        let refused = |rejection| Refusal { rejection, client_token: client_token.clone() };
        let version = match self.store.load(name) {
            Ok(Some(Record::Live(document))) => document.version,
            Ok(_) => return Err(refused(Rejection::NoShadow(name.clone()))),
            Err(_) => return Err(refused(Rejection::Internal)),
        };
        let tombstone = Record::Deleted { version: version.saturating_add(1), at: now };
        self.store.save(name, tombstone).map_err(|_| refused(Rejection::Internal))?;
        let body = document::delete_accepted(version, client_token.as_deref(), now);
        Ok(Granted { body, before: Vec::new() })
    }
}

/// The answer to a request that the caller refuses (not authorised, too many in flight), with the token echoed.
pub fn refusal(name: &ShadowName, operation: Operation, payload: &[u8], rejection: Rejection) -> Publication {
    Publication::new(name, Kind::Rejected(operation), with_token_of(payload, rejection).payload())
}

/// The content of a delete means nothing but its token, so content that is not JSON is no error.
fn delete_token(payload: &[u8]) -> Result<Option<String>, Refusal> {
    match client_token(payload) {
        Err(Refusal { rejection: Rejection::InvalidClientToken, client_token }) => {
            Err(Refusal { rejection: Rejection::InvalidClientToken, client_token })
        }
        other => Ok(other.unwrap_or(None)),
    }
}

fn bad_name(topic: &str, rejection: Rejection, payload: &[u8]) -> Vec<Publication> {
    let is_request = [Operation::Get, Operation::Update, Operation::Delete]
        .into_iter()
        .any(|operation| topic.ends_with(&format!("/{}", Kind::Request(operation))));
    if !is_request {
        return Vec::new();
    }
    let payload = with_token_of(payload, rejection).payload();
    vec![Publication { topic: format!("{topic}/rejected"), payload }]
}

fn with_token_of(payload: &[u8], rejection: Rejection) -> Refusal {
    Refusal { rejection, client_token: client_token(payload).unwrap_or(None) }
}
