//! [`Feed`]: the source that stands in for a node and brings in what a case feeds, when it is time.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, CheckCx, Clock, ComponentError, Draft, Facts, Meta, Prepare, Source,
    Value,
};
use jiff::Timestamp;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::schedule::{Fed, Happening, What};

/// The most events handed over at once, like a source that has many at hand.
const MOST_EVENTS: usize = 256;

/// When a case begins, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch {
    /// By the clock that is turned.
    pub(crate) instant: Instant,
    /// By the wall clock.
    pub(crate) time: Timestamp,
}

/// What a feed is built from.
pub(crate) struct Feed {
    /// When the case begins.
    pub(crate) epoch: Epoch,
    /// How much earlier everything comes. The wall-clock time that events carry does not change.
    pub(crate) lead: Duration,
    /// What happens, in order of time.
    pub(crate) happenings: Arc<[Happening]>,
}

impl Prepare for Feed {
    fn check(&self, _cx: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Source(Box::new(Feeding {
            epoch: self.epoch,
            lead: self.lead,
            source: cx.node.into(),
            happenings: self.happenings.clone(),
            position: 0,
            failed: 0,
            alarm: None,
        })))
    }
}

struct Feeding {
    epoch: Epoch,
    lead: Duration,
    source: Arc<str>,
    happenings: Arc<[Happening]>,
    /// The next of them.
    position: usize,
    /// How many times it has failed already, if the next is a failure.
    failed: u64,
    /// Rings when the next is due. It stays when a wait is dropped and begun anew, which happens at each settlement.
    alarm: Option<Pin<Box<Sleep>>>,
}

#[async_trait]
impl Source for Feeding {
    /// Takes nothing before it is time, so that nothing is lost when it is dropped while it waits.
    async fn next(&mut self, _clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        loop {
            let Some(at) = self.happenings.get(self.position).map(|next| next.at) else { return Ok(None) };
            self.wait_until(self.due(at)).await;
            let next = &self.happenings[self.position];
            match &next.what {
                What::Failure { times, message } if self.failed < *times => {
                    self.failed += 1;
                    return Err(ComponentError::retryable("test", message.as_str()));
                }
                What::Failure { .. } => {
                    self.failed = 0;
                    self.position += 1;
                }
                What::Event(_) => return Ok(Some(self.batch())),
            }
        }
    }
}

impl Feeding {
    async fn wait_until(&mut self, due: Instant) {
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if alarm.deadline() != due {
            alarm.as_mut().reset(due);
        }
        alarm.await;
    }

    fn due(&self, at: Duration) -> Instant {
        self.epoch.instant + at.saturating_sub(self.lead) - self.lead.saturating_sub(at)
    }

    /// Everything that is due, up to the next failure.
    fn batch(&mut self) -> Batch {
        let now = Instant::now();
        let mut events = Vec::new();
        for happening in &self.happenings[self.position..] {
            match &happening.what {
                What::Event(fed) if self.due(happening.at) <= now && events.len() < MOST_EVENTS => {
                    events.push(self.draft(happening.at, fed));
                }
                _ => break,
            }
        }
        self.position += events.len();
        Batch { events, ..Batch::default() }
    }

    fn draft(&self, at: Duration, fed: &Fed) -> Draft {
        let scheduled = || self.epoch.time.checked_add(at).unwrap_or(Timestamp::MAX);
        let mut meta = Meta::new(fed.time.unwrap_or_else(scheduled), self.source.clone());
        meta.fields = (*fed.meta).clone();
        meta.topic = match meta.fields.shift_remove("topic") {
            Some(Value::Text(topic)) => Some(topic.as_str().into()),
            _ => None,
        };
        Draft { body: (*fed.body).clone(), meta }
    }
}
