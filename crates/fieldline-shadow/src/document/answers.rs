//! The JSON texts of the answers, with the member order of AWS.

use super::stamps::{Stamps, timestamp};
use super::{Document, UpdateRequest, Updated, delta};
use crate::json::{Json, Object};

/// The payload of `get/accepted`: the document and the delta, at the time of the answer.
pub fn get_accepted(document: &Document, client_token: Option<&str>, now: u64) -> String {
    let mut body = document.to_object();
    let difference = delta(document.desired.state(), document.reported.state());
    if let (false, Some(Json::Object(state))) = (difference.is_empty(), body.get_mut("state")) {
        state.insert("delta".to_owned(), Json::Object(difference));
    }
    finish(body, client_token, now)
}

/// The payload of `delete/accepted`, which names the version of the deleted document.
pub fn delete_accepted(version: u64, client_token: Option<&str>, now: u64) -> String {
    finish(Object::from_iter([("version".to_owned(), version.into())]), client_token, now)
}

impl Updated {
    /// The payload of `update/accepted`: what was sent, nulls included, and when.
    pub fn accepted(&self, request: &UpdateRequest) -> String {
        let metadata = match &request.state {
            Json::Object(sections) => Stamps::of(&Json::Object(sections.clone()), self.at).to_json(),
            _ => timestamp(self.at),
        };
        let body = Object::from_iter([
            ("state".to_owned(), request.state.clone()),
            ("metadata".to_owned(), metadata),
            ("version".to_owned(), self.current.version.into()),
        ]);
        finish(body, request.client_token(), self.at)
    }

    /// The payload of `update/delta`: all that differs, whether or not this update touched it. `None` if nothing.
    pub fn delta(&self, request: &UpdateRequest) -> Option<String> {
        let state = delta(self.current.desired.state(), self.current.reported.state());
        if state.is_empty() {
            return None;
        }
        let metadata = self.current.desired.metadata_of(&state);
        let mut body = Object::from_iter([
            ("version".to_owned(), self.current.version.into()),
            ("timestamp".to_owned(), self.at.into()),
            ("state".to_owned(), Json::Object(state)),
            ("metadata".to_owned(), Json::Object(metadata)),
        ]);
        add_token(&mut body, request.client_token());
        Some(Json::Object(body).to_string())
    }

    /// The payload of `update/documents`: before and after. `previous` is null for a new shadow; AWS leaves open
    /// whether it is null or absent, and its SDKs accept both.
    pub fn documents(&self, request: &UpdateRequest) -> String {
        let previous =
            self.previous.as_ref().map_or(Json::Null, |previous| Json::Object(previous.to_object()));
        let body = Object::from_iter([
            ("previous".to_owned(), previous),
            ("current".to_owned(), Json::Object(self.current.to_object())),
        ]);
        finish(body, request.client_token(), self.at)
    }
}

fn finish(mut body: Object, client_token: Option<&str>, now: u64) -> String {
    body.insert("timestamp".to_owned(), now.into());
    add_token(&mut body, client_token);
    Json::Object(body).to_string()
}

fn add_token(body: &mut Object, client_token: Option<&str>) {
    if let Some(token) = client_token {
        body.insert("clientToken".to_owned(), token.into());
    }
}
