//! The shadow topics of MQTT: parsing and formatting, for classic and named shadows.

use std::fmt;
use std::str::FromStr;

use crate::name::{NameError, ShadowName};

/// What a client can ask of a shadow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Read the document.
    Get,
    /// Merge into the document.
    Update,
    /// Delete the document.
    Delete,
}

/// What is said on a shadow topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A client's request.
    Request(Operation),
    /// The service's answer to a request it granted.
    Accepted(Operation),
    /// The service's answer to a request it refused.
    Rejected(Operation),
    /// `update/delta`: desired and reported differ.
    Delta,
    /// `update/documents`: the document before and after an update.
    Documents,
}

/// One shadow topic; `Display` writes it and `FromStr` reads it.
///
/// ```
/// use fieldline_shadow::topic::{Kind, Operation, Topic};
/// let topic: Topic = "$aws/things/lamp/shadow/name/config/update".parse()?;
/// assert_eq!(topic.kind, Kind::Request(Operation::Update));
/// assert_eq!(topic.name.shadow(), Some("config"));
/// # Ok::<(), fieldline_shadow::topic::TopicError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The shadow.
    pub name: ShadowName,
    /// What is said.
    pub kind: Kind,
}

/// Why a topic is not a shadow topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It has another form.
    #[error("`{0}` is not a shadow topic")]
    NotShadow(String),
    /// It has the form, but a name in it is refused.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// A message to publish; shadow messages are never retained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The full topic.
    pub topic: String,
    /// JSON text.
    pub payload: String,
}

impl Publication {
    /// `payload` on the topic of `name` for `kind`.
    pub fn new(name: &ShadowName, kind: Kind, payload: String) -> Self {
        Publication { topic: Topic::new(name, kind).to_string(), payload }
    }
}

impl Topic {
    /// The topic on which `kind` is said about `name`.
    pub fn new(name: &ShadowName, kind: Kind) -> Self {
        Topic { name: name.clone(), kind }
    }
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Operation::Get => "get",
            Operation::Update => "update",
            Operation::Delete => "delete",
        }
    }

    fn from_level(level: &str) -> Option<Self> {
        [Operation::Get, Operation::Update, Operation::Delete]
            .into_iter()
            .find(|operation| operation.as_str() == level)
    }
}

impl Kind {
    fn from_levels(levels: &[&str]) -> Option<Self> {
        match levels {
            [operation] => Operation::from_level(operation).map(Kind::Request),
            ["update", "delta"] => Some(Kind::Delta),
            ["update", "documents"] => Some(Kind::Documents),
            [operation, "accepted"] => Operation::from_level(operation).map(Kind::Accepted),
            [operation, "rejected"] => Operation::from_level(operation).map(Kind::Rejected),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Request(operation) => formatter.write_str(operation.as_str()),
            Kind::Accepted(operation) => write!(formatter, "{}/accepted", operation.as_str()),
            Kind::Rejected(operation) => write!(formatter, "{}/rejected", operation.as_str()),
            Kind::Delta => formatter.write_str("update/delta"),
            Kind::Documents => formatter.write_str("update/documents"),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "$aws/things/{}/shadow/", self.name.thing())?;
        if let Some(shadow) = self.name.shadow() {
            write!(formatter, "name/{shadow}/")?;
        }
        self.kind.fmt(formatter)
    }
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(topic: &str) -> Result<Self, TopicError> {
        let not_shadow = || TopicError::NotShadow(topic.to_owned());
        let levels: Vec<&str> = topic.split('/').collect();
        // A classic operation is never called `name`, so the two forms cannot be taken for each other.
        let (thing, shadow, rest) = match levels.as_slice() {
            ["$aws", "things", thing, "shadow", "name", shadow, rest @ ..] => (thing, Some(shadow), rest),
            ["$aws", "things", thing, "shadow", rest @ ..] => (thing, None, rest),
            _ => return Err(not_shadow()),
        };
        let kind = Kind::from_levels(rest).ok_or_else(not_shadow)?;
        let name = match shadow {
            Some(shadow) => ShadowName::named(*thing, *shadow)?,
            None => ShadowName::classic(*thing)?,
        };
        Ok(Topic { name, kind })
    }
}
