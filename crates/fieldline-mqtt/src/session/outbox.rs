//! The outbox: every publish from its acceptance to its acknowledgement, in order. It is the truth; what the
//! MQTT library holds is forgotten with each connection and everything unacknowledged is sent again.
//! Pure: no socket, no clock.

use std::collections::{HashMap, VecDeque};

use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use crate::error::{ConnectError, PublishError};
use crate::message::{Publish, QoS};

/// A publish that was sent this often in vain is sent alone, so that a connection that ends can be blamed on it.
const ALONE_AFTER: u32 = 2;
/// A publish that was sent this often in vain is given up.
const GIVEN_UP_AFTER: u32 = 5;

/// The sequence number of the first publish: there is room below it for those that go ahead of the others.
const FIRST: u64 = 1 << 40;

/// A publish that is not acknowledged yet.
pub(crate) struct Entry {
    pub(crate) publish: Publish,
    /// The bytes it takes on the wire.
    pub(crate) size: usize,
    /// Told how it ended.
    pub(crate) receipt: oneshot::Sender<Result<(), PublishError>>,
    /// Whether it is not sent again once nobody waits for it.
    pub(crate) only_while_awaited: bool,
    /// Its share of the outbox, given back when it leaves.
    pub(crate) room: OwnedSemaphorePermit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not given to the library on this connection.
    Waiting,
    /// Given to the library.
    Handed,
    /// On the wire, unacknowledged.
    Written(Instant),
}

struct Slot {
    entry: Option<Entry>,
    stage: Stage,
    /// How many connections ended in a way it may be blamed for.
    attempts: u32,
    sent_before: bool,
}

/// See the module.
pub(crate) struct Outbox {
    slots: VecDeque<Slot>,
    /// The sequence number of `slots[0]`.
    first: u64,
    /// The sequence number of the next publish to hand over.
    next: u64,
    /// Handed over but not written, in the order in which the library will report them.
    handed: VecDeque<u64>,
    /// Handed over or written, at least once, unacknowledged: by the packet id it has or will have.
    unacknowledged: HashMap<u16, u64>,
    bytes: usize,
    length: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            slots: VecDeque::new(),
            first: FIRST,
            next: FIRST,
            handed: VecDeque::new(),
            unacknowledged: HashMap::new(),
            bytes: 0,
            length: 0,
        }
    }
}

/// What became of an acknowledgement.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    Delivered,
    Refused,
    Unknown,
}

impl Outbox {
    /// Takes a publish in; gives back its sequence number.
    pub(crate) fn push(&mut self, entry: Entry) -> u64 {
        let slot = self.slot_for(entry);
        self.slots.push_back(slot);
        self.first + self.slots.len() as u64 - 1
    }

    /// Takes a publish in that goes ahead of all others; for the beginning of a connection, when none is under way.
    pub(crate) fn push_ahead(&mut self, entry: Entry) {
        let slot = self.slot_for(entry);
        self.slots.push_front(slot);
        self.first -= 1;
        self.next = self.first;
    }

    fn slot_for(&mut self, entry: Entry) -> Slot {
        self.bytes += entry.size;
        self.length += 1;
        Slot { entry: Some(entry), stage: Stage::Waiting, attempts: 0, sent_before: false }
    }

    /// Takes a publish out that nobody waits for any more, unless it is on its way to the broker.
    pub(crate) fn withdraw(&mut self, sequence: u64) {
        if self.slot(sequence).is_some_and(|slot| slot.stage == Stage::Waiting) {
            self.finish(sequence, Ok(()));
        }
    }

    /// How many publishes are not acknowledged yet.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether somebody waits for one of them.
    pub(crate) fn is_awaited(&self) -> bool {
        let mut entries = self.slots.iter().filter_map(|slot| slot.entry.as_ref());
        entries.any(|entry| !entry.receipt.is_closed())
    }

    /// How many were handed over or written and need an acknowledgement.
    pub(crate) fn in_flight(&self) -> usize {
        self.unacknowledged.len()
    }

    /// Whether a publish has this packet id or will have it.
    pub(crate) fn uses(&self, packet_id: u16) -> bool {
        self.unacknowledged.contains_key(&packet_id)
    }

    /// The bytes of all publishes in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The publish to hand over next and its size, if `window` allows one more.
    pub(crate) fn next_to_send(&mut self, window: usize) -> Option<(&Publish, usize)> {
        while self.slot(self.next).is_some_and(|slot| slot.entry.is_none()) {
            self.next += 1;
        }
        // The oldest that may be to blame, which has at most one ahead of it.
        let suspect = self.slots.iter().take(2).any(|slot| slot.attempts >= ALONE_AFTER);
        let window = if suspect { 1 } else { window };
        let busy = if suspect { self.in_flight() + self.handed.len() } else { self.in_flight() };
        let entry = self.slot(self.next)?.entry.as_ref()?;
        let fits = (entry.publish.qos == QoS::AtMostOnce && !suspect) || busy < window;
        fits.then_some((&entry.publish, entry.size))
    }

