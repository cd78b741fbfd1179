//! The admin listener: metrics, health, status and reload, on this machine only unless told otherwise.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use fieldline_api::{Problem, ReloadRequest};
use fieldline_engine::{EngineHandle, Stopping};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use crate::telemetry;

/// The largest request: two dead letter files.
const MAX_BODY: usize = 32 << 20;

struct Admin {
    engine: EngineHandle,
    metrics: PrometheusHandle,
}

/// Serves until the program ends.
pub(crate) async fn run(listener: TcpListener, engine: EngineHandle, metrics: PrometheusHandle) {
    let router = Router::new()
        .route("/metrics", get(metrics_text))
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/status", get(status))
        .route("/reload", post(reload))
        .route("/plan", get(plan))
        .route("/replay", post(replay))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Arc::new(Admin { engine, metrics }));
    if let Err(error) = serve(listener, router).await {
        tracing::error!(%error, "the admin listener ended");
    }
}

/// Binds the address the user chose, or the usual one if it is free.
pub(crate) async fn bind(chosen: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let address = chosen.unwrap_or(crate::cli::DEFAULT_ADMIN);
    match TcpListener::bind(address).await {
        Ok(listener) => {
            let address = listener.local_addr()?;
            tracing::info!(%address, "admin listener: /metrics /healthz /readyz /status /plan /reload");
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
        (StatusCode::SERVICE_UNAVAILABLE, "not ok; see /status\n").into_response()
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> Response {
    Json(admin.engine.status().await).into_response()
}

async fn reload(State(admin): State<Arc<Admin>>) -> Response {
    match admin.engine.reload(ReloadRequest::default()).await {
        Ok(outcome) if outcome.is_refused() => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(outcome)).into_response()
        }
        Ok(outcome) => Json(outcome).into_response(),
        Err(error) => stopping(error),
    }
}

async fn plan(State(admin): State<Arc<Admin>>) -> Response {
    admin.engine.preview().await.map_or_else(stopping, |preview| Json(preview).into_response())
}

/// Takes the lines of a dead letter file.
async fn replay(State(admin): State<Arc<Admin>>, lines: String) -> Response {
    admin.engine.replay(&lines).await.map_or_else(stopping, |outcome| Json(outcome).into_response())
}

fn stopping(error: Stopping) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, &error)
}

fn problem(status: StatusCode, title: &dyn std::fmt::Display) -> Response {
    let problem = Problem { status: status.as_u16(), title: title.to_string() };
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
}
