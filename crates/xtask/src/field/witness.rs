//! [`Witness`]: what program and broker have acknowledged to each other, read off the wire. A broker that is killed
//! forgets what it has acknowledged; only this tells its losses from the program's.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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
}

/// Listens to any number of connections.
#[derive(Debug, Default)]
pub(super) struct Witness(Mutex<Testimony>);

/// Listens to one connection: what is not acknowledged on it, by who published it and its packet identifier.
#[derive(Debug, Default)]
pub(super) struct Hearing(Mutex<HashMap<(Side, u16), (String, u64)>>);

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
    fn note(&self, side: Side, first: u8, body: &[u8], witness: &Witness) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut testimony = witness.testimony();
        match (first >> 4, side) {
            (3, side) => {
                let Some((id, topic, number)) = publish(body) else { return };
                let is_known = side == Side::Broker && testimony.taken.contains(&number);
                testimony.sent_again += u64::from(is_known);
                open.insert((side, id), (topic, number));
            }
            (4, side) => {
                let Some(id) = be(body) else { return };
                let publisher = if side == Side::Program { Side::Broker } else { Side::Program };
                let Some((topic, number)) = open.remove(&(publisher, id)) else { return };
                match publisher {
                    Side::Broker => testimony.taken.insert(number),
                    Side::Program => testimony.given.entry(topic).or_default().insert(number),
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

/// Packet identifier, topic and number of a PUBLISH with QoS 1 whose payload begins with its number.
fn publish(body: &[u8]) -> Option<(u16, String, u64)> {
    let length = usize::from(be(body)?);
    let topic = String::from_utf8(body.get(2..2 + length)?.to_vec()).ok()?;
    let rest = &body[2 + length..];
    let mark = rest.windows(4).position(|window| window == b"\"n\":")?;
    let digits = rest[mark + 4..].iter().take_while(|byte| byte.is_ascii_digit());
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
}
