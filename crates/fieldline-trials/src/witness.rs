//! [`Witness`]: what program and broker have acknowledged to each other, read off the wire. A broker that is killed
//! forgets what it has acknowledged; only this tells its losses from the program's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Program,
    Broker,
}

/// What was heard of both.
#[derive(Debug, Default)]
pub(super) struct Testimony {
    /// Numbers that the program has acknowledged to the broker.
    pub(super) taken: BTreeSet<u64>,
    /// Numbers that the broker has acknowledged to the program, by topic.
    pub(super) given: BTreeMap<String, BTreeSet<u64>>,
    /// How often the broker sent what the program had acknowledged before.
    pub(super) sent_again: u64,
    /// Numbers that the program has sent, by topic.
    published: BTreeMap<String, BTreeSet<u64>>,
    /// How often the program sent again what the broker had not acknowledged to it: at least once demands that.
    pub(super) repeated: u64,
    /// How often the program sent again what the broker had acknowledged to it.
    pub(super) sent_twice: u64,
}

/// Listens to any number of connections.
#[derive(Debug, Default)]
pub(super) struct Witness(Mutex<Testimony>);

/// Listens to one connection.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// What is not acknowledged on it, by who published it and its packet identifier.
    open: Mutex<HashMap<(Side, u16), (String, u64)>>,
    /// Whether the program has closed it, and hears no acknowledgement any more.
    is_closed: AtomicBool,
}

/// Cuts what one side says on one connection into packets.
pub(super) struct Ear {
    side: Side,
    bytes: Vec<u8>,
}

impl Witness {
    /// What was heard so far.
    pub(super) fn testimony(&self) -> MutexGuard<'_, Testimony> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Testimony {
    fn note_published(&mut self, topic: &str, number: u64) {
        let is_new = self.published.entry(topic.to_owned()).or_default().insert(number);
        if self.given.get(topic).is_some_and(|given| given.contains(&number)) {
            self.sent_twice += 1;
        } else if !is_new {
            self.repeated += 1;
        }
    }
}

impl Ear {
    /// Listens to `side`.
    pub(super) fn of(side: Side) -> Self {
        Ear { side, bytes: Vec::new() }
    }

    /// Hears bytes in the order in which they pass.
    pub(super) fn hear(&mut self, bytes: &[u8], hearing: &Hearing, witness: &Witness) {
        self.bytes.extend_from_slice(bytes);
        let mut start = 0;
        while let Some((header, length)) = packet(&self.bytes[start..]) {
            let body = &self.bytes[start + header..start + header + length];
            hearing.note(self.side, self.bytes[start], body, witness);
            start += header + length;
        }
        self.bytes.drain(..start);
    }
}

impl Hearing {
    /// The program has closed the connection.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    fn note(&self, side: Side, first: u8, body: &[u8], witness: &Witness) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut testimony = witness.testimony();
        match (first >> 4, side) {
            (3, side) => {
                let Some((id, topic, number)) = publish(body) else { return };
                let is_known = side == Side::Broker && testimony.taken.contains(&number);
                testimony.sent_again += u64::from(is_known);
                if side == Side::Program {
                    testimony.note_published(&topic, number);
                }
                open.insert((side, id), (topic, number));
            }
            (4, side) => {
                let Some(id) = be(body) else { return };
                let publisher = if side == Side::Program { Side::Broker } else { Side::Program };
                let Some((topic, number)) = open.remove(&(publisher, id)) else { return };
                match publisher {
                    Side::Broker => drop(testimony.taken.insert(number)),
                    Side::Program if self.is_closed.load(Ordering::Relaxed) => {}
                    Side::Program => drop(testimony.given.entry(topic).or_default().insert(number)),
                };
            }
            _ => {}
        }
    }
}

/// The lengths of the fixed header and of what follows, of a packet that is there as a whole.
fn packet(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0;
    for (position, byte) in bytes.iter().enumerate().skip(1).take(4) {
        length |= usize::from(byte & 0x7f) << (7 * (position - 1));
        if byte & 0x80 == 0 {
            let header = position + 1;
            return (bytes.len() >= header + length).then_some((header, length));
        }
    }
    None
}

/// Packet identifier, topic and number of a PUBLISH with QoS 1 whose payload has its number, or a list that begins
/// with it. Of the topic, the first two
/// levels tell the sink; what is behind them may be edited.
fn publish(body: &[u8]) -> Option<(u16, String, u64)> {
    let length = usize::from(be(body)?);
    let topic = String::from_utf8(body.get(2..2 + length)?.to_vec()).ok()?;
    let topic = topic.split('/').take(2).collect::<Vec<_>>().join("/");
    let rest = &body[2 + length..];
    let mark = rest.windows(4).position(|window| window == b"\"n\":")?;
    let number = &rest[mark + 4..];
    let digits = number.strip_prefix(b"[").unwrap_or(number).iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
    Some((be(rest)?, topic, number))
}

fn be(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_are_told_from_publishes_however_the_bytes_are_cut() {
        let from_broker = b"\x32\x13\x00\x08chaos/in\x00\x07{\"n\":5}";
        let from_broker = [from_broker.as_slice(), b"\x40\x02\x00\x07"].concat();
        let from_program =
            [b"\x40\x02\x00\x07".as_slice(), b"\x32\x14\x00\x09chaos/out\x00\x07{\"n\":5}"].concat();
        for chunk in 1..from_program.len() {
            let (witness, hearing) = (Witness::default(), Hearing::default());
            let (mut broker, mut program) = (Ear::of(Side::Broker), Ear::of(Side::Program));
            let (publishes, acknowledges) = from_broker.split_at(21);
            broker.hear(publishes, &hearing, &witness);
            from_program.chunks(chunk).for_each(|bytes| program.hear(bytes, &hearing, &witness));
            assert_eq!(witness.testimony().taken, BTreeSet::from([5]));
            assert!(witness.testimony().given.is_empty(), "the broker has said nothing yet");
            acknowledges.chunks(chunk).for_each(|bytes| broker.hear(bytes, &hearing, &witness));
            assert_eq!(witness.testimony().given["chaos/out"], BTreeSet::from([5]));
            broker.hear(publishes, &hearing, &witness);
            assert_eq!(witness.testimony().sent_again, 1);
        }
    }

    #[test]
    fn what_is_sent_again_counts_apart_where_it_was_acknowledged() {
        let publish = b"\x32\x16\x00\x0bchaos/out/a\x00\x07{\"n\":5}";
        let again = b"\x32\x16\x00\x0bchaos/out/b\x00\x08{\"n\":5}";
        let witness = Witness::default();
        let counts = || {
            let testimony = witness.testimony();
            (testimony.repeated, testimony.sent_twice)
        };
        let (first, second) = (Hearing::default(), Hearing::default());
        Ear::of(Side::Program).hear(publish, &first, &witness);
        first.close();
        Ear::of(Side::Broker).hear(b"\x40\x02\x00\x07", &first, &witness);
        Ear::of(Side::Program).hear(again, &second, &witness);
        assert_eq!(counts(), (1, 0), "the acknowledgement came when nobody listened any more");
        Ear::of(Side::Broker).hear(b"\x40\x02\x00\x08", &second, &witness);
        Ear::of(Side::Program).hear(publish, &second, &witness);
        assert_eq!(counts(), (1, 1));
    }
}
