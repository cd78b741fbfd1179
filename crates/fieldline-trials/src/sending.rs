//! [`Sending`]: numbered messages at a steady rate, from a thread of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Result, anyhow};

use super::client::Sender;
use super::place::Place;
use super::process::{now, wait};

/// How long a sender waits before it sends what has become due.
const TICK: Duration = Duration::from_millis(10);

/// Senders at work; they stop when this is dropped.
pub(super) struct Sending {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<u64>>>,
}

impl Sending {
    /// Sends `rate` messages a second, on all `topics` in turn, each numbered from 0.
    pub(super) fn start(broker: impl Into<Place>, topics: &[&str], rate: u32) -> Result<Self> {
        let place = broker.into();
        let mut senders: Vec<Sender> =
            topics.iter().map(|topic| Sender::start(place.clone(), topic)).collect::<Result<_>>()?;
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let send = move || {
            let start = now();
            let (mut sent, lanes) = (0, senders.len() as u64);
            while !told.load(Ordering::Relaxed) {
                let due = (now().duration_since(start).as_secs_f64() * f64::from(rate)) as u64;
                while sent < due && !told.load(Ordering::Relaxed) {
                    let number = sent / lanes;
                    senders[(sent % lanes) as usize].send(&format!("{{\"n\":{number}}}"))?;
                    sent += 1;
                }
                wait(TICK);
            }
            senders.into_iter().try_for_each(Sender::finish)?;
            Ok(sent)
        };
        let thread = std::thread::Builder::new().name("sender".into()).spawn(send)?;
        Ok(Sending { stop, thread: Some(thread) })
    }

    /// Stops, waits until the broker has acknowledged everything, and tells how many there were.
    pub(super) fn finish(mut self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().ok_or_else(|| anyhow!("the sender has finished"))?;
        thread.join().map_err(|_| anyhow!("the sender panicked"))?
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _the_storm_has_failed_already = thread.join();
        }
    }
}
