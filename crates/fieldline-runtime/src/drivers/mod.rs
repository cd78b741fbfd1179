//! The only loops there are: one for sources, one for segments of transforms, one for sinks. Connecting,
//! back-off, retry, batching, settling, draining and restarting after a panic are here, once.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::control::desk::{Desk, Occasion};

pub(crate) mod carried;

pub(crate) mod leave;

pub(crate) mod retired;

pub(crate) mod source;

pub(crate) mod segment;

pub(crate) mod stage;

pub(crate) mod latest;

pub(crate) mod sink;

pub(crate) mod writer;

/// Tells a driver to stop; level-triggered.
pub(crate) type Stop = watch::Receiver<bool>;

/// Resolves when `stop` is set or its owner is gone.
pub(crate) async fn stopped(stop: &mut Stop) {
    let _owner_gone = stop.wait_for(|stop| *stop).await;
}

/// Sleeps; `true` when woken early by `stop`.
pub(crate) async fn sleep_or_stop(wait: Duration, stop: &mut Stop) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => false,
        () = stopped(stop) => true,
    }
}

/// The next occasion to change settings; never one for a node that nothing steers. Cancel-safe.
pub(crate) async fn occasion(desk: Option<&Desk>) -> Occasion {
    match desk {
        Some(desk) => desk.next().await,
        None => std::future::pending().await,
    }
}

/// Sleeps until `deadline`; for ever without one.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
