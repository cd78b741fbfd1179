//! The runtime's status as the API tells it.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldline_api as api;
use fieldline_compiler::NodeId;
use fieldline_core::{Balance, Kind, Value, rfc3339};
use fieldline_runtime as runtime;
use fieldline_runtime::NodeState;

use crate::failing::Unwell;

/// A running program as the API tells it.
pub(crate) fn program(
    status: &runtime::Status,
    unwell: &BTreeMap<NodeId, Unwell>,
    clock: api::ClockStatus,
) -> api::ProgramStatus {
    api::ProgramStatus {
        generation: status.generation,
        config: status.fingerprint.to_string(),
        applied_at: rfc3339(status.applied_at),
        ready: status.is_ready() && !unwell.values().any(|one| one.is_failing),
        healthy: status.is_healthy(),
        clock,
        nodes: status.nodes.iter().map(|one| node(one, unwell.get(&one.id))).collect(),
        unused_buffers: status.unused_buffers.iter().map(unused_buffer).collect(),
    }
}

fn node(node: &runtime::NodeStatus, unwell: Option<&Unwell>) -> api::NodeStatus {
    let (state, error) = match (&node.state, unwell) {
        (NodeState::Running, Some(unwell)) => {
            let state = if unwell.is_failing { api::NodeState::Failing } else { api::NodeState::Degraded };
            (state, Some(unwell.error.as_str()))
        }
        (NodeState::Retrying { error, .. }, Some(_)) => (api::NodeState::Failing, Some(error.as_str())),
        (other, _) => state(other),
    };
    api::NodeStatus {
        node: node.id.as_str().to_owned(),
        kind: kind(node.kind),
        component: node.component.to_owned(),
        state,
        error: error.map(str::to_owned),
        restarts: node.restarts,
        balance: balance(&node.balance),
        memory: node.memory.as_ref().map(memory),
        buffer: node.buffer.as_ref().map(buffer),
        settings: node.settings.iter().map(setting).collect(),
    }
}

fn kind(kind: Kind) -> api::Kind {
    match kind {
        Kind::Connection => api::Kind::Connection,
        Kind::Source => api::Kind::Source,
        Kind::Transform => api::Kind::Transform,
        Kind::Sink => api::Kind::Sink,
    }
}

fn state(state: &NodeState) -> (api::NodeState, Option<&str>) {
    match state {
        NodeState::Starting => (api::NodeState::Starting, None),
        NodeState::Running => (api::NodeState::Running, None),
        NodeState::Retrying { error, .. } => (api::NodeState::Retrying, Some(error)),
        NodeState::Failed(error) => (api::NodeState::Failed, Some(error)),
        NodeState::Finished => (api::NodeState::Finished, None),
    }
}

fn balance(balance: &Balance) -> api::Balance {
    let reason = |(&(door, reason), &count): (&(&str, &str), &u64)| api::Reason {
        door: door.to_owned(),
        reason: reason.to_owned(),
        count,
    };
    api::Balance {
        received: balance.received,
        created: balance.created,
        delivered: balance.delivered,
        filtered: balance.filtered,
        absorbed: balance.absorbed,
        dead_lettered: balance.dead_lettered,
        dropped: balance.dropped,
        expired: balance.expired,
        lost: balance.lost,
        in_flight: i64::try_from(balance.in_flight()).unwrap_or(i64::MAX),
        reasons: balance.reasons.iter().map(reason).collect(),
    }
}

fn memory(memory: &runtime::MemoryStatus) -> api::Memory {
    api::Memory {
        what: memory.what.to_owned(),
        kept: memory.is_kept,
        saved_at: memory.saved_at.map(rfc3339),
        fault: memory.fault.clone(),
    }
}

fn buffer(buffer: &runtime::BufferStatus) -> api::Buffer {
    let usage = |wear: runtime::WearStatus| api::DiskUsage {
        written_bytes: wear.bytes_written,
        syncs: wear.syncs,
        written_bytes_today: wear.bytes_today,
        syncs_today: wear.syncs_today,
        over_budget: wear.is_over_budget,
        card_free_bytes: buffer.card.map(|card| card.free),
        card_short: buffer.card.is_some_and(|card| card.is_short),
    };
    api::Buffer {
        records: buffer.records,
        bytes: buffer.bytes,
        overflow_bytes: buffer.overflow,
        oldest_seconds: buffer.oldest.map(|age| age.as_secs()),
        sink_fails_for_seconds: buffer.outage.map(|outage| outage.lasts.as_secs()),
        disk: buffer.wear.map(usage),
    }
}

fn setting(setting: &runtime::SettingStatus) -> api::Setting {
    let json = |value: &Value| serde_json::to_value(value).unwrap_or_default();
    api::Setting {
        name: setting.name.to_owned(),
        value: json(&setting.value),
        configured: json(&setting.configured),
        seconds_left: setting.left.as_ref().map(Duration::as_secs),
    }
}

fn unused_buffer(buffer: &runtime::UnusedBuffer) -> api::UnusedBuffer {
    api::UnusedBuffer {
        node: buffer.node.as_str().to_owned(),
        folder: buffer.folder.display().to_string(),
        records: buffer.records,
        bytes: buffer.bytes,
    }
}
