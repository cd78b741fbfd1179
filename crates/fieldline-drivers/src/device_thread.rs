//! A thread that owns a blocking device, and a handle to ask it from async code. Each request has a deadline; a device that
//! is stuck in a transfer costs its caller that deadline once, and nobody else anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::fault::Fault;

/// A handle to a thread that owns a device. When it is dropped the thread ends as soon as it is out of its transfer, and
/// drops the device.
pub struct DeviceThread<Request, Answer> {
    jobs: SyncSender<Job<Request, Answer>>,
    occupied: Arc<AtomicBool>,
}

struct Job<Request, Answer> {
    request: Request,
    answer: oneshot::Sender<Result<Answer, Fault>>,
    occupation: Occupation,
}

/// Says that the thread has a job, until it is dropped: after the job, or with it when the thread panics.
struct Occupation(Arc<AtomicBool>);

impl Occupation {
    fn take(occupied: &Arc<AtomicBool>) -> Option<Self> {
        let was_occupied = occupied.swap(true, Ordering::AcqRel);
        (!was_occupied).then(|| Self(Arc::clone(occupied)))
    }
}

impl Drop for Occupation {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<Request, Answer> DeviceThread<Request, Answer>
where
    Request: Send + 'static,
    Answer: Send + 'static,
{
    /// Starts a thread called `name`; `serve` owns the device and is called for one request at a time.
    ///
    /// # Errors
    /// The system refused a thread.
    pub fn spawn<Serve>(name: &str, serve: Serve) -> std::io::Result<Self>
    where
        Serve: FnMut(Request) -> Result<Answer, Fault> + Send + 'static,
    {
        let (jobs, queue) = sync_channel(1);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&queue, serve))?;
        Ok(Self { jobs, occupied: Arc::default() })
    }

    /// Asks the device and waits for its answer, for `limit` at most. An answer that comes later is discarded, and until
    /// it came each further call fails at once.
    ///
    /// The limit is in tokio's time, while the device works in real time: under a paused clock the limit passes first.
    ///
    /// # Errors
    /// The device's own fault; [`Fault::BusStuck`] when there is no answer in time or the thread is still busy with an
    /// earlier request; [`Fault::ThreadEnded`] when the device panicked.
    ///
    /// # Cancel safety
    /// A call that is dropped counts as one whose limit has passed.
    pub async fn call(&mut self, request: Request, limit: Duration) -> Result<Answer, Fault> {
        let stuck = Fault::BusStuck { limit };
        let Some(occupation) = Occupation::take(&self.occupied) else { return Err(stuck) };
        let (answer, answered) = oneshot::channel();
        // There is room for it, since no other job is under way; only the thread can be missing.
        self.jobs.try_send(Job { request, answer, occupation }).map_err(|_| Fault::ThreadEnded)?;
        match timeout(limit, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Fault::ThreadEnded),
            Err(_) => Err(stuck),
        }
    }
}

fn run<Request, Answer>(
    queue: &Receiver<Job<Request, Answer>>,
    mut serve: impl FnMut(Request) -> Result<Answer, Fault>,
) {
    while let Ok(Job { request, answer, occupation }) = queue.recv() {
        let result = serve(request);
        // Before the answer, so that whoever has the answer can ask again.
        drop(occupation);
        // Nobody waits for it any more when its limit has passed.
        let _discarded = answer.send(result);
    }
}
