//! What the `shadow` source and the `shadow` sink have in common: which shadow is meant, how bodies become shadow
//! states and back, and the [`link`] to the service, which is for the program's `fieldline shadow` too.

pub mod link;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use fieldline_core::json::JsonError;
use fieldline_core::{CheckCx, Period, Value, json};
use fieldline_shadow::client::Retry;
use fieldline_shadow::json::{Json, Object};
use fieldline_shadow::name::{NameError, ShadowName};

/// Attempts at a request before the service counts as away.
const ATTEMPTS: u32 = 3;

/// How long the service has for an answer where the config says nothing.
pub(crate) fn default_timeout() -> Period {
    Period(Duration::from_secs(5))
}

/// The shadow called `shadow`, or the classic shadow, of `thing`.
pub fn shadow_name(thing: &str, shadow: Option<&str>) -> Result<ShadowName, NameError> {
    match shadow {
        Some(shadow) => ShadowName::named(thing, shadow),
        None => ShadowName::classic(thing),
    }
}

/// Complains about names that the service refuses.
pub(crate) fn check_shadow_name(cx: &mut CheckCx<'_>, thing: &str, shadow: Option<&str>) {
    if let Err(error) = shadow_name(thing, shadow) {
        let (field, help) = match &error {
            NameError::Thing(_) => ("thing", "write the name of one thing, such as `line22-drying`"),
            NameError::Shadow(_) => ("shadow", "leave `shadow` out for the classic shadow"),
        };
        cx.error("bad-shadow-name", field, error.to_string()).help(help);
    }
}

/// Waits `timeout` for an answer, then longer, and gives up after the third attempt.
pub fn retry(timeout: Period) -> Retry {
    Retry { attempts: ATTEMPTS, first: timeout.0, longest: timeout.0.saturating_mul(4) }
}

/// Begins the client tokens of one node in one run, so that no answer to another client is taken for its own.
pub fn token_prefix(node: &str) -> String {
    format!("{:016x}", RandomState::new().hash_one(node))
}

/// A value as a shadow keeps it.
pub(crate) fn to_json(value: &Value) -> Result<Json, JsonError> {
    let text = json::encode(value)?;
    let text = String::from_utf8(text).expect("an encoder of JSON writes UTF-8");
    Ok(fieldline_shadow::json::parse(&text).expect("what was encoded as JSON is JSON"))
}

/// A part of a shadow as the body of an event.
pub(crate) fn to_value(members: Object) -> Result<Value, JsonError> {
    json::decode(Json::Object(members).to_string().as_bytes())
}
