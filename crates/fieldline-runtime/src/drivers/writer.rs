//! [`Writer`]: brings one batch to a good end: connects, writes, backs off and tries again, and names the events
//! that can never be written.

use std::sync::Arc;
use std::time::Duration;

use fieldline_core::ledger::Door;
use fieldline_core::{Built, Clock, ComponentError, Event, Sink, WriteError};
use tokio::time::Instant;

use super::{Stop, sleep_or_stop, stopped};
use crate::backoff::Backoff;
use crate::buffer::in_hand::InHand;
use crate::build::NodeHandle;
use crate::dead_letter::{DeadLetters, Failure};
use crate::status::NodeState;
use crate::supervise::guard;

/// How long a sink that is to leave may take for what it is writing, when that is safe on disk: a sink that works needs
/// less, one whose connection is gone would keep everything before it waiting until the deadline.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// A sink and what is known of its connection.
pub(crate) struct Writer {
    pub(crate) handle: Arc<NodeHandle>,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) clock: Clock,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) backoff: Backoff,
    pub(crate) connected: bool,
    /// Set when events that are safe elsewhere are not to be tried again.
    pub(crate) leaving: Stop,
    /// The rate limit allows no write before this.
    pub(crate) not_before: Option<Instant>,
}

impl Writer {
    /// Connects before there is anything to write, so that the state tells whether the sink can work. Left
    /// early, it connects with the first batch.
    pub(crate) async fn greet(mut self) -> Self {
        let mut leaving = self.leaving.clone();
        loop {
            let connected = tokio::select! {
                biased;
                () = stopped(&mut leaving) => return self,
                connected = self.connect() => connected,
            };
            let Err(error) = connected else { break };
            tracing::warn!(node = %self.handle.node.id, %error, "cannot connect, trying again");
            let wait = self.fails(error);
            if sleep_or_stop(wait, &mut self.leaving).await {
                return self;
            }
        }
        self.connected = true;
        self.works();
        self
    }

    /// Books a try that failed, and says how long to wait before the next.
    fn fails(&mut self, error: ComponentError) -> Duration {
        let wait = self.backoff.fail();
        let failures = self.backoff.failures();
        self.handle.monitor.set(NodeState::Retrying { error: error.message, failures });
        self.handle.meter.fails(self.clock.instant(), wait);
        wait
    }

    fn works(&mut self) {
        self.backoff.succeed();
        self.handle.meter.works();
        if self.connected {
            self.handle.monitor.set(NodeState::Running);
        }
    }

    async fn connect(&mut self) -> Result<(), ComponentError> {
        match guard(self.sink.connect()).await {
            Ok(result) => result,
            Err(panic) => Err(self.start_anew(&panic)),
        }
    }

    fn start_anew(&mut self, panic: &str) -> ComponentError {
        match self.handle.rebuild(panic) {
            Ok(Built::Sink(sink)) => self.sink = sink,
            _ => tracing::error!(node = %self.handle.node.id, "the sink could not be built again"),
        }
        ComponentError::retryable("panic", panic)
    }

    /// Writes the batch and books each event where it ends. Gives back itself and whether all have ended; if
    /// not, the sink is leaving and they are on disk still. The same goes when the future is dropped.
    pub(crate) async fn deliver(mut self, mut batch: InHand) -> (Self, bool) {
        let count = batch.events.len();
        if let Some(at) = self.not_before.take() {
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = stopped(&mut self.leaving), if batch.is_on_disk() => return (self, false),
            }
        }
        let mut attempts = 0;
        while !batch.events.is_empty() {
            attempts += 1;
            let leaving = self.leaving.clone();
            let written = tokio::select! {
                written = self.write(&batch.events) => written,
                () = last_write(leaving), if batch.is_on_disk() => return (self, false),
            };
            let Err(error) = written else {
                batch.events.drain(..).for_each(|event| event.finish(Door::Delivered));
                break;
            };
            let Some(error) = self.sort(&mut batch.events, error, attempts).await else { break };
            tracing::warn!(node = %self.handle.node.id, %error, attempts, "write failed, trying again");
            let wait = self.fails(error);
            if !batch.is_on_disk() {
                tokio::time::sleep(wait).await;
            } else if sleep_or_stop(wait, &mut self.leaving).await {
                return (self, false);
            }
        }
        self.works();
        if let Some(rate) = self.handle.node.policy.max_rate {
            let pause = Duration::from_secs_f64(count as f64 / f64::from(rate));
            self.not_before = Some(Instant::now() + pause);
        }
        (self, true)
    }

    /// One try: connects first if need be. A panic is a failure that may be tried again with a new sink.
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        if !self.connected {
            self.connect().await?;
        }
        let result = match guard(self.sink.write(events)).await {
            Ok(result) => result,
            Err(panic) => Err(WriteError::All(self.start_anew(&panic))),
        };
        self.connected = !matches!(result, Err(WriteError::All(_)));
        result
    }

    /// Books what was written and what never can be; leaves what may be tried again, and says why it failed.
    async fn sort(
        &mut self,
        events: &mut Vec<Event>,
        error: WriteError,
        attempts: u32,
    ) -> Option<ComponentError> {
        let limit = self.handle.node.policy.retry.attempts.unwrap_or(u32::MAX);
        let failed = match error {
            WriteError::All(error) => (0..events.len()).map(|index| (index, error.clone())).collect(),
            WriteError::Some(failed) => failed,
        };
        let mut again = Vec::new();
        let mut failed = failed.into_iter().peekable();
        let mut last_error = None;
        for (index, event) in events.drain(..).enumerate() {
            match failed.next_if(|(failed, _)| *failed == index) {
                None => event.finish(Door::Delivered),
                Some((_, error)) if error.retryable && attempts < limit => {
                    last_error = Some(error);
                    again.push(event);
                }
                Some((_, error)) => {
                    let failure = Failure { node: &self.handle.node.id, error: &error.into(), attempts };
                    self.dead_letters.put(event, failure, &self.clock).await;
                }
            }
        }
        *events = again;
        last_error
    }
}

/// Waits until a sink that is to leave has had its time.
async fn last_write(mut leaving: Stop) {
    stopped(&mut leaving).await;
    tokio::time::sleep(LAST_WRITE).await;
}
