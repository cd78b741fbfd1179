//! [`Event`]: one reading on its way, with what is known about it and who answers for it.

use std::sync::Arc;
use std::time::Instant;

use compact_str::CompactString;
use jiff::Timestamp;

use crate::edge::Edge;
use crate::ledger::{Door, Ledger};
use crate::receipt::{Outcome, Receipt};
use crate::value::{Map, Value};

/// What is known about an event beside its body. Scripts see it as `meta`.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// When the reading was taken, by the wall clock at the source.
    pub time: Timestamp,
    /// The node that brought it in.
    pub source: Arc<str>,
    /// The running number its source gave it, from 1.
    pub sequence: Option<u64>,
    /// The MQTT topic it came from.
    pub topic: Option<Arc<str>>,
    /// Whatever else a component adds, such as `qos`, `retain` or `partition`.
    pub fields: Map,
}

impl Meta {
    /// Metadata with nothing but time and source.
    pub fn new(time: Timestamp, source: Arc<str>) -> Self {
        Meta { time, source, sequence: None, topic: None, fields: Map::default() }
    }

    /// The field `name` as a value: `time`, `source`, `sequence`, `topic`, or one of `fields`.
    pub fn get(&self, name: &str) -> Option<Value> {
        match name {
            "time" => Some(Value::from(crate::clock::rfc3339(self.time))),
            "source" => Some(Value::from(&*self.source)),
            "sequence" => self.sequence.map(|sequence| Value::Int(sequence as i64)),
            "topic" => self.topic.as_deref().map(Value::from),
            _ => self.fields.get(name).cloned(),
        }
    }

    /// Everything as one map, the way scripts and dead letters show it.
    pub fn to_map(&self) -> Map {
        let standard = ["time", "source", "sequence", "topic"];
        let known = standard.iter().filter_map(|name| Some((CompactString::from(*name), self.get(name)?)));
        known.chain(self.fields.iter().map(|(key, value)| (key.clone(), value.clone()))).collect()
    }
}

/// Who answers for an event: the receipt of its source, and the ledger of the node it is in.
#[derive(Default)]
struct Custody {
    receipt: Receipt,
    ledger: Option<Arc<Ledger>>,
    edge: Option<Arc<Edge>>,
    /// It has left by an output that may be unread: where it is, it is dropped for this reason.
    unless_read: Option<&'static str>,
    /// Since when it waits in the buffer of its node.
    waiting_since: Option<Instant>,
}

impl Custody {
    fn new(receipt: Receipt, ledger: Option<Arc<Ledger>>) -> Self {
        Custody { receipt, ledger, edge: None, unless_read: None, waiting_since: None }
    }
}

impl Drop for Custody {
    /// An event that goes without a word is booked as lost where it was, and its receipt says so too.
    fn drop(&mut self) {
        if let Some(ledger) = &self.ledger {
            ledger.leave(Door::Lost);
        }
    }
}

/// One reading on its way through the graph.
///
/// The body is shared between copies and copied only when one of them changes it. An `Event` is not
/// `Clone`: a copy is one more obligation, and is made by [`Event::fork`] or [`Event::derive`].
pub struct Event {
    body: Arc<Value>,
    meta: Arc<Meta>,
    custody: Custody,
}

impl Event {
    /// An event that begins now; in no node yet.
    pub fn new(body: Value, meta: Meta, receipt: Receipt) -> Self {
        Event { body: Arc::new(body), meta: Arc::new(meta), custody: Custody::new(receipt, None) }
    }

    /// The body.
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// The body, shared with the event: for who keeps it longer.
    pub fn shared_body(&self) -> Arc<Value> {
        self.body.clone()
    }

    /// The body, to be changed; copied first if another event shares it.
    pub fn body_mut(&mut self) -> &mut Value {
        Arc::make_mut(&mut self.body)
    }

