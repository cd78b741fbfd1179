//! The admin listener: metrics, health, status and reload, for this machine only.

mod body;
mod connections;
mod gate;
mod problem;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, get, post};
use fieldline_api::{Operation, ProgramStatus, ROUTES, ReloadRequest};
use fieldline_engine::{EngineHandle, Stopping};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::telemetry::{self, Metrics};
use body::Bodies;
use problem::problem;

/// The OpenAPI document; a test keeps it fresh.
pub(crate) const OPENAPI: &str = include_str!("../../../../schemas/admin.openapi.json");

/// The largest replay: two dead letter files.
const MAX_LETTERS: usize = 32 << 20;
/// The largest body of any other request.
const MAX_BODY: usize = 64 << 10;
/// The connections at the same time.
const MAX_CONNECTIONS: usize = 64;
/// How many nodes are named that are not well.
const MOST_NAMED: usize = 20;
/// The requests at the same time that may take long. The other connections can always give way to a new one.
const MAX_LONG: usize = 16;

struct Admin {
    engine: EngineHandle,
    metrics: Metrics,
    bodies: Bodies,
    long: Semaphore,
}

/// Serves until the program ends.
pub(crate) async fn run(listener: TcpListener, engine: EngineHandle, metrics: Metrics) {
    let (bodies, long) = (Bodies::new(), Semaphore::new(MAX_LONG));
    let admin = Arc::new(Admin { engine, metrics, bodies, long });
    let mut router = Router::new();
    for route in &ROUTES {
        for path in [route.path].into_iter().chain(route.alias) {
            router = router.route(path, answers(route.operation, &admin));
        }
    }
    let router = router
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn(gate::guard))
        .with_state(admin);
    // An eighth of the descriptors: where others leave none, one that is closed here serves the next who asks.
    let limit = MAX_CONNECTIONS.min(fieldline_files::descriptor_limit() / 8).max(1);
    connections::serve(listener, router, limit).await;
}

fn answers(operation: Operation, admin: &Arc<Admin>) -> MethodRouter<Arc<Admin>> {
    let long = |answers: MethodRouter<Arc<Admin>>| {
        answers.route_layer(from_fn_with_state(Arc::clone(admin), in_turn))
    };
    match operation {
        Operation::Metrics => get(metrics_text),
        Operation::Health => get(health),
        Operation::Ready => get(ready),
        Operation::Status => long(get(status)),
        Operation::Plan => long(get(plan)),
        Operation::Reload => long(post(reload)),
        Operation::Replay => long(post(replay)),
        Operation::OpenApi => get(openapi),
    }
}

/// Answers a request that may take long, unless there are enough of them.
async fn in_turn(State(admin): State<Arc<Admin>>, request: Request, next: Next) -> Response {
    match admin.long.try_acquire() {
        Ok(_turn) => next.run(request).await,
        Err(_) => problem(StatusCode::SERVICE_UNAVAILABLE, &"there are too many requests; try again"),
    }
}

async fn no_such_path() -> Response {
    problem(StatusCode::NOT_FOUND, &"there is no such path; /v1/openapi.json lists them all")
}

async fn no_such_method() -> Response {
    problem(StatusCode::METHOD_NOT_ALLOWED, &"the path has no such method; /v1/openapi.json lists them all")
}

/// Binds the address the user chose, or the usual one if it is free.
pub(crate) async fn bind(chosen: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let address = chosen.unwrap_or(crate::cli::DEFAULT_ADMIN);
    if !address.ip().to_canonical().is_loopback() {
        bail!(
            "`--admin {address}` would let other machines reload this program; choose a loopback address such as \
             127.0.0.1:{port}, and reach it through an SSH tunnel or a reverse proxy",
            port = address.port()
        );
    }
    match TcpListener::bind(address).await {
        Ok(listener) => {
            let address = listener.local_addr()?;
            tracing::info!(%address, "admin listener: /metrics /healthz /readyz /v1/status; all paths: /v1/openapi.json");
            Ok(Some(listener))
        }
        Err(error) if chosen.is_none() => {
            tracing::warn!(%address, %error, "no metrics and no health: choose another address with --admin");
            Ok(None)
        }
        Err(error) => Err(anyhow::anyhow!("the admin listener cannot have {address}: {error}")),
    }
}

async fn metrics_text(State(admin): State<Arc<Admin>>) -> Response {
    let text = telemetry::render(&admin.metrics, &admin.engine.program());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn health(State(admin): State<Arc<Admin>>) -> Response {
    let program = admin.engine.program();
    answer(program.healthy, &program)
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    let program = admin.engine.program();
    answer(program.ready, &program)
}

/// Where not all is well, the nodes that are not: people look here first.
fn answer(good: bool, program: &ProgramStatus) -> Response {
    if good {
        "ok\n".into_response()
    } else {
        let down = program.nodes.iter().filter(|node| !node.state.is_up()).take(MOST_NAMED);
        let lines = down
            .map(|node| format!("{}: {} {}\n", node.node, node.state, node.error.as_deref().unwrap_or("")));
        let text = format!("not ok; see /v1/status\n{}", lines.collect::<String>());
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> Response {
    Json(admin.engine.status().await).into_response()
}

async fn reload(State(admin): State<Arc<Admin>>, headers: HeaderMap, body: Body) -> Response {
    let body = match admin.bodies.read(&headers, body, MAX_BODY).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    let request = match reload_request(body.bytes()) {
        Ok(request) => request,
        Err(error) => return problem(StatusCode::BAD_REQUEST, &format_args!("{error:#}")),
    };
    match admin.engine.reload(request).await {
        Ok(outcome) if outcome.is_refused() => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(outcome)).into_response()
        }
        Ok(outcome) => Json(outcome).into_response(),
        Err(error) => stopping(error),
    }
}

/// A reload as the body says; one that refuses losses without a body.
fn reload_request(body: &[u8]) -> anyhow::Result<ReloadRequest> {
    if body.trim_ascii().is_empty() {
        return Ok(ReloadRequest::default());
    }
    serde_json::from_slice(body)
        .context(r#"the body is no request; write for example {"losses":"carry_over"}"#)
}

async fn plan(State(admin): State<Arc<Admin>>) -> Response {
    admin.engine.preview().await.map_or_else(stopping, |preview| Json(preview).into_response())
}

/// Takes the lines of a dead letter file.
async fn replay(State(admin): State<Arc<Admin>>, headers: HeaderMap, body: Body) -> Response {
    let body = match admin.bodies.read(&headers, body, MAX_LETTERS).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into_response(),
    };
    match std::str::from_utf8(body.bytes()) {
        Ok(lines) => {
            admin.engine.replay(lines).await.map_or_else(stopping, |outcome| Json(outcome).into_response())
        }
        Err(error) => problem(StatusCode::BAD_REQUEST, &format_args!("the body is no text: {error}")),
    }
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

fn stopping(error: Stopping) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, &error)
}

#[cfg(test)]
mod tests {
    use fieldline_api::Losses;

    use super::*;

    #[test]
    fn a_reload_takes_losses_from_its_body_and_refuses_them_without_a_word() {
        let losses = |body: &str| reload_request(body.as_bytes()).map(|request| request.losses);
        assert_eq!(losses(" \n").expect("a request"), Losses::Refuse);
        assert_eq!(losses("{}").expect("a request"), Losses::Refuse);
        assert_eq!(losses(r#"{"losses":"carry_over"}"#).expect("a request"), Losses::CarryOver);
        assert!(losses(r#"{"losses":"some"}"#).is_err() && losses(r#"{"loses":"refuse"}"#).is_err());
        assert!(losses("now").is_err());
    }
}
