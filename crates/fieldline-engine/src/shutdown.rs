//! The end of an engine: when it comes, and the events that it loses.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use fieldline_compiler::NodeId;
use fieldline_runtime::{Runtime, View};
use tokio::sync::watch;

/// Waits for the stop; for ever, where nobody can tell of one any more.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        pending().await
    }
}

/// Lets everything run empty for at most `grace`; says, and gives back, how many events that has lost.
pub(crate) async fn drain(runtime: &mut Runtime, view: &View, grace: Duration) -> u64 {
    let before = lost(view);
    let units = runtime.stop(grace).await.cut_off.len();
    let mut events = 0;
    for (node, after) in lost(view) {
        let gone = after.saturating_sub(before.get(&node).copied().unwrap_or(0));
        if gone > 0 {
            tracing::error!(%node, events = gone, "events could not be sent before the stop and are lost here");
        }
        events += gone;
    }
    match (units, events) {
        (0, 0) => tracing::info!("stopped; everything was drained"),
        _ => tracing::warn!(units, events, "stopped; not everything could be drained in time"),
    }
    events
}

/// How many events each node has lost.
fn lost(view: &View) -> BTreeMap<NodeId, u64> {
    view.status().nodes.into_iter().map(|node| (node.id, node.balance.lost)).collect()
}
