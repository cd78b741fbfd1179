//! A service with one thing in it, and short ways to ask it.

use fieldline_shadow::limits::Limits;
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::service::{MemoryStore, Service};

pub(crate) const PREFIX: &str = "$aws/things/lamp/shadow/";

pub(crate) fn service() -> Service<MemoryStore> {
    Service::new(MemoryStore::default(), Limits::default())
}

pub(crate) fn lamp() -> ShadowName {
    ShadowName::classic("lamp").expect("a valid name")
}

/// What the service publishes, as `suffix payload` lines.
pub(crate) fn ask(
    service: &mut Service<MemoryStore>,
    operation: &str,
    payload: &str,
    now: u64,
) -> Vec<String> {
    let answers = service.answer(&format!("{PREFIX}{operation}"), payload.as_bytes(), now).publications;
    let line = |topic: &str, payload: &str| {
        format!("{} {payload}", topic.strip_prefix(PREFIX).expect("answers are about the lamp"))
    };
    answers.iter().map(|answer| line(&answer.topic, &answer.payload)).collect()
}

/// The payload of the last answer.
pub(crate) fn answer(service: &mut Service<MemoryStore>, operation: &str, payload: &str, now: u64) -> String {
    let lines = ask(service, operation, payload, now);
    let (_, payload) = lines.last().and_then(|line| line.split_once(' ')).expect("an answer");
    payload.to_owned()
}
