//! The admin listener: metrics, health, status and reload, on this machine only unless told otherwise.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, bail};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, serve};
use fieldline_api::{Operation, Problem, ROUTES, ReloadRequest};
use fieldline_engine::{EngineHandle, Stopping};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::telemetry;

/// The OpenAPI document; a test keeps it fresh.
pub(crate) const OPENAPI: &str = include_str!("../../../schemas/admin.openapi.json");

/// The largest request: two dead letter files.
const MAX_BODY: usize = 32 << 20;

struct Admin {
    engine: EngineHandle,
    metrics: PrometheusHandle,
}

/// Serves until the program ends.
pub(crate) async fn run(listener: TcpListener, engine: EngineHandle, metrics: PrometheusHandle) {
    let mut router = Router::new();
    for route in &ROUTES {
        for path in [route.path].into_iter().chain(route.alias) {
            router = router.route(path, answers(route.operation));
        }
    }
    let router =
        router.layer(DefaultBodyLimit::max(MAX_BODY)).with_state(Arc::new(Admin { engine, metrics }));
    if let Err(error) = serve(listener, router).await {
        tracing::error!(%error, "the admin listener ended");
    }
}

fn answers(operation: Operation) -> MethodRouter<Arc<Admin>> {
    match operation {
        Operation::Metrics => get(metrics_text),
        Operation::Health => get(health),
        Operation::Ready => get(ready),
        Operation::Status => get(status),
        Operation::Plan => get(plan),
        Operation::Reload => post(reload),
        Operation::Replay => post(replay),
        Operation::OpenApi => get(openapi),
    }
}

/// Binds the address the user chose, or the usual one if it is free.
pub(crate) async fn bind(chosen: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let address = chosen.unwrap_or(crate::cli::DEFAULT_ADMIN);
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
    answer(admin.engine.program().healthy)
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    answer(admin.engine.program().ready)
}

fn answer(good: bool) -> Response {
    if good {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ok; see /v1/status\n").into_response()
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> Response {
    Json(admin.engine.status().await).into_response()
}

async fn reload(State(admin): State<Arc<Admin>>, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let request = match reload_request(kind, &body) {
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
/// Any web page could send a body of another type than JSON to this listener.
fn reload_request(content_type: Option<&str>, body: &[u8]) -> anyhow::Result<ReloadRequest> {
    if body.trim_ascii().is_empty() {
        return Ok(ReloadRequest::default());
    }
    let kind = content_type.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        bail!("the body has to be `application/json`");
    }
    serde_json::from_slice(body)
        .context(r#"the body is no request; write for example {"losses":"carry_over"}"#)
}

async fn plan(State(admin): State<Arc<Admin>>) -> Response {
    admin.engine.preview().await.map_or_else(stopping, |preview| Json(preview).into_response())
}

/// Takes the lines of a dead letter file.
async fn replay(State(admin): State<Arc<Admin>>, lines: String) -> Response {
    admin.engine.replay(&lines).await.map_or_else(stopping, |outcome| Json(outcome).into_response())
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}

fn stopping(error: Stopping) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, &error)
}

fn problem(status: StatusCode, title: &dyn std::fmt::Display) -> Response {
    let problem = Problem { status: status.as_u16(), title: title.to_string() };
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
}

#[cfg(test)]
mod tests {
    use fieldline_api::Losses;

    use super::*;

    #[test]
    fn a_reload_takes_losses_from_a_body_of_json_and_refuses_them_without_a_word() {
        let losses = |kind, body: &str| reload_request(kind, body.as_bytes()).map(|request| request.losses);
        let json = Some("application/json; charset=utf-8");
        assert_eq!(losses(None, " \n").expect("a request"), Losses::Refuse);
        assert_eq!(losses(json, "{}").expect("a request"), Losses::Refuse);
        assert_eq!(losses(json, r#"{"losses":"carry_over"}"#).expect("a request"), Losses::CarryOver);
        assert!(
            losses(json, r#"{"losses":"some"}"#).is_err() && losses(json, r#"{"loses":"refuse"}"#).is_err()
        );
        assert!(losses(json, "now").is_err());
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            assert!(losses(kind, r#"{"losses":"accept_loss"}"#).is_err(), "{kind:?}");
        }
    }
}
