//! [`Carried`]: what a unit that ends leaves to the next plan.

use std::collections::BTreeMap;

use fieldline_compiler::NodeId;
use fieldline_core::{Event, Transform};

use super::latest::Latest;
use super::retired::Retired;

/// What a unit that ends leaves to the next plan.
#[derive(Default)]
pub(crate) struct Carried {
    /// Transforms with the state they have, or to be taken over by the next version.
    pub(crate) transforms: BTreeMap<NodeId, Box<dyn Transform>>,
    /// The latest values beside events, and what waits for one, by the node that reads them.
    pub(crate) latest: BTreeMap<NodeId, Latest>,
    /// Events by the node they wait at, on whose books they are.
    pub(crate) waiting: BTreeMap<NodeId, Vec<Event>>,
    /// How many events went to the dead letter or were dropped with each sink that could not send them.
    pub(crate) given_up: BTreeMap<NodeId, u64>,
    /// Sources that have ended, and not yet heard what became of all their batches.
    pub(crate) retired: Vec<Retired>,
}

impl Carried {
    /// Adds what another unit leaves.
    pub(crate) fn extend(&mut self, other: Carried) {
        self.transforms.extend(other.transforms);
        self.latest.extend(other.latest);
        self.waiting.extend(other.waiting);
        self.given_up.extend(other.given_up);
        self.retired.extend(other.retired);
    }
}
