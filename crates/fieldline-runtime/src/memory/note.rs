//! [`Note`]: what a transform remembered, as it lies on disk. MessagePack, which keeps what JSON cannot say: bytes, NaN
//! and every last digit.

use std::time::Duration;

use fieldline_compiler::Node;
use fieldline_core::{Clock, Period, Value};
use fieldline_store::Saved;
use jiff::Timestamp;

/// The shape of what is saved: [`Written`].
pub(super) const VERSION: u32 = 1;

/// Component, key, milliseconds since 1970, and what was remembered.
type Written<'a> = (&'a str, &'a str, i64, &'a Value);

/// [`Written`], owned.
type Read = (String, String, i64, Value);

/// What a transform remembered, when, and who may go on with it.
#[derive(Debug, PartialEq)]
pub(super) struct Note {
    /// The `type:` of the node.
    pub(super) component: String,
    /// The key of its memory.
    pub(super) key: String,
    /// When it was remembered.
    pub(super) time: Timestamp,
    /// What the component said.
    pub(super) remembered: Value,
}

/// Why a note is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoteError {
    /// A newer program wrote it.
    #[error("it has format {0}, this program reads format {VERSION}")]
    Version(u32),
    /// The bytes are whole, and none of ours.
    #[error("it cannot be decoded: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// It lies outside of what a clock can show.
    #[error("it has no valid time: {0}")]
    Time(#[from] jiff::Error),
    /// The node has another type now.
    #[error("it is of a `{0}`, which the node was before")]
    Component(String),
    /// The node's config was changed in what gives it its meaning.
    #[error("it was remembered as `{before}`, and the node is now configured for `{now}`")]
    Key {
        /// The key it was remembered under.
        before: String,
        /// The key of the node.
        now: String,
    },
    /// It may say nothing about the present: the clock is not set yet.
    #[error("its age is not known before the clock is set, and it is of use for {}", Period(*.0))]
    NoClock(Duration),
    /// It says nothing about the present.
    #[error("it is {} old, and of use for {}", Period(*.age), Period(*.limit))]
    Old {
        /// How old it is.
        age: Duration,
        /// How old it may be.
        limit: Duration,
    },
}

impl Note {
    /// The bytes to save with [`VERSION`].
    pub(super) fn encode(&self) -> Result<Vec<u8>, rmp_serde::encode::Error> {
        let written: Written<'_> = (&self.component, &self.key, self.time.as_millisecond(), &self.remembered);
        rmp_serde::to_vec(&written)
    }

    /// The note that was saved.
    pub(super) fn decode(saved: &Saved) -> Result<Self, NoteError> {
        if saved.version != VERSION {
            return Err(NoteError::Version(saved.version));
        }
        let (component, key, millis, remembered): Read = rmp_serde::from_slice(&saved.payload)?;
        Ok(Note { component, key, time: Timestamp::from_millisecond(millis)?, remembered })
    }

    /// How old it is by `clock`; an error if `node` cannot go on with it. A clock that was set back makes it new; while the
    /// clock waits to be set the machine has just started, and nobody knows after how long.
    pub(super) fn age_for(&self, node: &Node, clock: &Clock) -> Result<Duration, NoteError> {
        if self.component != node.component {
            return Err(NoteError::Component(self.component.clone()));
        }
        let memory = node.memory.as_ref();
        let key = memory.and_then(|memory| memory.key.as_deref()).unwrap_or_default();
        if self.key != key {
            return Err(NoteError::Key { before: self.key.clone(), now: key.to_owned() });
        }
        let limit = memory.and_then(|memory| memory.outlives).unwrap_or_default();
        if clock.is_unset() {
            return if limit == Duration::MAX { Ok(Duration::MAX) } else { Err(NoteError::NoClock(limit)) };
        }
        let age = Duration::try_from(clock.time().duration_since(self.time)).unwrap_or_default();
        if age > limit { Err(NoteError::Old { age, limit }) } else { Ok(age) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    proptest! {
        #[test]
        fn a_note_comes_back_as_it_was(number in any::<f64>(), bytes in any::<Vec<u8>>(), millis in 0..1i64 << 40) {
            let number = if number.is_nan() { 0.5 } else { number };
            let note = Note {
                component: "script".to_owned(),
                key: "1".to_owned(),
                time: Timestamp::from_millisecond(millis).expect("a time of this century"),
                remembered: Value::List(vec![Value::Float(number), Value::Bytes(bytes.into()), Value::Int(millis)]),
            };
            let saved = Saved { version: VERSION, payload: note.encode().expect("it can be encoded") };
            assert_eq!(Note::decode(&saved).expect("it was just encoded"), note);
            let newer = Saved { version: VERSION + 1, ..saved };
            assert!(matches!(Note::decode(&newer), Err(NoteError::Version(2))));
        }
    }
}