    /// Puts another body in place.
    pub fn replace_body(&mut self, body: Value) {
        self.body = Arc::new(body);
    }

    /// The metadata.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The metadata, to be changed; copied first if another event shares it.
    pub fn meta_mut(&mut self) -> &mut Meta {
        Arc::make_mut(&mut self.meta)
    }

    /// The body, to be changed by who copies it if another event shares it, and the metadata beside it.
    pub fn parts_mut(&mut self) -> (&mut Arc<Value>, &Meta) {
        (&mut self.body, &self.meta)
    }

    /// A second event with another body, created by the node this one is in. The source hears of success
    /// only when both have come to a good end.
    #[must_use]
    pub fn derive(&self, body: Value) -> Event {
        if let Some(ledger) = &self.custody.ledger {
            ledger.create();
        }
        Event {
            body: Arc::new(body),
            meta: self.meta.clone(),
            custody: Custody::new(self.custody.receipt.share(), self.custody.ledger.clone()),
        }
    }

    /// A copy for one more consumer; in no node until it enters one.
    #[must_use]
    pub fn fork(&self) -> Event {
        Event {
            body: self.body.clone(),
            meta: self.meta.clone(),
            custody: Custody::new(self.custody.receipt.share(), None),
        }
    }

    /// Books the event in at the node of `ledger`, from which it must leave by a door.
    pub fn enter(&mut self, ledger: &Arc<Ledger>) {
        if self.custody.unless_read.take().is_some() {
            self.depart();
        }
        debug_assert!(self.custody.ledger.is_none(), "an event is in one node at a time");
        ledger.receive();
        self.custody.ledger = Some(ledger.clone());
    }

    /// Like [`Event::enter`], for a node with several inputs: it came by `edge`.
    pub fn enter_by(&mut self, edge: Option<&Arc<Edge>>, ledger: &Arc<Ledger>) {
        self.enter(ledger);
        self.custody.edge = edge.cloned();
    }

    /// By which of several inputs it came into the node it is in; `None` where there is only one, and for an event that
    /// was put in again from the dead letter.
    pub fn edge(&self) -> Option<&Edge> {
        self.custody.edge.as_deref()
    }

    /// Books the event as begun at the node of `ledger`: a reading at its source.
    pub fn begin(&mut self, ledger: &Arc<Ledger>) {
        debug_assert!(self.custody.ledger.is_none(), "an event is in one node at a time");
        ledger.create();
        self.custody.ledger = Some(ledger.clone());
    }

    /// The account of the node it is in.
    pub fn ledger(&self) -> Option<&Arc<Ledger>> {
        self.custody.ledger.as_ref()
    }

    /// Whether the event is on the books of a node.
    pub(crate) fn is_booked(&self) -> bool {
        self.custody.ledger.is_some()
    }

    /// Books the event out of its node, to enter another.
    pub fn depart(&mut self) {
        self.custody.edge = None;
        self.custody.waiting_since = None;
        if let Some(ledger) = self.custody.ledger.take() {
            ledger.leave(Door::Delivered);
        }
    }

    /// The event leaves by an output that may be unread. It stays on the books of its node until it enters another,
    /// or [`Event::go_unread`].
    pub(crate) fn depart_if_read(&mut self, reason: &'static str) {
        self.custody.unless_read = Some(reason);
    }

    /// The end of an event that left by an output nobody reads: a good one, or dropped for the reason that was given.
    pub fn go_unread(self) {
        let door = self.custody.unless_read.map_or(Door::Delivered, Door::Dropped);
        self.finish(door);
    }

    /// Notes that it waits in a buffer from `now` on, unless it does already.
    pub fn wait_since(&mut self, now: Instant) {
        self.custody.waiting_since.get_or_insert(now);
    }

