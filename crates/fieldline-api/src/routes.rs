//! [`ROUTES`]: the requests that a running program answers. The admin listener serves this table, commands ask by it,
//! and the OpenAPI document is written from it.

use schemars::generate::SchemaGenerator;
use schemars::{JsonSchema, Schema};

use crate::change::PlanPreview;
use crate::reload::{ReloadOutcome, ReloadRequest};
use crate::replay::ReplayOutcome;
use crate::status::Status;

/// A header that tells a request on purpose from one of a web page, which cannot send it without leave.
pub const COMMAND_HEADER: &str = "x-fieldline";

/// A request to a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The metrics.
    Metrics,
    /// Whether the program works.
    Health,
    /// Whether all nodes work.
    Ready,
    /// The status.
    Status,
    /// The effect of a reload.
    Plan,
    /// A reload.
    Reload,
    /// A replay of dead letters.
    Replay,
    /// The OpenAPI document.
    OpenApi,
}

impl Operation {
    /// Its name in the OpenAPI document.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Metrics => "metrics",
            Operation::Health => "health",
            Operation::Ready => "ready",
            Operation::Status => "status",
            Operation::Plan => "plan",
            Operation::Reload => "reload",
            Operation::Replay => "replay",
            Operation::OpenApi => "openapi",
        }
    }

    /// Its line in the table.
    pub fn route(self) -> &'static Route {
        ROUTES
            .iter()
            .find(|route| route.operation == self)
            .expect("a test finds every operation in the table")
    }
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Asks.
    Get,
    /// Changes something.
    Post,
}

impl Method {
    /// Its word in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
        }
    }
}

/// Text that is sent or answered.
#[derive(Clone, Copy)]
pub struct Content {
    /// Its media type.
    pub media_type: &'static str,
    /// Its schema, for JSON.
    pub schema: Option<fn(&mut SchemaGenerator) -> Schema>,
}

impl Content {
    const PLAIN: Content = Content { media_type: "text/plain", schema: None };
    const LINES: Content = Content { media_type: "application/jsonl", schema: None };

    const fn json<T: JsonSchema>() -> Content {
        Content { media_type: "application/json", schema: Some(SchemaGenerator::subschema_for::<T>) }
    }
}

/// A line of the table.
#[derive(Clone, Copy)]
pub struct Route {
    /// The request.
    pub operation: Operation,
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: &'static str,
    /// The path it had before paths had a version; it is served, too.
    pub alias: Option<&'static str>,
    /// One sentence.
    pub summary: &'static str,
    /// The body of the request.
    pub request: Option<Content>,
    /// The body of the answer.
    pub answer: Content,
    /// The status code of an answer that says no, and its meaning. Its body is that of any other answer.
    pub refusal: Option<(u16, &'static str)>,
}

/// All requests.
pub const ROUTES: [Route; 8] = [
    Route {
        refusal: Some((503, "A node has failed for good.")),
        ..get(Operation::Health, "/healthz", None, "Tells whether no node has failed for good.")
    },
    Route {
        refusal: Some((503, "A node does not run.")),
        ..get(Operation::Ready, "/readyz", None, "Tells whether every node runs or has finished.")
    },
    get(Operation::Metrics, "/metrics", None, "Returns the metrics for Prometheus."),
    Route {
        answer: Content::json::<Status>(),
        ..get(
            Operation::Status,
            "/v1/status",
            Some("/status"),
            "Returns the state of the program and its files.",
        )
    },
    Route {
        answer: Content::json::<PlanPreview>(),
        ..get(Operation::Plan, "/v1/plan", Some("/plan"), "Returns the effect that a reload would have.")
    },
    Route {
        method: Method::Post,
        request: Some(Content::json::<ReloadRequest>()),
        answer: Content::json::<ReloadOutcome>(),
        refusal: Some((422, "The files were rejected or rolled back.")),
        ..get(Operation::Reload, "/v1/reload", Some("/reload"), "Reads the files again and applies them.")
    },
    Route {
        method: Method::Post,
        request: Some(Content::LINES),
        answer: Content::json::<ReplayOutcome>(),
        ..get(
            Operation::Replay,
            "/v1/replay",
            Some("/replay"),
            "Puts the events of a dead letter file in again, at the nodes that failed them.",
        )
    },
    Route {
        answer: Content { schema: None, ..Content::json::<()>() },
        ..get(Operation::OpenApi, "/v1/openapi.json", None, "Returns this document.")
    },
];

const fn get(
    operation: Operation,
    path: &'static str,
    alias: Option<&'static str>,
    summary: &'static str,
) -> Route {
    let (method, answer) = (Method::Get, Content::PLAIN);
    let (request, refusal) = (None, None);
    Route { operation, method, path, alias, summary, request, answer, refusal }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_operation_is_in_the_table_and_no_path_is_there_twice() {
        let all = [
            Operation::Metrics,
            Operation::Health,
            Operation::Ready,
            Operation::Status,
            Operation::Plan,
            Operation::Reload,
            Operation::Replay,
            Operation::OpenApi,
        ];
        assert_eq!(all.len(), ROUTES.len());
        for operation in all {
            assert_eq!(operation.route().operation, operation);
        }
        let paths: Vec<&str> =
            ROUTES.iter().flat_map(|route| [route.path].into_iter().chain(route.alias)).collect();
        assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len());
    }
}
