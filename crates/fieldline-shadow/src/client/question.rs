//! [`Question`]: one request and its answer, over MQTT or REST, for whoever is no device but a person or a program.

use super::message;
use crate::json::{self, Json, Object};
use crate::limits::MAX_CLIENT_TOKEN;
use crate::name::ShadowName;
use crate::rejection::Rejection;
use crate::topic::{Kind, Operation, Publication};

/// One request, which knows its answer among those to others.
#[derive(Debug, Clone)]
pub struct Question {
    name: ShadowName,
    operation: Operation,
    body: Object,
    token: String,
}

/// What the service says.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It has done so.
    Accepted(Json),
    /// It has not, and why.
    Rejected {
        /// The number of AWS, which is also the status of HTTP.
        code: u16,
        /// The text of AWS.
        message: String,
    },
}

impl Question {
    /// Asks for `operation` with `body`, the request document, which is empty but for updates. `token` recognises
    /// the answer, unless the document brings a token of its own.
    ///
    /// # Errors
    /// If the document's own token is one that no service would answer with.
    pub fn new(
        name: ShadowName,
        operation: Operation,
        mut body: Object,
        token: &str,
    ) -> Result<Self, Rejection> {
        let own = body.entry("clientToken".to_owned()).or_insert_with(|| token.into());
        let token = own.as_str().filter(|token| token.len() <= MAX_CLIENT_TOKEN);
        let token = token.ok_or(Rejection::InvalidClientToken)?.to_owned();
        Ok(Question { name, operation, body, token })
    }

    /// The shadow.
    pub fn name(&self) -> &ShadowName {
        &self.name
    }

    /// On what the answer comes over MQTT.
    pub fn answers(&self) -> [Kind; 2] {
        [Kind::Accepted(self.operation), Kind::Rejected(self.operation)]
    }

    /// The request over MQTT.
    pub fn publication(&self) -> Publication {
        Publication::new(&self.name, Kind::Request(self.operation), Json::from(self.body.clone()).to_string())
    }

    /// The answer over MQTT; `None` if this is something else, or the answer to somebody else.
    pub fn answer_in(&self, topic: &str, payload: &[u8]) -> Option<Answer> {
        let (kind, body) = message::read(&self.name, topic, payload)?;
        if message::token(&body) != Some(self.token.as_str()) {
            return None;
        }
        match kind {
            Kind::Accepted(operation) if operation == self.operation => Some(Answer::Accepted(body)),
            Kind::Rejected(operation) if operation == self.operation => {
                Some(Answer::Rejected { code: message::code(&body), message: message::text(&body) })
            }
            _ => None,
        }
    }

    /// The method over REST.
    pub fn method(&self) -> &'static str {
        match self.operation {
            Operation::Get => "GET",
            Operation::Update => "POST",
            Operation::Delete => "DELETE",
        }
    }

    /// Path and query over REST. No character of a name needs an escape.
    pub fn path(&self) -> String {
        let path = format!("/things/{}/shadow", self.name.thing());
        match self.name.shadow() {
            Some(shadow) => format!("{path}?name={shadow}"),
            None => path,
        }
    }

    /// The body over REST; only an update has one.
    pub fn content(&self) -> String {
        match self.operation {
            Operation::Update => Json::from(self.body.clone()).to_string(),
            Operation::Get | Operation::Delete => String::new(),
        }
    }

    /// The answer over REST. One that is not the service's, such as that of a proxy, is a rejection with its text.
    pub fn answer_of(&self, status: u16, content: &[u8]) -> Answer {
        let content = String::from_utf8_lossy(content);
        match json::parse(&content) {
            Ok(body) if status == 200 => Answer::Accepted(body),
            Ok(body) if body.get("message").is_some() => {
                Answer::Rejected { code: status, message: message::text(&body) }
            }
            _ => Answer::Rejected { code: status, message: content.trim().to_owned() },
        }
    }
}
