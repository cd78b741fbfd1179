//! The admin listener: metrics, health, status and reload, on this machine only unless told otherwise.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use fieldline_core::clock::rfc3339;
use fieldline_runtime::dead_letter::Letter;
use fieldline_runtime::{BufferStatus, MemoryStatus};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::engine::EngineHandle;
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
    let text = telemetry::render(&admin.metrics, &admin.engine.status(), &admin.engine.clock());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn health(State(admin): State<Arc<Admin>>) -> Response {
    answer(admin.engine.status().is_healthy())
}

async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    answer(admin.engine.status().is_ready())
}

fn answer(good: bool) -> Response {
    if good {
        "ok\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ok; see /status\n").into_response()
    }
}

async fn status(State(admin): State<Arc<Admin>>) -> Json<Value> {
    let (status, clock) = (admin.engine.status(), admin.engine.clock());
    let nodes: Vec<Value> = status
        .nodes
        .iter()
        .map(|node| {
            let balance = &node.balance;
            let error = match &node.state {
                fieldline_runtime::NodeState::Retrying { error, .. }
                | fieldline_runtime::NodeState::Failed(error) => Some(error),
                _ => None,
            };
            json!({
                "node": node.id.as_str(),
                "kind": node.kind.word(),
                "type": node.component,
                "state": node.state.word(),
                "error": error,
                "restarts": node.restarts,
                "received": balance.received,
                "created": balance.created,
                "delivered": balance.delivered,
                "filtered": balance.filtered,
                "absorbed": balance.absorbed,
                "dead_lettered": balance.dead_lettered,
                "dropped": balance.dropped,
                "expired": balance.expired,
                "lost": balance.lost,
                "in_flight": balance.in_flight() as i64,
                "memory": node.memory.as_ref().map(memory),
                "buffer": node.buffer.as_ref().map(buffer),
                "settings": node.settings.iter().map(|setting| json!({
                    "name": setting.name,
                    "value": setting.value,
                    "configured": setting.configured,
                    "seconds_left": setting.left.map(|left| left.as_secs()),
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    let mut answer = json!({
        "generation": status.generation,
        "config": status.fingerprint.to_string(),
        "applied_at": rfc3339(status.applied_at),
        "ready": status.is_ready(),
        "healthy": status.is_healthy(),
        "clock": {
            "standing": clock.standing.word(),
            "jumps": clock.jumps,
            "last_jump_seconds": clock.last_jump.map(|by| by.as_secs_f64()),
        },
        "nodes": nodes,
        "unused_buffers": status.unused_buffers.iter().map(|buffer| json!({
            "node": buffer.node.as_str(),
            "folder": buffer.folder,
            "records": buffer.records,
            "bytes": buffer.bytes,
        })).collect::<Vec<_>>(),
    });
    if let (Some(answer), Value::Object(files)) = (answer.as_object_mut(), admin.engine.files().await) {
        answer.extend(files);
    }
    Json(answer)
}

/// What a transform remembers, and what of it is on disk.
fn memory(memory: &MemoryStatus) -> Value {
    json!({
        "what": memory.what,
        "kept": memory.is_kept,
        "saved_at": memory.saved_at.map(rfc3339),
        "fault": memory.fault,
    })
}

/// What waits for a sink; `disk` is there only for a buffer on disk.
fn buffer(buffer: &BufferStatus) -> Value {
    let seconds = |time: Duration| time.as_secs();
    json!({
        "records": buffer.records,
        "bytes": buffer.bytes,
        "overflow_bytes": buffer.overflow,
        "oldest_seconds": buffer.oldest.map(seconds),
        "sink_fails_for_seconds": buffer.outage.map(|outage| seconds(outage.lasts)),
        "disk": buffer.wear.map(|wear| json!({
            "written_bytes": wear.bytes_written,
            "syncs": wear.syncs,
            "written_bytes_today": wear.bytes_today,
            "syncs_today": wear.syncs_today,
            "over_budget": wear.is_over_budget,
            "card_free_bytes": buffer.card.map(|card| card.free),
            "card_short": buffer.card.is_some_and(|card| card.is_short),
        })),
    })
}

async fn reload(State(admin): State<Arc<Admin>>) -> Response {
    match admin.engine.reload().await {
        Some(result) => {
            let code = if result.is_refused() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            (code, Json(result.to_json())).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "the program is stopping\n").into_response(),
    }
}

async fn plan(State(admin): State<Arc<Admin>>) -> Response {
    match admin.engine.preview().await {
        Some(preview) => Json(preview).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the program is stopping\n").into_response(),
    }
}

/// Takes the lines of a dead letter file. A line that cannot be read is told and keeps the others from nothing.
async fn replay(State(admin): State<Arc<Admin>>, lines: String) -> Response {
    let mut letters = Vec::new();
    let mut unreadable = Vec::new();
    for (index, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match Letter::read(line) {
            Ok(letter) => letters.push(letter),
            Err(error) => unreadable.push(format!("line {}: {error}", index + 1)),
        }
    }
    match admin.engine.replay(letters).await {
        Some(mut answer) => {
            answer["unreadable"] = json!(unreadable);
            Json(answer).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "the program is stopping\n").into_response(),
    }
}
