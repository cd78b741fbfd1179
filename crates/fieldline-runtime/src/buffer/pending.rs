//! [`Pending`]: receipts of events that are in the log and not yet safe there.

use std::collections::VecDeque;

use fieldline_core::{Outcome, Receipt};

/// Receipts by the sequence of their record, ascending.
#[derive(Default)]
pub(crate) struct Pending(VecDeque<(u64, Receipt)>);

impl Pending {
    /// Adds the receipt of the newest record.
    pub(crate) fn push(&mut self, sequence: u64, receipt: Receipt) {
        self.0.push_back((sequence, receipt));
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a source stands still until one of them is settled.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.iter().any(|(_, receipt)| receipt.is_awaited())
    }

    /// Everything up to and including `upto` is safe on disk, or settled: its sources hear so.
    pub(crate) fn settle(&mut self, upto: u64) {
        while self.0.front().is_some_and(|(sequence, _)| *sequence <= upto) {
            if let Some((_, receipt)) = self.0.pop_front() {
                receipt.settle(Outcome::Delivered);
            }
        }
    }
}

impl Drop for Pending {
    /// What was never made safe may be on disk or not; who can send it again should.
    fn drop(&mut self) {
        for (_, receipt) in self.0.drain(..) {
            receipt.settle(Outcome::Retryable);
        }
    }
}
