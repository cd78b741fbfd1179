//! The only place that starts tasks. A component that panics is reported and its driver goes on with
//! a new one; the task itself ends only when its owner lets it.

use std::any::Any;
use std::error::Error;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::task::JoinHandle;

/// Starts a task; it is aborted when the handle's owner decides so.
#[expect(clippy::disallowed_methods, reason = "the one place the ban points to")]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// Runs what blocks on a thread made for that, and turns a panic into its message. It runs to its end also
/// where nobody waits for it any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(move || guard_sync(work)).await {
        Ok(result) => result,
        Err(error) => Err(error.to_string()),
    }
}

/// Runs a component's future and turns a panic into its message.
pub(crate) async fn guard<T>(component: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(component).catch_unwind().await.map_err(|panic| message(&*panic))
}

/// Runs a component's function and turns a panic into its message.
pub(crate) fn guard_sync<T>(component: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(component)).map_err(|panic| message(&*panic))
}

/// An error with what lies behind it, in one line.
pub(crate) fn describe(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}
