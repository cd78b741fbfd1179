//! Waiting for a time, or to be stopped.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

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

/// Sleeps until `deadline`; for ever without one.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
