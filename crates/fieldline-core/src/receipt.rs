//! [`Receipt`]: who must hear what became of an event.
//!
//! A source hands over events in batches; every copy of every event of a batch carries a share of one
//! receipt. When the last share is settled the source hears the worst outcome. A share that is dropped
//! without being settled reports [`Outcome::Lost`]: silence is never taken for success.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// What became of an event, best first; of several copies the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// It came to a good end: delivered, filtered, absorbed, dead-lettered, or dropped by a policy.
    Delivered,
    /// It was not delivered now and may be offered again.
    Retryable,
    /// It will never be accepted, and there was no dead letter to put it into.
    Rejected,
    /// Nobody knows: it was dropped without a word, by a bug, a panic or an abort.
    Lost,
}

/// Hears of batches that are settled. Called from whatever thread drops the last share, so it must not block.
pub trait Settle: Send + Sync {
    /// Every share of `batch` is settled, the worst of them as `outcome`.
    fn settled(&self, batch: u64, outcome: Outcome);

    /// Whether the source can give nothing more until something is settled. A disk buffer that gathers events
    /// before it makes them safe does so at once then.
    fn is_waiting(&self) -> bool {
        false
    }
}

struct Shares {
    batch: u64,
    open: AtomicUsize,
    worst: AtomicU8,
    source: Arc<dyn Settle>,
}

/// One share of the duty to report. Not `Clone`: [`Receipt::share`] says what it does.
#[derive(Default)]
pub struct Receipt(Owed);

#[derive(Default)]
enum Owed {
    #[default]
    Nothing,
    One(Arc<Shares>),
    Many(Vec<Arc<Shares>>),
}

impl Receipt {
    /// A receipt nobody waits for: the source cannot send again anyway.
    pub fn untracked() -> Self {
        Receipt(Owed::Nothing)
    }

    /// The first share of `batch`; `source` hears when it and all its copies are settled.
    pub fn tracked(batch: u64, source: Arc<dyn Settle>) -> Self {
        let shares = Shares { batch, open: AtomicUsize::new(1), worst: AtomicU8::new(0), source };
        Receipt(Owed::One(Arc::new(shares)))
    }

    /// One more share of the same duty.
    #[must_use]
    pub fn share(&self) -> Self {
        match &self.0 {
            Owed::Nothing => Receipt::untracked(),
            Owed::One(shares) => {
                shares.open.fetch_add(1, Ordering::Relaxed);
                Receipt(Owed::One(shares.clone()))
            }
            Owed::Many(all) => {
                for shares in all {
                    shares.open.fetch_add(1, Ordering::Relaxed);
                }
                Receipt(Owed::Many(all.clone()))
            }
        }
    }

    /// Takes over the duty of `other`: one outcome will settle both.
    pub fn merge(&mut self, mut other: Receipt) {
        let mut all = self.take_all();
        all.extend(other.take_all());
        self.0 = match all.len() {
            0 => Owed::Nothing,
            1 => Owed::One(all.remove(0)),
            _ => Owed::Many(all),
        };
    }

    /// Whether a source stands still until this is settled.
    pub fn is_awaited(&self) -> bool {
        match &self.0 {
            Owed::Nothing => false,
            Owed::One(shares) => shares.source.is_waiting(),
            Owed::Many(all) => all.iter().any(|shares| shares.source.is_waiting()),
        }
    }

    /// Reports `outcome` for this share.
    pub fn settle(mut self, outcome: Outcome) {
        self.settle_all(outcome);
    }

    fn take_all(&mut self) -> Vec<Arc<Shares>> {
        match std::mem::take(&mut self.0) {
            Owed::Nothing => Vec::new(),
            Owed::One(shares) => vec![shares],
            Owed::Many(all) => all,
        }
    }

    fn settle_all(&mut self, outcome: Outcome) {
        match std::mem::take(&mut self.0) {
            Owed::Nothing => {}
            Owed::One(shares) => shares.settle(outcome),
            Owed::Many(all) => all.iter().for_each(|shares| shares.settle(outcome)),
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.settle_all(Outcome::Lost);
    }
}

impl Shares {
    fn settle(&self, outcome: Outcome) {
        self.worst.fetch_max(outcome as u8, Ordering::Relaxed);
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.source.settled(self.batch, outcome_of(self.worst.load(Ordering::Acquire)));
        }
    }
}

fn outcome_of(rank: u8) -> Outcome {
    [Outcome::Delivered, Outcome::Retryable, Outcome::Rejected, Outcome::Lost][usize::from(rank.min(3))]
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<(u64, Outcome)>>);

    impl Settle for Heard {
        fn settled(&self, batch: u64, outcome: Outcome) {
            self.0.lock().expect("no test panics while it holds this").push((batch, outcome));
        }
    }

    fn heard(test: impl FnOnce(Arc<Heard>)) -> Vec<(u64, Outcome)> {
        let source = Arc::new(Heard::default());
        test(source.clone());
        std::mem::take(&mut source.0.lock().expect("no test panics while it holds this"))
    }

    #[test]
    fn the_worst_share_wins_and_is_heard_once() {
        let all = heard(|source| {
            let receipt = Receipt::tracked(7, source);
            let copy = receipt.share();
            receipt.settle(Outcome::Delivered);
            copy.settle(Outcome::Rejected);
        });
        assert_eq!(all, [(7, Outcome::Rejected)]);
    }

    #[test]
    fn a_share_that_is_dropped_reports_lost() {
        let all = heard(|source| drop(Receipt::tracked(1, source)));
        assert_eq!(all, [(1, Outcome::Lost)]);
    }

    #[test]
    fn one_outcome_settles_all_that_were_merged() {
        let all = heard(|source| {
            let mut first = Receipt::tracked(1, source.clone());
            first.merge(Receipt::untracked());
            first.merge(Receipt::tracked(2, source));
            let copy = first.share();
            first.settle(Outcome::Delivered);
            copy.settle(Outcome::Delivered);
        });
        assert_eq!(all, [(1, Outcome::Delivered), (2, Outcome::Delivered)]);
    }
}
