//! The filters that the broker may have in our session, also from earlier runs of the program. Who keeps them over a
//! restart lets the session take back what nothing subscribes to any more. Pure but for telling those who watch.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::topic;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Known(watch::Sender<BTreeSet<String>>);

impl Known {
    /// The filters now and their changes from now on.
    pub(crate) fn watch(&self) -> watch::Receiver<BTreeSet<String>> {
        self.0.subscribe()
    }

    /// Takes note of filters that the broker has, or is asked for.
    pub(crate) fn add(&self, filters: impl IntoIterator<Item = String>) {
        self.0.send_if_modified(|known| {
            let before = known.len();
            known.extend(filters);
            known.len() > before
        });
    }

    /// Takes note that the broker does not have `filter`.
    pub(crate) fn remove(&self, filter: &str) {
        self.0.send_if_modified(|known| known.remove(filter));
    }

    /// Takes note that the broker has begun a session without filters.
    pub(crate) fn clear(&self) {
        self.0.send_if_modified(|known| !std::mem::take(known).is_empty());
    }

    /// Whether one of them matches `topic`.
    pub(crate) fn covers(&self, topic: &str) -> bool {
        self.0.borrow().iter().any(|filter| topic::matches(filter, topic))
    }

    /// The filters that `is_wanted` does not hold for.
    pub(crate) fn unwanted(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        self.0.borrow().iter().filter(|filter| !is_wanted(filter)).cloned().collect()
    }
}
