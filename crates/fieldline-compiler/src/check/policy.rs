//! What a sink's buffer, retry and batch may not be.

use fieldline_core::policy::{BufferKind, SinkPolicy};

use crate::diagnostics::Diagnostics;
use crate::nodes::spec::NodeSpec;
use crate::text::files::Span;
use crate::text::node::Node;

/// The least bytes of a disk buffer: room for one segment and its successor.
const MIN_DISK: u64 = 1 << 20;

/// Checks the driver's fields of a sink.
pub(crate) fn check(spec: &NodeSpec, policy: &SinkPolicy, diagnostics: &mut Diagnostics) {
    let member = |block: &str, field: &str| spec.policy.get(block).and_then(|block| block.get(field));
    let place = |block: &str, field: &str| member(block, field).map_or(spec.span, |node| node.span);
    let buffer = &policy.buffer;
    match (buffer.kind, buffer.max_size) {
        (BufferKind::Disk, None) => {
            diagnostics.unbounded_disk_buffer(place("buffer", "type"));
        }
        (BufferKind::Disk, Some(size)) if size.0 < MIN_DISK => {
            diagnostics.buffer_too_small(place("buffer", "max_size"), &size.to_string());
        }
        (BufferKind::Memory, Some(size)) if size.0 == 0 => {
            diagnostics.buffer_too_small(place("buffer", "max_size"), &size.to_string());
        }
        _ => {}
    }
    let (foreign, kind): (&[&str], _) = match buffer.kind {
        BufferKind::Disk => (&["max_events"], "memory"),
        BufferKind::Memory => (&["sync_interval", "priority", "budget"], "disk"),
    };
    for field in foreign {
        if let Some(node) = member("buffer", field) {
            diagnostics.not_of_this_buffer(node.span, field, kind);
        }
    }
    let budget = member("buffer", "budget");
    let counts: [(Option<u64>, Option<&Node>, &str); 5] = [
        (
            buffer.budget.as_ref().and_then(|budget| budget.syncs),
            budget.and_then(|budget| budget.get("syncs")),
            "syncs",
        ),
        (policy.max_rate.map(u64::from), spec.policy.get("max_rate"), "max_rate"),
        (buffer.max_events.map(|events| events as u64), member("buffer", "max_events"), "max_events"),
        (policy.retry.attempts.map(u64::from), member("retry", "attempts"), "attempts"),
        (Some(policy.batch.max_events as u64), member("batch", "max_events"), "max_events"),
    ];
    for (count, node, field) in counts {
        if count == Some(0) {
            diagnostics.at_least_one(node.map_or(spec.span, |node| node.span), field);
        }
    }
    if policy.retry.initial > policy.retry.max {
        let span: Span = place("retry", "initial");
        diagnostics.retry_reversed(span, &policy.retry.initial.to_string(), &policy.retry.max.to_string());
    }
}
