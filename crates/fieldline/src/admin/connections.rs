//! Serves the connections of the admin listener. When there are enough, the one that has waited longest without a
//! request gives way: whoever opens many and says nothing keeps nobody else out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet, yield_now};
use tokio::time::{sleep, timeout};

/// How long the head of a request may take, or its connection be idle.
const HEAD: Duration = Duration::from_secs(10);
/// The largest head of a request.
const MAX_HEAD: usize = 16 << 10;
/// How long a connection is kept at most, also where its client does not read.
const LIFE: Duration = Duration::from_secs(300);
/// How long to wait when the system has no descriptor for another connection.
const NO_DESCRIPTOR: Duration = Duration::from_millis(50);

/// A connection, the oldest first.
struct Open {
    task: AbortHandle,
    /// The requests that are being answered.
    answering: Arc<AtomicUsize>,
}

/// Counts as a request that is being answered.
struct Answering(Arc<AtomicUsize>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Answers by `router`, at most `limit` connections at the same time. Never ends.
pub(super) async fn serve(listener: TcpListener, router: Router, limit: usize) {
    let mut tasks = JoinSet::new();
    let mut open: VecDeque<Open> = VecDeque::new();
    let mut is_crowded = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = tasks.join_next() => continue,
        };
        open.retain(|connection| !connection.task.is_finished());
        let socket = match accepted {
            Ok((socket, _)) => Some(socket),
            Err(error) => {
                if !is_crowded {
                    tracing::warn!(%error, "the admin listener cannot take a connection");
                }
                None
            }
        };
        if open.len() >= limit || socket.is_none() {
            if !is_crowded {
                tracing::warn!(
                    limit,
                    "the admin listener has too many connections; the idle ones are closed"
                );
            }
            is_crowded = true;
            let gave_way = close_oldest_idle(&mut open);
            if socket.is_none() {
                sleep(NO_DESCRIPTOR).await;
            }
            if !gave_way {
                continue;
            }
        } else if open.len() <= limit / 2 {
            is_crowded = false;
        }
        if let Some(socket) = socket {
            let answering = Arc::new(AtomicUsize::new(0));
            let task = tasks.spawn(answer(socket, router.clone(), Arc::clone(&answering)));
            open.push_back(Open { task, answering });
        }
    }
}

/// Whether there was one.
fn close_oldest_idle(open: &mut VecDeque<Open>) -> bool {
    let oldest = open.iter().position(|connection| connection.answering.load(Ordering::Relaxed) == 0);
    let closed = oldest.and_then(|oldest| open.remove(oldest));
    if let Some(connection) = &closed {
        connection.task.abort();
    }
    closed.is_some()
}

/// One client, until it leaves or its time is over.
async fn answer(socket: TcpStream, router: Router, answering: Arc<AtomicUsize>) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request| {
        answering.fetch_add(1, Ordering::Relaxed);
        let counted = Answering(Arc::clone(&answering));
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(counted);
            // Whoever asks for a thousand pages at once lets the others go first after each.
            yield_now().await;
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(socket), service);
    match timeout(LIFE, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection of the admin listener ended"),
        Err(_) => tracing::debug!("a connection of the admin listener was old and is closed"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use axum::routing::get;
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_client_that_asks_for_much_at_once_keeps_no_other_waiting() {
        let greedy_answers = Arc::new(AtomicUsize::new(0));
        let before_modest = Arc::new(AtomicUsize::new(usize::MAX));
        let router = Router::new()
            .route(
                "/greedy",
                get({
                    let greedy = Arc::clone(&greedy_answers);
                    async move || greedy.fetch_add(1, Ordering::Relaxed).to_string()
                }),
            )
            .route(
                "/modest",
                get({
                    let (greedy, before) = (Arc::clone(&greedy_answers), Arc::clone(&before_modest));
                    async move || before.store(greedy.load(Ordering::Relaxed), Ordering::Relaxed)
                }),
            );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut greedy = std::net::TcpStream::connect(address).unwrap();
        greedy.write_all("GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500).as_bytes()).unwrap();
        let mut modest = std::net::TcpStream::connect(address).unwrap();
        modest.write_all(b"GET /modest HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();

        modest.set_nonblocking(true).unwrap();
        let mut modest = TcpStream::from_std(modest).unwrap();
        let mut answer = String::new();
        tokio::select! {
            () = serve(listener, router, 10) => {}
            read = modest.read_to_string(&mut answer) => assert!(read.is_ok()),
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

        let before = before_modest.load(Ordering::Relaxed);
        assert!(before < 10, "{before} answers to the other client came first");
    }
}
