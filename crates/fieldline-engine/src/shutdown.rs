//! The end of an engine: when it comes, and the events that are lost by then.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use fieldline_compiler::NodeId;
use fieldline_core::Balance;
use fieldline_runtime::{NodeStatus, Runtime, View};
use tokio::sync::watch;

/// Waits for the stop; for ever, where nobody can tell of one any more.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        pending().await
    }
}

/// Counts the events that do not get where they should.
pub(crate) struct Toll {
    view: View,
    /// What nodes with a disk buffer had lost or put into the dead letter before this run.
    before: BTreeMap<NodeId, u64>,
}

impl Toll {
    /// Counts from now on.
    pub(crate) fn new(view: View) -> Self {
        // Events may have failed already; only what a disk buffer remembers is of an earlier run.
        let is_on_disk = |node: &NodeStatus| node.buffer.as_ref().is_some_and(|buffer| buffer.wear.is_some());
        let remembered = view.status().nodes.into_iter().filter(is_on_disk);
        let before =
            remembered.map(|node| (node.id, node.balance.lost + node.balance.dead_lettered)).collect();
        Toll { view, before }
    }

    /// Lets everything run empty for at most `grace`. Says, and gives back, how many events that has lost; of a program
    /// that `has_finished` how many it has lost or put into the dead letter since it started.
    pub(crate) async fn drain(self, runtime: &mut Runtime, grace: Duration, has_finished: bool) -> u64 {
        let lost_before = counts(&self.view, |balance| balance.lost);
        let units = runtime.stop(grace).await.cut_off.len();
        let lost = since(&lost_before, counts(&self.view, |balance| balance.lost));
        for (node, events) in &lost {
            tracing::error!(%node, events, "events could not be sent before the stop and are lost here");
        }
        let mut events = lost.values().sum::<u64>();
        match (units, events) {
            (0, 0) => tracing::info!("stopped; everything was drained"),
            _ => tracing::warn!(units, events, "stopped; not everything could be drained in time"),
        }
        if has_finished {
            let failed = counts(&self.view, |balance| balance.lost + balance.dead_lettered);
            let failed = since(&self.before, failed);
            for (node, events) in &failed {
                tracing::error!(%node, events, "events were lost or put into the dead letter in this run");
            }
            events = failed.values().sum();
        }
        events
    }
}

/// A number of each node.
fn counts(view: &View, count: impl Fn(&Balance) -> u64) -> BTreeMap<NodeId, u64> {
    view.status().nodes.into_iter().map(|node| (node.id, count(&node.balance))).collect()
}

/// What has grown, and by how much.
fn since(before: &BTreeMap<NodeId, u64>, after: BTreeMap<NodeId, u64>) -> BTreeMap<NodeId, u64> {
    let grown = after.into_iter().map(|(node, count)| {
        let grown = count.saturating_sub(before.get(&node).copied().unwrap_or(0));
        (node, grown)
    });
    grown.filter(|(_, grown)| *grown > 0).collect()
}
