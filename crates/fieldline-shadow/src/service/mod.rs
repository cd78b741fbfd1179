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
//! let answer = service.answer("$aws/things/lamp/shadow/update", request, 1_700_000_000);
//! let publications = answer.publications.iter();
//! let topics: Vec<&str> = publications.map(|publication| publication.topic.rsplit('/').next().unwrap_or("")).collect();
//! assert_eq!(topics, ["delta", "documents", "accepted"]);
//! assert!(answer.failure.is_none());
//! ```

mod admission;
mod list;
mod query;
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

/// What a message leads to.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Answer {
    /// What to publish, in this order: delta, documents and accepted, or rejected. Empty if the message was no request.
    pub publications: Vec<Publication>,
    /// Why the store failed, of which the client hears only that it did.
    pub failure: Option<StoreError>,
}

/// What a granted request leads to.
struct Granted {
    /// The payload of `accepted`, or the body of a REST answer.
    body: String,
    /// Delta and documents, which go out before the answer: a client that notes the version of the answer would
    /// otherwise take its own delta for an old one.
    before: Vec<Publication>,
}

/// What a request leads to that was not granted.
struct Denied {
    refusal: Refusal,
    failure: Option<Box<StoreError>>,
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Denied { refusal, failure: None }
    }
}

impl From<Rejection> for Denied {
    fn from(rejection: Rejection) -> Self {
        Refusal::from(rejection).into()
    }
}

impl Denied {
    /// The store failed at a request with this token.
    fn failed(client_token: Option<&str>, failure: StoreError) -> Self {
        let client_token = client_token.map(str::to_owned);
        let refusal = Refusal { rejection: Rejection::Internal, client_token };
        Denied { refusal, failure: Some(Box::new(failure)) }
    }
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

    /// Answers a message published at `now` (epoch seconds). What a request has changed is saved before it is
    /// accepted. A topic that is no request topic of a shadow has no answer.
    pub fn answer(&mut self, topic: &str, payload: &[u8], now: u64) -> Answer {
        let without_failure = |publications| Answer { publications, failure: None };
        let (name, operation) = match topic.parse() {
            Ok(Topic { name, kind: Kind::Request(operation) }) => (name, operation),
            Ok(_) | Err(TopicError::NotShadow(_)) => return without_failure(Vec::new()),
            Err(TopicError::Name(error)) => return without_failure(bad_name(topic, error.into(), payload)),
        };
        match self.run(&name, operation, payload, now) {
            Ok(Granted { body, before: mut publications }) => {
                publications.push(Publication::new(&name, Kind::Accepted(operation), body));
                without_failure(publications)
            }
            Err(Denied { refusal, failure }) => {
                let rejected = Publication::new(&name, Kind::Rejected(operation), refusal.payload());
                Answer { publications: vec![rejected], failure: failure.map(|failure| *failure) }
            }
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
    ) -> Result<Granted, Denied> {
        if let Err(rejection) = self.admission.admit(name, operation, now) {
            return Err(with_token_of(payload, rejection).into());
        }
        match operation {
            Operation::Get => self.get(name, payload, now),
            Operation::Update => self.update(name, payload, now),
            Operation::Delete => self.delete(name, payload, now),
        }
    }

    fn get(&self, name: &ShadowName, payload: &[u8], now: u64) -> Result<Granted, Denied> {
        let client_token = client_token(payload)?;
        let failed = |failure| Denied::failed(client_token.as_deref(), failure);
        let Some(Record::Live(document)) = self.store.load(name).map_err(failed)? else {
            return Err(Refusal { rejection: Rejection::NoShadow(name.clone()), client_token }.into());
        };
        let body = document::get_accepted(&document, client_token.as_deref(), now);
        Ok(Granted { body, before: Vec::new() })
    }

    fn update(&mut self, name: &ShadowName, payload: &[u8], now: u64) -> Result<Granted, Denied> {
        let request = UpdateRequest::parse(payload)?;
        let failed = |failure| Denied::failed(request.client_token(), failure);
        let record = self.store.load(name).map_err(failed)?;
        let updated = document::update(record.as_ref(), &request, self.limits, now)
            .map_err(|rejection| request.refused(rejection))?;
        self.store.save(name, updated.current.clone().into()).map_err(failed)?;
        let delta = updated.delta(&request).map(|delta| Publication::new(name, Kind::Delta, delta));
        let documents = Publication::new(name, Kind::Documents, updated.documents(&request));
        Ok(Granted {
            body: updated.accepted(&request),
            before: delta.into_iter().chain([documents]).collect(),
        })
    }

    fn delete(&mut self, name: &ShadowName, payload: &[u8], now: u64) -> Result<Granted, Denied> {
        let client_token = delete_token(payload)?;
        let failed = |failure| Denied::failed(client_token.as_deref(), failure);
        let version = match self.store.load(name).map_err(failed)? {
            Some(Record::Live(document)) => document.version,
            _ => return Err(Refusal { rejection: Rejection::NoShadow(name.clone()), client_token }.into()),
        };
        let tombstone = Record::Deleted { version: version.saturating_add(1), at: now };
        self.store.save(name, tombstone).map_err(failed)?;
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
