//! [`Fingerprint`]s: FNV-1a with 128 bits over a canonical form of a node.
//!
//! The form: kind, type, the config after substitution with its keys sorted, the sink policy as written, the joined
//! paths of the files it names, and a hash of each file's content. Every part is preceded by a tag and its length,
//! so that no two configs have one form. Offset basis and prime are those of
//! draft-eastlake-fnv-17; they never change, because fingerprints are compared across restarts.

use std::fmt;

use fieldline_core::Value;

const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// What decides whether a node is still the same after an edit: kind, type, config after substitution and
/// the content of the files it names. Inputs are not part of it: an edge-only change restarts nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// Of a text by itself.
    pub fn of(text: &str) -> Self {
        let mut hasher = Hasher::new();
        hasher.raw(text.as_bytes());
        hasher.finish()
    }
}

impl fmt::Display for Fingerprint {
    /// The first 16 of its 32 hexadecimal digits, which is enough to tell versions apart.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0 >> 64)
    }
}

/// A fingerprint being made.
#[derive(Clone, Copy)]
pub(crate) struct Hasher(u128);

impl Hasher {
    pub(crate) fn new() -> Self {
        Hasher(OFFSET)
    }

    /// Takes in bytes and their number.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.raw(&(bytes.len() as u64).to_le_bytes());
        self.raw(bytes);
    }

    /// Takes in a value; the order of a map's members does not matter.
    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.raw(b"n"),
            Value::Bool(truth) => self.raw(if *truth { b"t" } else { b"f" }),
            Value::Int(number) => {
                self.raw(b"i");
                self.raw(&number.to_le_bytes());
            }
            Value::Float(number) => {
                self.raw(b"d");
                self.raw(&number.to_bits().to_le_bytes());
            }
            Value::Text(text) => {
                self.raw(b"s");
                self.bytes(text.as_bytes());
            }
            Value::Bytes(bytes) => {
                self.raw(b"b");
                self.bytes(bytes);
            }
            Value::List(list) => {
                self.raw(b"l");
                self.raw(&(list.len() as u64).to_le_bytes());
                list.iter().for_each(|element| self.value(element));
            }
            Value::Map(map) => {
                self.raw(b"m");
                self.raw(&(map.len() as u64).to_le_bytes());
                let mut members: Vec<_> = map.iter().collect();
                members.sort_unstable_by_key(|(key, _)| *key);
                for (key, value) in members {
                    self.bytes(key.as_bytes());
                    self.value(value);
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Fingerprint {
        Fingerprint(self.0)
    }

    fn raw(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a_of_128_bits() {
        let mut hasher = Hasher::new();
        hasher.raw(b"a");
        assert_eq!(hasher.finish(), Fingerprint(0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964));
    }

    #[test]
    fn the_order_of_members_does_not_matter_and_their_values_do() {
        let print = |value: &Value| {
            let mut hasher = Hasher::new();
            hasher.value(value);
            hasher.finish()
        };
        let left = Value::from([("a", Value::Int(1)), ("b", "x".into())]);
        let right = Value::from([("b", "x".into()), ("a", Value::Int(1))]);
        assert_eq!(print(&left), print(&right));
        assert_ne!(print(&left), print(&Value::from([("a", "1".into()), ("b", "x".into())])));
        assert_ne!(print(&Value::from([("ab", "c".into())])), print(&Value::from([("a", "bc".into())])));
    }
}
