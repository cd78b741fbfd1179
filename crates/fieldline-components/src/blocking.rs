//! Threads for what waits for a disk, beside the tasks of connections.

use std::future::pending;
use std::panic::resume_unwind;

/// Runs what waits for a disk on a thread made for that. It runs to its end also where nobody waits for it any more,
/// and a panic goes on in the caller.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The program ends, and with it whoever waits here.
            Err(_cancelled) => pending().await,
        },
    }
}
