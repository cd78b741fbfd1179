//! The fields of a sink or source that belong to its driver: how it buffers, retries and batches, and numbers events.

use fieldline_core::Kind;
use fieldline_core::policy::{BufferKind, SinkPolicy, SourcePolicy};
use fieldline_core::read::read;

use crate::diagnostics::Diagnostics;
use crate::nodes::fields::Fields;
use crate::nodes::spec::NodeSpec;
use crate::nodes::typed::read_all;
use crate::text::files::{FileSet, Span};
use crate::text::node::Node;

/// The least bytes of a disk buffer: room for one segment and its successor.
const MIN_DISK: u64 = 1 << 20;

/// What is set on a sink; the default for every other kind.
pub(crate) fn of_sink(spec: &NodeSpec, files: &FileSet, diagnostics: &mut Diagnostics) -> Option<SinkPolicy> {
    if spec.kind != Kind::Sink {
        return Some(SinkPolicy::default());
    }
    let cx = Fields::of(&spec.policy, files);
    let policy =
        read_all(spec, &spec.policy, "a sink", &cx, diagnostics, |value| read::<SinkPolicy>(value, &cx))?;
    check(spec, &policy, diagnostics);
    Some(policy)
}

/// What is set on a source; the default for every other kind.
pub(crate) fn of_source(
    spec: &NodeSpec,
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) -> Option<SourcePolicy> {
    if spec.kind != Kind::Source {
        return Some(SourcePolicy::default());
    }
    let cx = Fields::of(&spec.policy, files);
    read_all(spec, &spec.policy, "a source", &cx, diagnostics, |value| read::<SourcePolicy>(value, &cx))
}

/// Complains about what a sink's buffer, retry and batch may not be.
fn check(spec: &NodeSpec, policy: &SinkPolicy, diagnostics: &mut Diagnostics) {
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
