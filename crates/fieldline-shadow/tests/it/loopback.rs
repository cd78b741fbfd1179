//! A client's publications carried to a real service and back, by hand, so that every moment is under control.

use std::time::Duration;

use fieldline_shadow::json::{self, Json, Object};
use fieldline_shadow::service::{MemoryStore, Service};
use fieldline_shadow::topic::Publication;

use crate::support::{PREFIX, service};

/// The service; `now` of the client and of the service run together.
pub(crate) struct Loopback {
    pub(crate) service: Service<MemoryStore>,
}

impl Loopback {
    pub(crate) fn new() -> Self {
        Loopback { service: service() }
    }

    /// What the service makes of a publication of the client.
    pub(crate) fn send(&mut self, publication: &Publication, now: Duration) -> Vec<Publication> {
        self.service.answer(&publication.topic, publication.payload.as_bytes(), now.as_secs()).publications
    }

    /// Someone else's request.
    pub(crate) fn other(&mut self, operation: &str, payload: &str, now: Duration) -> Vec<Publication> {
        self.service.answer(&format!("{PREFIX}{operation}"), payload.as_bytes(), now.as_secs()).publications
    }

    /// `state.<section>` of the shadow, as text; empty if there is no shadow.
    pub(crate) fn section(&mut self, section: &str) -> String {
        let answer = self.service.answer(&format!("{PREFIX}get"), b"", 0).publications;
        let document = json::parse(&answer[0].payload).expect("an answer is JSON");
        let section = document.get("state").and_then(|state| state.get(section));
        section.map_or(String::new(), Json::to_string)
    }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn object(text: &str) -> Object {
    json::parse(text).expect("JSON").as_object().expect("an object").clone()
}
