//! The order of acknowledgements: the protocol demands PUBACKs in the order in which the messages came, so
//! one that is settled early waits for those before it. Pure.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::acknowledge::Arrived;

#[derive(Debug)]
struct Slot {
    packet_id: u16,
    /// How many holders of the message have not acknowledged it.
    holders: usize,
    /// Since when it is certain that a holder never will.
    abandoned: Option<Instant>,
}

/// The messages of one connection that are not acknowledged yet, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgements {
    connection: u64,
    slots: VecDeque<Slot>,
    first: u64,
}

impl Acknowledgements {
    /// Starts over on a new connection.
    pub(crate) fn connected(&mut self, connection: u64) {
        self.connection = connection;
        self.slots.clear();
        self.first = 0;
    }

    /// Takes note of a message that `holders` will acknowledge.
    pub(crate) fn arrived(&mut self, packet_id: u16, holders: usize) -> Arrived {
        self.slots.push_back(Slot { packet_id, holders, abandoned: None });
        Arrived { connection: self.connection, sequence: self.first + self.slots.len() as u64 - 1 }
    }

    /// Takes note that one holder is done.
    pub(crate) fn acknowledge(&mut self, arrived: Arrived) {
        if let Some(slot) = self.slot(arrived) {
            slot.holders = slot.holders.saturating_sub(1);
        }
    }

    /// Takes note that one holder will never be done.
    pub(crate) fn abandon(&mut self, arrived: Arrived, now: Instant) {
        if let Some(slot) = self.slot(arrived) {
            slot.abandoned.get_or_insert(now);
        }
    }

    /// The oldest message, once all of its holders are done with it.
    pub(crate) fn ready(&self) -> Option<u16> {
        self.slots.front().filter(|slot| slot.holders == 0).map(|slot| slot.packet_id)
    }

    /// Forgets the message from `ready`, as its acknowledgement is on its way.
    pub(crate) fn sent(&mut self) {
        if self.slots.pop_front().is_some() {
            self.first += 1;
        }
    }

    /// Since when the oldest message, for which all later ones wait, is known never to be acknowledged.
    pub(crate) fn stuck_since(&self) -> Option<Instant> {
        self.slots.front().and_then(|slot| slot.abandoned)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    fn slot(&mut self, arrived: Arrived) -> Option<&mut Slot> {
        if arrived.connection != self.connection {
            return None;
        }
        self.slots.get_mut(usize::try_from(arrived.sequence.checked_sub(self.first)?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(acknowledgements: &mut Acknowledgements) -> Vec<u16> {
        let mut sent = Vec::new();
        while let Some(packet_id) = acknowledgements.ready() {
            acknowledgements.sent();
            sent.push(packet_id);
        }
        sent
    }

    #[test]
    fn a_message_is_acknowledged_once_all_of_its_holders_are_done() {
        let mut acknowledgements = Acknowledgements::default();
        let arrived = acknowledgements.arrived(7, 2);
        acknowledgements.acknowledge(arrived);
        assert_eq!(drain(&mut acknowledgements), []);
        acknowledgements.acknowledge(arrived);
        assert_eq!(drain(&mut acknowledgements), [7]);
        assert!(acknowledgements.is_empty());
    }

    #[test]
    fn an_acknowledgement_from_before_a_reconnection_is_void() {
        let mut acknowledgements = Acknowledgements::default();
        let old = acknowledgements.arrived(1, 1);
        acknowledgements.connected(1);
        acknowledgements.arrived(1, 1);
        acknowledgements.acknowledge(old);
        assert_eq!(drain(&mut acknowledgements), []);
    }

    proptest! {
        #[test]
        fn acknowledgements_leave_in_the_order_of_arrival(order in Just((0..20_usize).collect::<Vec<_>>()).prop_shuffle()) {
            let mut acknowledgements = Acknowledgements::default();
            let arrived: Vec<Arrived> = (0..20).map(|packet_id| acknowledgements.arrived(packet_id, 1)).collect();
            let mut sent = Vec::new();
            let mut done = [false; 20];
            for index in order {
                acknowledgements.acknowledge(arrived[index]);
                done[index] = true;
                sent.extend(drain(&mut acknowledgements));
                let expected = done.iter().take_while(|done| **done).count();
                prop_assert_eq!(sent.len(), expected);
            }
            prop_assert_eq!(sent, (0..20).collect::<Vec<u16>>());
        }
    }
}
