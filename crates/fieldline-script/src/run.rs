//! One run of a script: the desk where its functions leave what they decide, and the answer made of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fieldline_core::{Clock, Map, Value};
use jiff::Timestamp;
use rhai::{Dynamic, EvalAltResult, Position};

use crate::extent::Guard;
use crate::limits::Limits;
use crate::meter::Meter;

/// Lines that one run may print.
const MAX_LINES: u32 = 16;

/// Characters of one printed line.
const MAX_LINE: usize = 512;

/// What a script made of one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What becomes of the event itself.
    pub verdict: Verdict,
    /// The bodies of further events, in the order they were emitted; to be sent before the event itself.
    pub emitted: Vec<Value>,
    /// All of `meta`'s fields, if the script assigned to one: what [`Meta::fields`](fieldline_core::Meta) becomes.
    pub fields: Option<Map>,
}

/// What becomes of an event that a script was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It goes on, with the body that the script has changed.
    Send,
    /// It is dropped on purpose, for this reason: a literal of the script, or `script`.
    Discard(&'static str),
}

/// How a script ended itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By `discard`, with the reason if it gave one.
    Discard(Option<String>),
    /// By `fail`.
    Fail(String),
}

/// Where the functions of a running script leave what they decide.
pub(crate) struct Desk {
    pub(crate) guard: Guard,
    pub(crate) meter: Meter,
    max_emitted: usize,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    time: Timestamp,
    lines: u32,
    ending: Option<Ending>,
    emitted: Vec<Dynamic>,
    emitted_size: usize,
}

impl Desk {
    pub(crate) fn new(limits: &Limits, clock: Option<Clock>) -> Self {
        let meter = Meter::new(limits, clock);
        Desk { guard: Guard::new(limits), meter, max_emitted: limits.emitted, notes: Mutex::default() }
    }

    /// Clears the desk for an event at `time`.
    pub(crate) fn begin(&self, time: Timestamp) {
        self.guard.reset();
        self.meter.reset();
        *self.notes() = Notes { time, ..Notes::default() };
    }

    /// The time of the event at hand.
    pub(crate) fn time(&self) -> Timestamp {
        self.notes().time
    }

    /// Logs a line of the script, up to a bound per run.
    pub(crate) fn print(&self, text: &str) {
        let lines = {
            let mut notes = self.notes();
            notes.lines += 1;
            notes.lines
        };
        if lines <= MAX_LINES {
            let text: String = text.chars().take(MAX_LINE).collect();
            tracing::debug!(text, "a script prints");
        }
    }

    /// Takes a further event.
    pub(crate) fn emit(&self, body: Dynamic) -> Result<(), Box<EvalAltResult>> {
        let size = self.guard.measure(&body)?;
        let mut notes = self.notes();
        notes.emitted_size += size;
        if notes.emitted.len() >= self.max_emitted || self.guard.exceeds(notes.emitted_size) {
            let what = "what one run emits".to_owned();
            return Err(EvalAltResult::ErrorDataTooLarge(what, Position::NONE).into());
        }
        notes.emitted.push(body);
        Ok(())
    }

    /// Ends the run; the error that is returned cannot be caught by the script.
    pub(crate) fn end(&self, ending: Ending) -> Box<EvalAltResult> {
        self.notes().ending = Some(ending);
        EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into()
    }

    /// How the script ended itself, if it did.
    pub(crate) fn take_ending(&self) -> Option<Ending> {
        self.notes().ending.take()
    }

    /// What was emitted.
    pub(crate) fn take_emitted(&self) -> Vec<Dynamic> {
        std::mem::take(&mut self.notes().emitted)
    }

    /// The notes are whole between any two statements, so a panic elsewhere does not spoil them.
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