    /// Since when it waits in the buffer of its node.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.custody.waiting_since
    }

    /// The end of this event: booked at its node as `door`, reported to its source as a good end, or
    /// as [`Outcome::Lost`] for [`Door::Lost`].
    pub fn finish(self, door: Door) {
        let outcome = if door == Door::Lost { Outcome::Lost } else { Outcome::Delivered };
        self.finish_as(door, outcome);
    }

    /// The end of this event, where the source hears something else than the door says, such as
    /// a rejected event that has no dead letter to go to.
    pub fn finish_as(mut self, door: Door, outcome: Outcome) {
        if let Some(ledger) = self.custody.ledger.take() {
            ledger.leave(door);
        }
        std::mem::take(&mut self.custody.receipt).settle(outcome);
    }

    /// Takes the event apart without booking anything: whoever keeps the parts, such as a disk buffer, still has
    /// the event in flight at its node, and owes the receipt an answer.
    #[must_use]
    pub fn park(mut self) -> (Arc<Value>, Arc<Meta>, Receipt) {
        self.custody.ledger = None;
        (self.body.clone(), self.meta.clone(), std::mem::take(&mut self.custody.receipt))
    }

    /// Puts a parked event together again at the node of `ledger`, where it never left the books.
    pub fn resume(body: Value, meta: Meta, ledger: &Arc<Ledger>) -> Self {
        let custody = Custody::new(Receipt::untracked(), Some(ledger.clone()));
        Event { body: Arc::new(body), meta: Arc::new(meta), custody }
    }

    /// Books the event as absorbed at its node and hands its receipt over, for an event created
    /// later that will answer for both (`ack: emitted`).
    #[must_use]
    pub fn absorb(self) -> Receipt {
        self.hand_over(Door::Absorbed)
    }

    /// Books the event out of its node by `door`, for another event that answers for it from now on.
    #[must_use]
    pub fn hand_over(mut self, door: Door) -> Receipt {
        if let Some(ledger) = self.custody.ledger.take() {
            ledger.leave(door);
        }
        std::mem::take(&mut self.custody.receipt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> (Event, Arc<Ledger>) {
        let ledger = Arc::new(Ledger::default());
        let mut event =
            Event::new(Value::Null, Meta::new(Timestamp::UNIX_EPOCH, "air".into()), Receipt::untracked());
        event.enter(&ledger);
        (event, ledger)
    }

    #[test]
    fn an_event_merely_dropped_is_lost_at_the_node_that_dropped_it() {
        let (event, ledger) = event();
        drop(event);
        assert_eq!(ledger.balance().lost, 1);
        assert_eq!(ledger.balance().in_flight(), 0);
    }

    #[test]
    fn a_copy_is_created_and_leaves_like_any_other() {
        let (event, ledger) = event();
        let copy = event.derive(Value::Int(1));
        event.finish(Door::Filtered("test"));
        assert_eq!(ledger.balance().in_flight(), 1);
        copy.finish(Door::Delivered);
        let balance = ledger.balance();
        assert_eq!((balance.received, balance.created, balance.in_flight()), (1, 1, 0));
        assert_eq!(balance.reasons[&("filtered", "test")], 1);
    }

    #[test]
    fn what_nobody_reads_is_dropped_where_it_left_and_what_is_read_is_delivered() {
        let (mut unread, ledger) = event();
        unread.depart_if_read("late");
        unread.go_unread();
        let (mut read, other) = event();
        read.depart_if_read("late");
        read.enter(&ledger);
        read.finish(Door::Delivered);
        let balance = ledger.balance();
        assert_eq!((balance.delivered, balance.reasons[&("dropped", "late")]), (1, 1));
        assert_eq!((other.balance().delivered, other.balance().in_flight()), (1, 0));
    }

    #[test]
    fn changing_one_copy_leaves_the_other_alone() {
        let (mut event, _ledger) = event();
        let copy = event.fork();
        *event.body_mut() = Value::Int(2);
        assert_eq!(copy.body(), &Value::Null);
        event.finish(Door::Delivered);
        copy.finish(Door::Delivered);
    }
}
