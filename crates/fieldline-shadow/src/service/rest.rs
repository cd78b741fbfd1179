//! The same service over HTTP, as a function of method, path, query and body. The server itself is the caller's.

use super::list::list;
use super::query::{decoded, parameter};
use super::{Admission, Denied, Granted, Service, Store, StoreError};
use crate::name::ShadowName;
use crate::rejection::Rejection;
use crate::topic::{Kind, Operation, Publication};

/// A request as the HTTP server received it, still percent-encoded.
#[derive(Debug, Clone, Copy)]
pub struct RestRequest<'a> {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// What follows `?`; may be empty.
    pub query: &'a str,
    /// The body; may be empty.
    pub body: &'a [u8],
}

/// What to send back, and what to publish to MQTT because of it.
#[derive(Debug)]
pub struct RestAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The header `x-amzn-ErrorType`, from which AWS's clients take the name of an error.
    pub error_type: Option<&'static str>,
    /// JSON text.
    pub body: String,
    /// Messages for MQTT: an update by REST has the same as one by MQTT. Errors have none.
    pub publications: Vec<Publication>,
    /// Why the store failed, of which the client hears only that it did.
    pub failure: Option<StoreError>,
}

enum Route {
    Shadow(Operation, ShadowName),
    List(String),
}

impl<S: Store, A: Admission> Service<S, A> {
    /// Answers a request at `now` (epoch seconds); `None` if the path is not one of the shadow's.
    pub fn answer_rest(&mut self, request: &RestRequest<'_>, now: u64) -> Option<RestAnswer> {
        let answer = match route(request)? {
            Err(rejection) => Err(rejection.into()),
            Ok(Route::List(thing)) => {
                list(&self.store, &thing, request.query, now).map(|body| (body, Vec::new()))
            }
            Ok(Route::Shadow(operation, name)) => {
                // Only an update has a body; a token in one of the others would have to be echoed.
                let payload = if operation == Operation::Update { request.body } else { b"" };
                self.run(&name, operation, payload, now).map(|Granted { body, before: mut publications }| {
                    if operation != Operation::Get {
                        publications.push(Publication::new(&name, Kind::Accepted(operation), body.clone()));
                    }
                    (body, publications)
                })
            }
        };
        Some(match answer {
            Ok((body, publications)) => {
                RestAnswer { status: 200, error_type: None, body, publications, failure: None }
            }
            Err(denied) => error(denied),
        })
    }
}

fn route(request: &RestRequest<'_>) -> Option<Result<Route, Rejection>> {
    let levels: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    match levels.as_slice() {
        ["things", thing, "shadow"] => Some(shadow_route(request, &decoded(thing))),
        ["api", "things", "shadow", "ListNamedShadowsForThing", thing] if request.method == "GET" => {
            Some(Ok(Route::List(decoded(thing))))
        }
        ["api", "things", "shadow", "ListNamedShadowsForThing", _] => Some(Err(Rejection::MethodNotAllowed)),
        _ => None,
    }
}

fn shadow_route(request: &RestRequest<'_>, thing: &str) -> Result<Route, Rejection> {
    let operation = match request.method {
        "GET" => Operation::Get,
        "POST" => Operation::Update,
        "DELETE" => Operation::Delete,
        _ => return Err(Rejection::MethodNotAllowed),
    };
    let name = match parameter(request.query, "name") {
        Some(shadow) => ShadowName::named(thing, shadow)?,
        None => ShadowName::classic(thing)?,
    };
    Ok(Route::Shadow(operation, name))
}

fn error(Denied { refusal, failure }: Denied) -> RestAnswer {
    let status = refusal.rejection.code();
    let error_type = match status {
        401 => "UnauthorizedException",
        403 => "ForbiddenException",
        404 => "ResourceNotFoundException",
        405 => "MethodNotAllowedException",
        409 => "ConflictException",
        413 => "RequestEntityTooLargeException",
        415 => "UnsupportedDocumentEncodingException",
        429 => "ThrottlingException",
        500 => "InternalFailureException",
        _ => "InvalidRequestException",
    };
    let mut body = refusal.payload();
    if refusal.rejection == Rejection::InvalidJson {
        // Seen on live AWS: over REST this one text differs.
        body = body.replace("Invalid JSON", "Payload contains invalid json");
    }
    let failure = failure.map(|failure| *failure);
    RestAnswer { status, error_type: Some(error_type), body, publications: Vec::new(), failure }
}
