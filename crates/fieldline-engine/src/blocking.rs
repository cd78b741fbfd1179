//! [`blocking()`]: where the engine reads, compiles and saves files, beside the tasks that must not wait for a disk.

use tokio::task::JoinHandle;

/// Runs what blocks on a thread made for that; it runs to its end also where nobody waits for it any more. The handle
/// fails if it panics.
pub(crate) fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn_blocking(work)
}
