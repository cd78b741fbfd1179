//! [`Collector`]: the sink that stands in for every sink, writes down what comes, and fails while the case says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, ComponentError, Event, Facts, Prepare, Sink, Value, WriteError,
};
use tokio::time::Instant;

use crate::schedule::{Happening, Outage, What};

/// An event that came out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// How long after the beginning of the case it was written.
    pub(crate) at: Duration,
    /// Its body.
    pub(crate) body: Arc<Value>,
}

/// What a collector has written down, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<Record>>>);

impl Records {
    /// Takes everything out.
    pub(crate) fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a collector is built from.
#[derive(Clone)]
pub(crate) struct Collector {
    /// When the case begins.
    pub(crate) start: Instant,
    /// When the connection it stands on is down.
    pub(crate) outages: Arc<[Outage]>,
    /// When it fails for other reasons, in order of time.
    pub(crate) failures: Arc<[Happening]>,
    /// Where it writes.
    pub(crate) records: Records,
}

impl Prepare for Collector {
    fn check(&self, _cx: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(Collecting { collector: self.clone(), position: 0, failed: 0 })))
    }
}

struct Collecting {
    collector: Collector,
    /// The next of the failures.
    position: usize,
    /// How many times that has happened.
    failed: u64,
}

#[async_trait]
impl Sink for Collecting {
    async fn connect(&mut self) -> Result<(), ComponentError> {
        self.check_connection(self.now())
    }

    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let at = self.now();
        self.check_connection(at)?;
        self.check_failures(at)?;
        let mut records = self.collector.records.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.extend(events.iter().map(|event| Record { at, body: event.shared_body() }));
        Ok(())
    }
}

impl Collecting {
    fn now(&self) -> Duration {
        Instant::now().saturating_duration_since(self.collector.start)
    }

    fn check_connection(&self, now: Duration) -> Result<(), ComponentError> {
        match self.collector.outages.iter().find(|outage| (outage.from..outage.until).contains(&now)) {
            Some(outage) => {
                let message = format!("connection `{}` is down", outage.connection);
                Err(ComponentError::retryable("disconnected", message))
            }
            None => Ok(()),
        }
    }

    fn check_failures(&mut self, now: Duration) -> Result<(), ComponentError> {
        while let Some(Happening { at, what }) = self.collector.failures.get(self.position) {
            let What::Failure { times, message } = what else { break };
            if *at > now {
                break;
            }
            if self.failed < *times {
                self.failed += 1;
                return Err(ComponentError::retryable("test", message.as_str()));
            }
            self.failed = 0;
            self.position += 1;
        }
        Ok(())
    }
}
