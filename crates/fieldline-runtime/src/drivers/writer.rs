//! [`Writer`]: brings one batch to a good end: connects, writes, backs off and tries again, and names the events
//! that can never be written.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use fieldline_backoff::Backoff;
use fieldline_core::{Built, Clock, ComponentError, Door, Event, Sink, WriteError};
use tokio::sync::watch;
use tokio::time::Instant;

use super::rate::Rate;
use crate::buffer::in_hand::InHand;
use crate::dead_letter::{DeadLetters, Failure};
use crate::node::NodeHandle;
use crate::status::NodeState;
use crate::supervise::{Panic, guard, guard_sync};
use crate::wait::until;

/// How long a sink that ends may take for a write whose events are not lost without it: a sink that works needs less, and
/// the others wait for it.
pub(crate) const LAST_WRITE: Duration = Duration::from_secs(2);

/// Until when a sink may try; for ever without it.
pub(crate) type Patience = watch::Receiver<Option<Instant>>;

/// A sink and what is known of its connection.
pub(crate) struct Writer {
    pub(crate) handle: Arc<NodeHandle>,
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) clock: Clock,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) backoff: Backoff,
    pub(crate) connected: bool,
    /// Set when the events in hand are safe or taken over: no try begins any more, and the one under way ends by then.
    pub(crate) patience: Patience,
    /// How many events it may write in a second.
    pub(crate) rate: Option<Rate>,
}

impl Writer {
    /// Connects before there is anything to write, so that the state tells whether the sink can work. Left
    /// early, it connects with the first batch.
    pub(crate) async fn greet(mut self) -> Self {
        let mut patience = self.patience.clone();
        loop {
            let connected = tokio::select! {
                biased;
                _told = patience.wait_for(Option::is_some) => return self,
                connected = self.connect() => connected,
            };
            let Err(error) = connected else { break };
            tracing::warn!(node = %self.handle.node.id, %error, "cannot connect, trying again");
            let wait = self.fails(error);
            if self.rest(Instant::now() + wait).await {
                return self;
            }
        }
        self.connected = true;
        self.works();
        self
    }

    /// Lets a connected sink do its own work; never ends for one that is not. Cancel-safe, as [`Sink::idle`] is.
    pub(crate) async fn idle(&mut self) -> Result<(), ComponentError> {
        if !self.connected {
            return pending().await;
        }
        let result = match guard(self.sink.idle()).await {
            Ok(result) => result,
            Err(panic) => Err(self.start_anew(panic)),
        };
        self.connected = result.is_ok();
        result
    }

    /// Connects a sink again that has failed at its own work.
    pub(crate) async fn recover(mut self, error: ComponentError) -> Self {
        tracing::warn!(node = %self.handle.node.id, %error, "the sink failed between two writes, connecting again");
        let wait = self.fails(error);
        if self.rest(Instant::now() + wait).await { self } else { self.greet().await }
    }

