//! The only place of the runtime that starts tasks, and the threads of components that block. A component that panics is reported and
//! its driver goes on with a new one; the task itself ends only when its owner lets it.

use std::any::Any;
use std::cell::RefCell;
use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use fieldline_compiler::NodeId;
use fieldline_core::BuildError;
use futures::FutureExt;
use futures::future::{BoxFuture, poll_fn};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Starts a task; it is aborted when the handle's owner decides so.
#[expect(clippy::disallowed_methods, reason = "the one place the ban points to")]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

/// Runs what blocks on a thread made for that, and gives back a panic. It runs to its end also where nobody waits for it
/// any more.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panic> {
    match tokio::task::spawn_blocking(move || guard_sync(work)).await {
        Ok(result) => result,
        // It was not begun, because the program ends.
        Err(error) => Err(Panic { message: error.to_string() }),
    }
}

/// The thread of a component that blocks. It ends when this is dropped and the call that it is in has returned.
pub(crate) struct OwnThread {
    node: NodeId,
    work: mpsc::SyncSender<BoxFuture<'static, ()>>,
}

impl OwnThread {
    /// Whether there are several threads. Where everything runs on one, as in virtual time, a second one would let the
    /// clock jump while it computes.
    pub(crate) fn can_be() -> bool {
        Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread
    }

    /// A thread for `node`, where there can be one.
    pub(crate) fn of(node: &NodeId) -> Option<Self> {
        if !OwnThread::can_be() {
            return None;
        }
        match OwnThread::start(node, Handle::current()) {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(%node, %error, "no thread can be started; the component shares one and may delay others");
                None
            }
        }
    }

    fn start(node: &NodeId, runtime: Handle) -> io::Result<Self> {
        // One runs, and the next may come before the thread has dropped one that nobody waits for any more.
        let (work, received) = mpsc::sync_channel(1);
        let name = node.node().to_owned();
        thread::Builder::new()
            .name(name)
            .spawn(move || received.into_iter().for_each(|work| runtime.block_on(work)))?;
        Ok(OwnThread { node: node.clone(), work })
    }

    /// Drives `future` on the thread; a panic of it is a panic here. Dropped before the end, it drops `future` at its next
    /// wait. A thread that blocks at that moment is abandoned, and the log says so.
    fn drive<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let (done, output) = oneshot::channel();
        let call = Arc::new(Call::default());
        let waiting = Waiting { node: self.node.clone(), call: call.clone(), is_over: false };
        let work = attended(AssertUnwindSafe(future).catch_unwind(), call, done, self.node.clone());
        let sent = self.work.try_send(work.boxed());
        async move {
            let mut waiting = waiting;
            sent.expect("the thread takes one future after the other");
            let output = output.await.expect("the thread finishes what it takes");
            waiting.is_over = true;
            output.unwrap_or_else(|panic| resume_unwind(panic))
        }
    }
}

/// Starts a task on `thread`, or on those that all share.
pub(crate) fn spawn_on<T: Send + 'static>(
    thread: Option<&OwnThread>,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    match thread {
        Some(thread) => spawn(thread.drive(task)),
        None => spawn(task),
    }
}

/// Runs a part of a task on `thread`, or where the task runs.
pub(crate) fn drive_on<T: Send + 'static>(
    thread: Option<&OwnThread>,
    part: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<'static, T> {
    match thread {
        Some(thread) => thread.drive(part).boxed(),
        None => part.boxed(),
    }
}

/// What the thread of a component and the task that waits for it know of each other.
#[derive(Default)]
struct Call {
    /// The thread computes or blocks; it does not wait.
    is_busy: AtomicBool,
    /// Nobody waits for it any more.
    is_abandoned: AtomicBool,
}

thread_local! {
    /// What this thread works on, if it is the thread of a component.
    static CALL: RefCell<Option<Arc<Call>>> = const { RefCell::new(None) };
}

/// Continues at once, except in a driver that was cut off while it blocked its own thread: there never, so that it is
/// dropped and does nothing beside its successor. A driver waits for this between a call of a component that may block
/// and all that others see.
pub(crate) async fn unless_abandoned() {
    let is_abandoned = |call: &Arc<Call>| call.is_abandoned.load(Ordering::SeqCst);
    if CALL.with_borrow(|call| call.as_ref().is_some_and(is_abandoned)) {
        std::future::pending::<()>().await;
    }
}

/// Polls `work` until it is done or nobody waits for it any more.
async fn attended<T>(
    work: impl Future<Output = T> + Send,
    call: Arc<Call>,
    mut done: oneshot::Sender<T>,
    node: NodeId,
) {
    CALL.set(Some(call.clone()));
    let mut work = Box::pin(work);
    let polled = poll_fn(|cx| {
        call.is_busy.store(true, Ordering::SeqCst);
        // Either the waiting task sees that the thread is busy, or the thread that the task is gone.
        if call.is_abandoned.load(Ordering::SeqCst) {
            return Poll::Pending;
        }
        let polled = work.poll_unpin(cx);
        call.is_busy.store(false, Ordering::SeqCst);
        if call.is_abandoned.load(Ordering::SeqCst) {
            tracing::info!(%node, "the thread that was abandoned has returned");
        }
        polled
    });
    tokio::select! {
        biased;
        () = done.closed() => {}
        output = polled => {
            let _nobody_waits = done.send(output);
        }
    }
}

/// The task that waits for the thread of a component.
struct Waiting {
    node: NodeId,
    call: Arc<Call>,
    is_over: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.call.is_abandoned.store(true, Ordering::SeqCst);
        if self.call.is_busy.load(Ordering::SeqCst) {
            let node = &self.node;
            tracing::error!(%node, "it blocks its thread, which is abandoned; the events that wait for it are lost");
        }
    }
}

/// A panic of a component, or of work beside it, that was caught. It reads as its message.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Panic {
    /// What it said.
    pub(crate) message: String,
}

impl Panic {
    fn caught(payload: &(dyn Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        Panic { message: text.unwrap_or_else(|| "a panic without a message".into()) }
    }
}

impl From<Panic> for BuildError {
    fn from(panic: Panic) -> Self {
        BuildError::Panicked(panic.message)
    }
}

/// Runs a component's future; a panic ends with it.
pub(crate) async fn guard<T>(component: impl Future<Output = T>) -> Result<T, Panic> {
    AssertUnwindSafe(component).catch_unwind().await.map_err(|payload| Panic::caught(&*payload))
}

/// Runs a component's function; a panic ends with it.
pub(crate) fn guard_sync<T>(component: impl FnOnce() -> T) -> Result<T, Panic> {
    std::panic::catch_unwind(AssertUnwindSafe(component)).map_err(|payload| Panic::caught(&*payload))
}

/// Runs what may hold this thread for long. Where there are several, another one takes over what this one has to do: other
/// tasks, and the clock and the network, for which all others may be waiting.
pub(crate) fn with_others_relieved<T>(work: impl FnOnce() -> T) -> T {
    if OwnThread::can_be() { tokio::task::block_in_place(work) } else { work() }
}

/// An error with what lies behind it, in one line.
pub(crate) fn describe(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
