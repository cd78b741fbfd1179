//! An update request: parsed and checked in the order that lets a rejection carry the client's token.

use crate::json::{self, Json, Object, ParseError};
use crate::limits::{MAX_CLIENT_TOKEN, MAX_NESTING};
use crate::rejection::{Refusal, Rejection};

/// A request to update whose form is right; whether it applies depends on the shadow.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateRequest {
    /// The `state` member as sent, which the answer repeats: an object or null.
    pub(super) state: Json,
    /// The version the shadow must have.
    pub(super) version: Option<i128>,
    client_token: Option<String>,
}

impl UpdateRequest {
    /// Reads a payload. The checks, in this order: UTF-8, JSON, token, `state`, its members, their types, nulls in
    /// arrays, nesting, version.
    pub fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        let members = object(payload)?;
        let client_token = token_of(&members)?;
        match check(&members) {
            Ok((state, version)) => Ok(UpdateRequest { state, version, client_token }),
            Err(rejection) => Err(Refusal { rejection, client_token }),
        }
    }

    /// The token the answers echo.
    pub fn client_token(&self) -> Option<&str> {
        self.client_token.as_deref()
    }

    /// This request refused.
    pub fn refused(&self, rejection: Rejection) -> Refusal {
        Refusal { rejection, client_token: self.client_token.clone() }
    }

    /// What the request does to a section: `None` for nothing.
    pub(super) fn change(&self, section: &str) -> Option<Change<'_>> {
        match &self.state {
            Json::Object(sections) => match sections.get(section)? {
                Json::Object(patch) => Some(Change::Merge(patch)),
                _ => Some(Change::Clear),
            },
            _ => Some(Change::Clear),
        }
    }
}

/// What an update does to a section.
pub(super) enum Change<'a> {
    Merge(&'a Object),
    Clear,
}

/// The token of a get or delete request, whose payload may be empty and otherwise means nothing.
pub(crate) fn client_token(payload: &[u8]) -> Result<Option<String>, Refusal> {
    if payload.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    token_of(&object(payload)?)
}

fn object(payload: &[u8]) -> Result<Object, Refusal> {
    let text = std::str::from_utf8(payload).map_err(|_| Rejection::NotUtf8)?;
    match json::parse(text) {
        Ok(Json::Object(members)) => Ok(members),
        Err(ParseError::TooDeep) => Err(Rejection::TooDeep.into()),
        Ok(_) | Err(ParseError::Syntax(_)) => Err(Rejection::InvalidJson.into()),
    }
}

fn token_of(members: &Object) -> Result<Option<String>, Refusal> {
    match members.get("clientToken") {
        None => Ok(None),
        Some(Json::String(token)) if token.len() <= MAX_CLIENT_TOKEN => Ok(Some(token.clone())),
        Some(_) => Err(Rejection::InvalidClientToken.into()),
    }
}

fn check(members: &Object) -> Result<(Json, Option<i128>), Rejection> {
    let state = members.get("state").ok_or(Rejection::MissingState)?;
    match state {
        Json::Null => {}
        Json::Object(sections) => check_sections(sections)?,
        _ => return Err(Rejection::StateNotObject),
    }
    let version = members.get("version").map(version).transpose()?;
    Ok((state.clone(), version))
}

fn check_sections(sections: &Object) -> Result<(), Rejection> {
    if let Some(other) = sections.keys().find(|key| !matches!(key.as_str(), "desired" | "reported")) {
        return Err(Rejection::InvalidNode(other.clone()));
    }
    for (name, rejection) in
        [("desired", Rejection::DesiredNotObject), ("reported", Rejection::ReportedNotObject)]
    {
        if !matches!(sections.get(name), None | Some(Json::Null | Json::Object(_))) {
            return Err(rejection);
        }
    }
    if sections.values().any(Json::has_null_in_array) {
        return Err(Rejection::NullInArray);
    }
    if sections.values().any(|section| section.depth() > MAX_NESTING) {
        return Err(Rejection::TooDeep);
    }
    Ok(())
}

/// An integer too large for any shadow is still an integer: it conflicts, but is not invalid.
fn version(value: &Json) -> Result<i128, Rejection> {
    match value {
        Json::Number(number) if number.is_integer() => Ok(number.as_str().parse().unwrap_or(i128::MAX)),
        _ => Err(Rejection::InvalidVersion),
    }
}