    /// Waits, while a connected sink does its own work; `true` when it is told meanwhile, or was before, that no try is
    /// to begin any more.
    async fn rest(&mut self, until: Instant) -> bool {
        let mut patience = self.patience.clone();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return false,
                _told = patience.wait_for(Option::is_some) => return true,
                // After an error the next write connects.
                _ = self.idle() => {}
            }
        }
    }

    /// Books a try that failed, and says how long to wait before the next.
    fn fails(&mut self, error: ComponentError) -> Duration {
        let wait = self.backoff.fail(fastrand::f64());
        let failures = self.backoff.failures();
        self.handle.monitor.set(NodeState::Retrying { error: error.to_string(), failures });
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
            Err(panic) => Err(self.start_anew(panic)),
        }
    }

    fn start_anew(&mut self, panic: Panic) -> ComponentError {
        match self.handle.rebuild(&panic) {
            Ok(Built::Sink(sink)) => self.sink = sink,
            _ => tracing::error!(node = %self.handle.node.id, "the sink could not be built again"),
        }
        ComponentError::retryable("panic", panic)
    }

    /// Writes the batch and books each event where it ends. Gives back itself, and those that have not ended where its
    /// patience is over.
    pub(crate) async fn deliver(mut self, mut batch: InHand) -> (Self, Option<InHand>) {
        let mut attempts = 0;
        while !batch.events.is_empty() {
            let count = batch.events.len();
            if let Some(at) = self.rate.as_mut().and_then(|rate| rate.not_before(count, Instant::now()))
                && self.rest(at).await
            {
                return (self, Some(batch));
            }
            attempts += 1;
            let patience = self.patience.clone();
            let written = tokio::select! {
                biased;
                written = self.write(&batch.events) => written,
                () = run_out(patience) => {
                    self.interrupt(&mut batch);
                    return (self, Some(batch));
                }
            };
            if let Some(rate) = &mut self.rate {
                rate.written(count, Instant::now());
            }
            let Err(error) = written else {
                batch.events.drain(..).for_each(|event| event.finish(Door::Delivered));
                break;
            };
            let Some(error) = self.sort(&mut batch, error, attempts).await else { break };
            tracing::warn!(node = %self.handle.node.id, %error, attempts, "write failed, trying again");
            let wait = self.fails(error);
            if self.rest(Instant::now() + wait).await {
                return (self, Some(batch));
            }
        }
        self.works();
        (self, None)
    }

    /// Ends those events of a write that was dropped which have arrived all the same.
    fn interrupt(&mut self, batch: &mut InHand) {
        let arrived = guard_sync(|| self.sink.interrupted()).unwrap_or_default();
        let mut arrived = arrived.into_iter().peekable();
        for (index, event) in std::mem::take(&mut batch.events).into_iter().enumerate() {
            match arrived.next_if_eq(&index) {
                Some(_) => {
                    batch.ended += usize::from(batch.events.is_empty());
                    event.finish(Door::Delivered);
                }
                None => batch.events.push(event),
            }
        }
    }

    /// Closes the sink; one that does not close in good time is left.
    pub(crate) async fn close(&mut self) {
        let closed = tokio::time::timeout(LAST_WRITE, guard(self.sink.close())).await;
        if !matches!(closed, Ok(Ok(()))) {
            tracing::warn!(node = %self.handle.node.id, "the sink did not close in good order");
        }
    }

    /// One try: connects first if need be. A panic is a failure that may be tried again with a new sink.
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        if !self.connected {
            self.connect().await?;
        }
        let result = match guard(self.sink.write(events)).await {
            Ok(result) => result,
            Err(panic) => Err(WriteError::All(self.start_anew(panic))),
        };
        self.connected = !matches!(result, Err(WriteError::All(_)));
        result
    }

    /// Books what was written and what never can be; leaves what may be tried again, and says why it failed.
    async fn sort(&mut self, batch: &mut InHand, error: WriteError, attempts: u32) -> Option<ComponentError> {
        let limit = self.handle.node.policy.retry.attempts.unwrap_or(u32::MAX);
        let failed = match error {
            WriteError::All(error) => (0..batch.events.len()).map(|index| (index, error.clone())).collect(),
            WriteError::Some(failed) => failed,
        };
        let mut failed = failed.into_iter().peekable();
        let mut last_error = None;
        for (index, event) in std::mem::take(&mut batch.events).into_iter().enumerate() {
            let failure = failed.next_if(|(failed, _)| *failed == index);
            let ends = failure.as_ref().is_none_or(|(_, error)| !error.is_retryable() || attempts >= limit);
            batch.ended += usize::from(ends && batch.events.is_empty());
            match failure {
                None => event.finish(Door::Delivered),
                Some((_, error)) if !ends => {
                    last_error = Some(error);
                    batch.events.push(event);
                }
                Some((_, error)) => {
                    let error = error.into();
                    self.handle.monitor.failed(&error);
                    let failure = Failure { node: &self.handle.node.id, error: &error, attempts };
                    self.dead_letters.put(event, failure, &self.clock).await;
                }
            }
        }
        last_error
    }
}

/// Waits until its patience is over.
async fn run_out(mut patience: Patience) {
    loop {
        let deadline = *patience.borrow_and_update();
        tokio::select! {
            () = until(deadline) => return,
            changed = patience.changed() => if changed.is_err() { return },
        }
    }
}
