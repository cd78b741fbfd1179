//! Why a request is refused, with the codes and texts of AWS.
//!
//! Texts AWS does not document (null in an array, 429, names) are ours. Live answers carry no timestamp, so
//! neither do these.

use crate::json::{Json, Object};
use crate::limits::MAX_NESTING;
use crate::name::{NameError, ShadowName};

/// A refused request. `Display` is the text of AWS, [`code`](Rejection::code) its number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// 400: not parseable, or not an object.
    #[error("Invalid JSON")]
    InvalidJson,
    /// 400: no `state`.
    #[error("Missing required node: state")]
    MissingState,
    /// 400: `state` is neither an object nor null.
    #[error("State node must be an object")]
    StateNotObject,
    /// 400: `state.desired` is neither an object nor null.
    #[error("Desired node must be an object")]
    DesiredNotObject,
    /// 400: `state.reported` is neither an object nor null.
    #[error("Reported node must be an object")]
    ReportedNotObject,
    /// 400: `state` has a member beside `desired` and `reported`.
    #[error("State contains an invalid node: '{0}'")]
    InvalidNode(String),
    /// 400: `version` is not an integer.
    #[error("Invalid version")]
    InvalidVersion,
    /// 400: `clientToken` is not a string of at most 64 bytes.
    #[error("Invalid clientToken")]
    InvalidClientToken,
    /// 400: a null in an array; merging could not delete anything there.
    #[error("Arrays must not contain null")]
    NullInArray,
    /// 400: containers nested too deep.
    #[error("JSON contains too many levels of nesting; maximum is {MAX_NESTING}")]
    TooDeep,
    /// 400: a thing or shadow name that cannot exist.
    #[error(transparent)]
    InvalidName(#[from] NameError),
    /// 400: a `pageSize` or `nextToken` of a list request is not usable.
    #[error("Invalid {0}")]
    InvalidParameter(&'static str),
    /// 401: for callers that check who asks.
    #[error("Unauthorized")]
    Unauthorized,
    /// 403: for callers that check who asks.
    #[error("Forbidden")]
    Forbidden,
    /// 404: there is no such shadow.
    #[error("No shadow exists with name: '{0}'")]
    NoShadow(ShadowName),
    /// 405: REST only.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// 409: the version in the request is not the current one.
    #[error("Version conflict")]
    VersionConflict,
    /// 413: the merged state would be too large.
    #[error("The payload exceeds the maximum size allowed")]
    TooLarge,
    /// 415: not UTF-8.
    #[error("Unsupported documented encoding; supported encoding is UTF-8")]
    NotUtf8,
    /// 429: too many requests in flight or per second.
    #[error("Too Many Requests")]
    TooManyRequests,
    /// 500: the store failed.
    #[error("Internal service failure")]
    Internal,
}

impl Rejection {
    /// The number in the answer, which is also the status of HTTP.
    pub fn code(&self) -> u16 {
        match self {
            Rejection::InvalidJson
            | Rejection::MissingState
            | Rejection::StateNotObject
            | Rejection::DesiredNotObject
            | Rejection::ReportedNotObject
            | Rejection::InvalidNode(_)
            | Rejection::InvalidVersion
            | Rejection::InvalidClientToken
            | Rejection::NullInArray
            | Rejection::TooDeep
            | Rejection::InvalidName(_)
            | Rejection::InvalidParameter(_) => 400,
            Rejection::Unauthorized => 401,
            Rejection::Forbidden => 403,
            Rejection::NoShadow(_) => 404,
            Rejection::MethodNotAllowed => 405,
            Rejection::VersionConflict => 409,
            Rejection::TooLarge => 413,
            Rejection::NotUtf8 => 415,
            Rejection::TooManyRequests => 429,
            Rejection::Internal => 500,
        }
    }
}

/// A rejection together with the token of the request it answers, if one could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub rejection: Rejection,
    /// The request's `clientToken`, echoed so that the client can match the answer.
    pub client_token: Option<String>,
}

impl Refusal {
    /// The payload of a `rejected` topic: `{"code":…,"message":…,"clientToken":…}`.
    pub fn payload(&self) -> String {
        let mut body = Object::new();
        body.insert("code".to_owned(), u64::from(self.rejection.code()).into());
        body.insert("message".to_owned(), self.rejection.to_string().into());
        if let Some(token) = &self.client_token {
            body.insert("clientToken".to_owned(), token.as_str().into());
        }
        Json::Object(body).to_string()
    }
}

/// A refusal of a request that carried no readable token.
impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Refusal { rejection, client_token: None }
    }
}
