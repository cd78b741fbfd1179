//! [`Batches`]: the batches of a source that are on their way; and [`Retired`]: a source that has ended before all of
//! them have. Waiting for them would hold a change as long as some sink is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fieldline_core::{Outcome, Settle, Source};
use futures::FutureExt;
use tokio::sync::{mpsc, watch};

use crate::node::NodeHandle;

/// A source that has ended and is still to hear what became of its batches. It is closed, and gives nothing any more.
pub(crate) struct Retired {
    pub(crate) handle: Arc<NodeHandle>,
    pub(super) source: Box<dyn Source>,
    pub(super) batches: Batches,
    pub(super) rush: Arc<watch::Sender<u64>>,
}

impl Retired {
    /// Tells the source what is known by now; gives it back if more is to come.
    pub(crate) async fn hear(mut self) -> Option<Self> {
        while let Some(settled) = self.batches.settled().now_or_never() {
            let (token, outcome) = settled?;
            settle_with(&mut *self.source, &self.handle, token, outcome).await;
        }
        Some(self)
    }

    /// Tells the source what became of its batches, until it has heard of all.
    pub(crate) async fn settle(mut self) {
        while let Some((token, outcome)) = self.batches.settled().await {
            settle_with(&mut *self.source, &self.handle, token, outcome).await;
            self.rush.send_modify(|turn| *turn = turn.wrapping_add(1));
        }
    }
}

/// The batches of a source that are on their way.
pub(super) struct Batches {
    settle: Arc<Settlements>,
    settled: mpsc::Receiver<(u64, Outcome)>,
    pub(super) in_flight: usize,
}

impl Batches {
    /// None yet, and never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        let (outcomes, settled) = mpsc::channel(most);
        let settle = Arc::new(Settlements { outcomes, is_waiting: AtomicBool::new(false) });
        Batches { settle, settled, in_flight: 0 }
    }

    /// Takes their settlements.
    pub(super) fn settle(&self) -> Arc<dyn Settle> {
        self.settle.clone()
    }

    /// Whether the source can give nothing more until one is settled.
    pub(super) fn note_wait(&self, is_waiting: bool) {
        self.settle.is_waiting.store(is_waiting, Ordering::Relaxed);
    }

    /// The next batch that has ended; `None` when none is on its way. Cancel-safe: a batch counts as ended
    /// when it is given out.
    pub(super) async fn settled(&mut self) -> Option<(u64, Outcome)> {
        if self.in_flight == 0 {
            return None;
        }
        let settled = self.settled.recv().await?;
        self.in_flight -= 1;
        Some(settled)
    }
}

/// Tells a source what became of a batch.
pub(super) async fn settle_with(source: &mut dyn Source, handle: &NodeHandle, token: u64, outcome: Outcome) {
    if let Err(error) = source.settle(token, outcome).await {
        tracing::warn!(node = %handle.node.id, %error, "a batch could not be settled; its sender may send it again");
    }
}

/// Takes settlements from whatever thread they happen on. There is room for every batch in flight.
struct Settlements {
    outcomes: mpsc::Sender<(u64, Outcome)>,
    is_waiting: AtomicBool,
}

impl Settle for Settlements {
    fn settled(&self, batch: u64, outcome: Outcome) {
        let _source_is_gone = self.outcomes.try_send((batch, outcome));
    }

    fn is_waiting(&self) -> bool {
        self.is_waiting.load(Ordering::Relaxed)
    }
}