    /// Takes note that the publish from `next_to_send` was handed over and will be written under `packet_id`,
    /// 0 for one at most once. Returns whether it was sent before.
    pub(crate) fn handed_over(&mut self, packet_id: u16) -> bool {
        let sequence = self.next;
        self.next += 1;
        self.handed.push_back(sequence);
        let Some(slot) = self.slot_mut(sequence) else { return false };
        slot.stage = Stage::Handed;
        let again = slot.sent_before;
        if packet_id != 0 {
            self.unacknowledged.insert(packet_id, sequence);
        }
        again
    }

    /// Ends the publish from `next_to_send` without sending it.
    pub(crate) fn reject_next(&mut self, error: PublishError) {
        let sequence = self.next;
        self.next += 1;
        self.finish(sequence, Err(error));
    }

    /// Takes note that the library wrote the publish it was handed first, under `packet_id`. Returns whether
    /// that is the foreseen one.
    pub(crate) fn written(&mut self, packet_id: u16, now: Instant) -> bool {
        let Some(sequence) = self.handed.pop_front() else { return false };
        if packet_id == 0 {
            self.finish(sequence, Ok(()));
            return true;
        }
        if let Some(slot) = self.slot_mut(sequence) {
            slot.stage = Stage::Written(now);
            slot.sent_before = true;
        }
        self.unacknowledged.get(&packet_id) == Some(&sequence)
    }

    /// Ends the publish that was written under `packet_id`.
    pub(crate) fn settled(&mut self, packet_id: u16, outcome: Result<(), PublishError>) -> Settlement {
        let Some(sequence) = self.unacknowledged.remove(&packet_id) else { return Settlement::Unknown };
        let settlement = if outcome.is_ok() { Settlement::Delivered } else { Settlement::Refused };
        self.finish(sequence, outcome);
        settlement
    }

    /// When the longest unacknowledged publish was written.
    pub(crate) fn oldest_written(&self) -> Option<Instant> {
        self.slots.iter().find_map(|slot| match slot.stage {
            Stage::Written(at) if slot.entry.is_some() => Some(at),
            _ => None,
        })
    }

    /// Everything unacknowledged waits again, in its old order, but for publishes that nobody waits for any more; `error`
    /// is absent if we ended the connection. A publish at the head that has now ended several connections on its own is
    /// given up; returns whether one was.
    pub(crate) fn disconnected(&mut self, error: Option<&ConnectError>) -> bool {
        let mut withdrawn = Vec::new();
        for (slot, sequence) in self.slots.iter_mut().zip(self.first..) {
            if matches!(slot.stage, Stage::Written(_)) && error.is_some_and(blames_publish) {
                slot.attempts += 1;
            }
            slot.stage = Stage::Waiting;
            if slot.entry.as_ref().is_some_and(|entry| entry.only_while_awaited && entry.receipt.is_closed())
            {
                withdrawn.push(sequence);
            }
        }
        withdrawn.into_iter().for_each(|sequence| self.finish(sequence, Ok(())));
        self.handed.clear();
        self.unacknowledged.clear();
        self.next = self.first;
        let Some(head) = self.slots.front().filter(|head| head.attempts >= GIVEN_UP_AFTER) else {
            return false;
        };
        let attempts = head.attempts;
        let (Some(error), Some(entry)) = (error, &head.entry) else { return false };
        let error = match error {
            ConnectError::AcknowledgementTimeout { .. } => PublishError::TimedOut { attempts },
            error => {
                let topic = entry.publish.topic.clone();
                PublishError::ClosesConnection { topic, attempts, error: error.clone() }
            }
        };
        self.finish(self.first, Err(error));
        true
    }

    /// Ends every publish with `error`.
    pub(crate) fn abandon(&mut self, error: &PublishError) {
        for slot in self.slots.drain(..) {
            if let Some(entry) = slot.entry {
                entry.end(Err(error.clone()));
            }
        }
        *self = Self::default();
    }

    fn finish(&mut self, sequence: u64, outcome: Result<(), PublishError>) {
        if let Some(entry) = self.slot_mut(sequence).and_then(|slot| slot.entry.take()) {
            self.bytes -= entry.size;
            self.length -= 1;
            entry.end(outcome);
        }
        while self.slots.front().is_some_and(|slot| slot.entry.is_none()) {
            self.slots.pop_front();
            self.first += 1;
        }
        self.next = self.next.max(self.first);
    }

