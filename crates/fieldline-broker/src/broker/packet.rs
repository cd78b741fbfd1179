//! As much of MQTT's framing as deciding over a delivery takes; equal in versions 3.1.1 and 5.

/// The remaining length does not end within its four bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed remaining length")]
pub(super) struct Malformed;

/// Length in bytes, header included, of the packet `bytes` begin with; `None` while its header is
/// incomplete.
pub(super) fn packet_length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut body = 0;
    for (index, &byte) in bytes.iter().skip(1).take(4).enumerate() {
        body |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some(2 + index + body));
        }
    }
    if bytes.len() > 4 { Err(Malformed) } else { Ok(None) }
}

/// A packet from the broker that the delivery rules are about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outbound<'a> {
    /// A message; the identifier is missing at QoS 0.
    Publish { topic: &'a str, quality: u8, identifier: Option<u16> },
    /// The second step of a QoS 2 delivery.
    Release { identifier: u16 },
    /// Anything else.
    Other,
}

/// Reads a whole packet; anything unreadable is [`Outbound::Other`], for the client to refuse.
pub(super) fn outbound(packet: &[u8]) -> Outbound<'_> {
    match packet.first().map(|first| first >> 4) {
        Some(3) => publish(packet).unwrap_or(Outbound::Other),
        Some(6) => body(packet)
            .and_then(identifier)
            .map_or(Outbound::Other, |identifier| Outbound::Release { identifier }),
        _ => Outbound::Other,
    }
}

fn publish(packet: &[u8]) -> Option<Outbound<'_>> {
    let quality = (packet.first()? >> 1) & 3;
    let (length, rest) = body(packet)?.split_first_chunk::<2>()?;
    let (topic, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let identifier = if quality == 0 { None } else { Some(identifier(rest)?) };
    Some(Outbound::Publish { topic: std::str::from_utf8(topic).ok()?, quality, identifier })
}

fn body(packet: &[u8]) -> Option<&[u8]> {
    let digits = packet.iter().skip(1).position(|byte| byte & 0x80 == 0)?;
    packet.get(digits + 2..)
}

fn identifier(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// A two-byte-identifier answer of a client: PUBACK, PUBREC or PUBCOMP without a reason, which
/// means success in both versions.
pub(super) fn answer(kind: Answer, identifier: u16) -> [u8; 4] {
    let [high, low] = identifier.to_be_bytes();
    [kind as u8, 2, high, low]
}

/// First byte of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    Acknowledged = 0x40,
    Received = 0x50,
    Complete = 0x70,
}

/// Follows a byte stream just closely enough to know when it is between two packets.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    header: Vec<u8>,
    body_left: usize,
}

impl Boundary {
    /// Whether the bytes seen so far end with a whole packet.
    pub(super) fn between_packets(&self) -> bool {
        self.header.is_empty() && self.body_left == 0
    }

    /// Takes the next bytes of the stream.
    pub(super) fn advance(&mut self, mut bytes: &[u8]) -> Result<(), Malformed> {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.body_left > 0 {
                let taken = self.body_left.min(bytes.len());
                self.body_left -= taken;
                bytes = &bytes[taken..];
                continue;
            }
            self.header.push(first);
            bytes = rest;
            if let Some(length) = packet_length(&self.header)? {
                self.body_left = length - self.header.len();
                self.header.clear();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Boundary, Malformed, Outbound, outbound, packet_length};

    #[test]
    fn the_length_is_known_once_the_header_is_complete() {
        assert_eq!(packet_length(&[0x30]), Ok(None));
        assert_eq!(packet_length(&[0x30, 0x80]), Ok(None));
        assert_eq!(packet_length(&[0x30, 0x00]), Ok(Some(2)));
        assert_eq!(packet_length(&[0x30, 0x80, 0x01]), Ok(Some(3 + 128)));
        assert_eq!(packet_length(&[0x30, 0xff, 0xff, 0xff, 0x7f]), Ok(Some(5 + 268_435_455)));
        assert_eq!(packet_length(&[0x30, 0xff, 0xff, 0xff, 0xff]), Err(Malformed));
    }

    #[test]
    fn a_publish_shows_its_topic_and_identifier() {
        let zero = [0x30, 5, 0, 3, b'a', b'/', b'b'];
        assert_eq!(outbound(&zero), Outbound::Publish { topic: "a/b", quality: 0, identifier: None });
        let one = [0x33, 8, 0, 3, b'a', b'/', b'b', 0x12, 0x34, b'!'];
        assert_eq!(outbound(&one), Outbound::Publish { topic: "a/b", quality: 1, identifier: Some(0x1234) });
        assert_eq!(outbound(&[0x62, 2, 0, 7]), Outbound::Release { identifier: 7 });
    }

    #[test]
    fn a_truncated_publish_is_not_taken_for_one() {
        for packet in [&[0x30][..], &[0x30, 2, 0, 3], &[0x32, 5, 0, 3, b'a', b'/', b'b'], &[]] {
            assert_eq!(outbound(packet), Outbound::Other, "{packet:?}");
        }
    }

    #[test]
    fn a_boundary_is_found_however_the_bytes_are_split() {
        let packets = [&[0xc0, 0][..], &[0x30, 0x80, 0x01], &[7; 128], &[0x40, 2, 0, 1]].concat();
        let ends = [2, 133, 137];
        for step in 1..packets.len() {
            let mut boundary = Boundary::default();
            let mut seen = 0;
            for part in packets.chunks(step) {
                boundary.advance(part).expect("the packets are well-formed");
                seen += part.len();
                assert_eq!(boundary.between_packets(), ends.contains(&seen), "{step} {seen}");
            }
        }
    }
}
