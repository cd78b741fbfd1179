//! Reading what the service sends.

use crate::json::{self, Json, Object};
use crate::name::ShadowName;
use crate::topic::{Kind, Topic};

/// What is said about `name`; `None` for other topics and for payloads that are not JSON.
pub(super) fn read(name: &ShadowName, topic: &str, payload: &[u8]) -> Option<(Kind, Json)> {
    let topic: Topic = topic.parse().ok()?;
    if topic.name != *name {
        return None;
    }
    let body = json::parse(std::str::from_utf8(payload).ok()?).ok()?;
    Some((topic.kind, body))
}

pub(super) fn version(body: &Json) -> Option<u64> {
    body.get("version")?.as_u64()
}

pub(super) fn timestamp(body: &Json) -> u64 {
    body.get("timestamp").and_then(Json::as_u64).unwrap_or(0)
}

pub(super) fn token(body: &Json) -> Option<&str> {
    body.get("clientToken")?.as_str()
}

/// The members of `state.<section>`; none if it is absent.
pub(super) fn section(body: &Json, section: &str) -> Object {
    let section = body.get("state").and_then(|state| state.get(section)).and_then(Json::as_object);
    section.cloned().unwrap_or_default()
}

/// The code of a rejection; 500 if it has none.
pub(super) fn code(body: &Json) -> u16 {
    body.get("code").and_then(Json::as_u64).and_then(|code| u16::try_from(code).ok()).unwrap_or(500)
}

pub(super) fn text(body: &Json) -> String {
    body.get("message").and_then(Json::as_str).unwrap_or_default().to_owned()
}