    fn slot(&self, sequence: u64) -> Option<&Slot> {
        self.slots.get(usize::try_from(sequence.checked_sub(self.first)?).ok()?)
    }

    fn slot_mut(&mut self, sequence: u64) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(sequence.checked_sub(self.first)?).ok()?)
    }
}

impl Entry {
    /// Tells whoever waits, and makes room. Nobody may be waiting any more, which is fine.
    fn end(self, outcome: Result<(), PublishError>) {
        drop(self.room);
        let _nobody_waits = self.receipt.send(outcome);
    }
}

/// Whether a publish may be the cause of this end of a connection: the broker hung up or fell silent about
/// it. Never blamed on a message are a dead network, a subscription that was not answered, and reasons that are about
/// the session.
fn blames_publish(error: &ConnectError) -> bool {
    matches!(error, ConnectError::Closed { .. } | ConnectError::AcknowledgementTimeout { .. })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::sync::Semaphore;

    use super::*;

    const WINDOW: usize = 4;

    #[derive(Debug, Clone)]
    enum Step {
        Push {
            at_least_once: bool,
        },
        HandOver,
        Write,
        /// Acknowledges one of those written, not always the oldest.
        Acknowledge(usize),
        Disconnect,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => any::<bool>().prop_map(|at_least_once| Step::Push { at_least_once }),
            6 => Just(Step::HandOver),
            6 => Just(Step::Write),
            4 => (0..WINDOW).prop_map(Step::Acknowledge),
            1 => Just(Step::Disconnect),
        ]
    }

    type Outcome = oneshot::Receiver<Result<(), PublishError>>;

    /// An outbox and the broker and library at its other side, in the simplest form there is.
    struct Simulation {
        outbox: Outbox,
        room: Arc<Semaphore>,
        now: Instant,
        receipts: Vec<Outcome>,
        next_packet_id: u16,
        /// Packet id and number of what the library holds, and of what is on the wire.
        library: VecDeque<(u16, u8)>,
        wire: Vec<(u16, u8)>,
        /// What the broker got on this connection, in order.
        received: Vec<u8>,
        ever_received: Vec<u8>,
    }

    impl Simulation {
        fn new() -> Self {
            Self {
                outbox: Outbox::default(),
                room: Arc::new(Semaphore::new(1_000)),
                now: Instant::now(),
                receipts: Vec::new(),
                next_packet_id: 1,
                library: VecDeque::new(),
                wire: Vec::new(),
                received: Vec::new(),
                ever_received: Vec::new(),
            }
        }

        fn apply(&mut self, step: &Step) {
            match step {
                Step::Push { at_least_once } => {
                    let number = u8::try_from(self.receipts.len()).expect("few steps");
                    let qos = if *at_least_once { QoS::AtLeastOnce } else { QoS::AtMostOnce };
                    let (receipt, outcome) = oneshot::channel();
                    let room = Arc::clone(&self.room).try_acquire_owned().expect("room");
                    let publish = Publish { qos, ..Publish::new("a", vec![number]) };
                    self.outbox.push(Entry { publish, size: 1, receipt, room, only_while_awaited: true });
                    self.receipts.push(outcome);
                }
                Step::HandOver => {
                    if self.outbox.uses(self.next_packet_id) {
                        return;
                    }
                    let Some((publish, _size)) = self.outbox.next_to_send(WINDOW) else { return };
                    let number = publish.payload[0];
                    let packet_id = if publish.qos == QoS::AtLeastOnce { self.next_packet_id } else { 0 };
                    if packet_id != 0 {
                        self.next_packet_id = self.next_packet_id % (WINDOW as u16 + 1) + 1;
                    }
                    self.outbox.handed_over(packet_id);
                    self.library.push_back((packet_id, number));
                }
                Step::Write => {
                    let Some((packet_id, number)) = self.library.pop_front() else { return };
                    assert!(self.outbox.written(packet_id, self.now), "foreseen");
                    self.received.push(number);
                    self.ever_received.push(number);
                    if packet_id != 0 {
                        self.wire.push((packet_id, number));
                    }
                }
                Step::Acknowledge(index) => {
                    if *index < self.wire.len() {
                        let (packet_id, _number) = self.wire.remove(*index);
                        assert_eq!(self.outbox.settled(packet_id, Ok(())), Settlement::Delivered);
                    }
                }
                Step::Disconnect => {
                    // A reason no message is blamed for.
                    self.outbox.disconnected(Some(&ConnectError::KeepAlive));
                    self.library.clear();
                    self.wire.clear();
                    self.received.clear();
                    self.next_packet_id = 1;
                }
            }
            assert!(self.received.is_sorted(), "out of order: {:?}", self.received);
            assert!(self.outbox.in_flight() <= WINDOW);
        }
    }

    #[test]
    fn a_message_is_blamed_only_for_connections_it_was_alone_on() {
        let mut simulation = Simulation::new();
        for _ in 0..3 {
            simulation.apply(&Step::Push { at_least_once: true });
        }
        let hang_up = ConnectError::Closed { reason: "test".to_owned() };
        let send_and_hang_up = |simulation: &mut Simulation| {
            for _ in 0..3 {
                simulation.apply(&Step::HandOver);
                simulation.apply(&Step::Write);
            }
            let received = std::mem::take(&mut simulation.received);
            simulation.outbox.disconnected(Some(&hang_up));
            simulation.apply(&Step::Disconnect);
            received
        };
        assert_eq!(send_and_hang_up(&mut simulation), [0, 1, 2]);
        assert_eq!(send_and_hang_up(&mut simulation), [0, 1, 2]);
        // From here on they are sent one by one; the first is innocent, the second is not.
        for step in [Step::HandOver, Step::Write, Step::HandOver, Step::Write, Step::Acknowledge(0)] {
            simulation.apply(&step);
        }
        assert_eq!(simulation.received, [0]);
        simulation.received.clear();
        for _ in 0..3 {
            assert_eq!(send_and_hang_up(&mut simulation), [1]);
        }
        assert_eq!(simulation.receipts[0].try_recv(), Ok(Ok(())));
        let blamed = PublishError::ClosesConnection { topic: "a".to_owned(), attempts: 5, error: hang_up };
        assert_eq!(simulation.receipts[1].try_recv(), Ok(Err(blamed)));
        assert_eq!(simulation.outbox.len(), 1, "the third is still to be sent");
    }

    #[test]
    fn messages_go_together_again_once_the_suspicious_ones_are_acknowledged() {
        let mut simulation = Simulation::new();
        (0..6).for_each(|_| simulation.apply(&Step::Push { at_least_once: true }));
        for _ in 0..2 {
            for step in [Step::HandOver, Step::Write, Step::HandOver, Step::Write] {
                simulation.apply(&step);
            }
            simulation.outbox.disconnected(Some(&ConnectError::Closed { reason: "test".to_owned() }));
            simulation.apply(&Step::Disconnect);
        }
        for expected in [1, 1, 4] {
            (0..WINDOW).for_each(|_| simulation.apply(&Step::HandOver));
            assert_eq!(simulation.outbox.in_flight(), expected);
            for step in [Step::Write, Step::Acknowledge(0)] {
                simulation.apply(&step);
            }
        }
    }

    #[test]
    fn a_message_nobody_waits_for_is_taken_back_unless_it_is_on_its_way() {
        let mut simulation = Simulation::new();
        (0..3).for_each(|_| simulation.apply(&Step::Push { at_least_once: true }));
        simulation.apply(&Step::HandOver);
        simulation.apply(&Step::Write);
        let kept = simulation.receipts.remove(2);
        simulation.receipts.clear();
        simulation.outbox.withdraw(FIRST);
        simulation.outbox.withdraw(FIRST + 1);
        assert_eq!(simulation.outbox.len(), 2, "the first is on its way, the second is gone");
        simulation.apply(&Step::Disconnect);
        assert_eq!(simulation.outbox.len(), 1, "and it is not sent again");
        for step in [Step::HandOver, Step::Write, Step::Acknowledge(0)] {
            simulation.apply(&step);
        }
        assert_eq!(simulation.ever_received, [0, 2]);
        simulation.receipts.push(kept);
        assert_eq!(simulation.receipts[0].try_recv(), Ok(Ok(())));
        assert_eq!(simulation.room.available_permits(), 1_000, "all room is given back");
    }

    proptest! {
        #[test]
        fn whatever_happens_every_message_arrives_in_order(steps in prop::collection::vec(step(), 0..150)) {
            let mut simulation = Simulation::new();
            for step in &steps {
                simulation.apply(step);
            }
            while simulation.outbox.len() > 0 {
                for step in [Step::HandOver, Step::Write, Step::Acknowledge(0)] {
                    simulation.apply(&step);
                }
            }
            for (number, receipt) in simulation.receipts.iter_mut().enumerate() {
                prop_assert_eq!(receipt.try_recv(), Ok(Ok(())));
                let number = u8::try_from(number).expect("few steps");
                prop_assert!(simulation.ever_received.contains(&number));
            }
            prop_assert_eq!(simulation.outbox.bytes(), 0);
            prop_assert_eq!(simulation.room.available_permits(), 1_000, "all room is given back");
        }
    }
}
