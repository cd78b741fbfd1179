//! [`Books`]: a ledger's counters on disk, so that the account of a sink with a disk buffer goes on over restarts.
//! Saved when the sink stops and once an hour, which is 48 fsyncs a day; a crash costs the hour's counts.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fieldline_core::{Balance, Ledger};
use fieldline_store::{Checkpoint, Storage};

/// How often the books are saved while counts change.
pub(crate) const SAVE_INTERVAL: Duration = Duration::from_secs(3600);

/// The shape of what is saved.
const VERSION: u32 = 1;

/// How many counters there are: received, created and the seven doors.
const COUNTERS: usize = 9;

/// What a buffer held when it was closed in order.
#[derive(Clone, Copy)]
pub(crate) struct Kept {
    /// The last sequence that had come to its end.
    pub(crate) settled: u64,
    /// How many records waited behind it.
    pub(crate) records: u64,
}

/// Where one ledger is kept. All methods block.
pub(crate) struct Books {
    checkpoint: Checkpoint,
    path: PathBuf,
}

impl Books {
    /// The books in the file `path`; nothing is read yet.
    pub(crate) fn new(storage: Arc<dyn Storage>, path: PathBuf) -> Self {
        Books { checkpoint: Checkpoint::new(storage, &path), path }
    }

    /// Adds what was saved to `ledger`, and returns what the buffer held if it was closed in order. What cannot be read
    /// is left out, and named.
    pub(crate) fn restore(&self, ledger: &Ledger) -> Option<Kept> {
        match self.checkpoint.load() {
            Ok(Some(saved)) if saved.version == VERSION => match decode(&saved.payload) {
                Some((balance, kept)) => {
                    ledger.restore(&balance);
                    return kept;
                }
                None => {
                    tracing::warn!(path = %self.path.display(), "saved counters are damaged; they begin with 0")
                }
            },
            Ok(Some(saved)) => {
                tracing::warn!(path = %self.path.display(), version = saved.version, "saved counters are of a newer program; they begin with 0");
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "saved counters cannot be read; they begin with 0"),
        }
        None
    }

    /// Saves the counters of `ledger`; with what the buffer holds if nothing follows.
    pub(crate) fn save(&self, ledger: &Ledger, kept: Option<Kept>) {
        if let Err(error) = self.checkpoint.save(VERSION, &encode(&ledger.balance(), kept)) {
            tracing::warn!(%error, "counters cannot be saved");
        }
    }
}

fn encode(balance: &Balance, kept: Option<Kept>) -> Vec<u8> {
    let counters: [u64; COUNTERS] = [
        balance.received,
        balance.created,
        balance.delivered,
        balance.filtered,
        balance.absorbed,
        balance.dead_lettered,
        balance.dropped,
        balance.expired,
        balance.lost,
    ];
    let kept = kept.into_iter().flat_map(|kept| [kept.settled, kept.records]);
    counters.into_iter().chain(kept).flat_map(u64::to_le_bytes).collect()
}

fn decode(bytes: &[u8]) -> Option<(Balance, Option<Kept>)> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    let counters: Vec<u64> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
    let [received, created, delivered, filtered, absorbed, dead_lettered, dropped, expired, lost] =
        *counters.first_chunk::<COUNTERS>().filter(|_| rest.is_empty())?;
    let kept = match counters[COUNTERS..] {
        [] => None,
        [settled, records] => Some(Kept { settled, records }),
        _ => return None,
    };
    let reasons = Default::default();
    let balance = Balance {
        received,
        created,
        delivered,
        filtered,
        absorbed,
        dead_lettered,
        dropped,
        expired,
        lost,
        reasons,
    };
    Some((balance, kept))
}
