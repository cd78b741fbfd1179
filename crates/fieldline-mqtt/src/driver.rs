//! Makes the connection, keeps it, and makes it again. The event loop is polled here and never cancelled
//! while a connection is in use, so keep-alives flow whatever the subscribers do.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fieldline_backoff::Backoff;
use tokio::net::lookup_host;
use tokio::select;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::error::ConnectError;
use crate::options::Options;
use crate::protocol::{self, Events, Happening, Requests};
use crate::session::{End, Session, Verdict};
use crate::state::State;
use crate::tls;

/// How long the goodbye to the broker may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// The work behind a [`crate::Connection`]. Whoever starts it supervises it: this crate starts no tasks.
pub struct Driver {
    session: Arc<Session>,
}

impl Drop for Driver {
    /// However it ends, even by a panic: nobody waits for a receipt for ever.
    fn drop(&mut self) {
        self.session.closed();
    }
}

impl Driver {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// Runs until the connection is closed by [`crate::Connection::close`] or until `shutdown` is ready; then
    /// the outbox has the operation time-out to empty itself; while there is no connection, only if somebody waits for
    /// what is in it. Dropping the future ends everything at once,
    /// dropping all handles does not.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut life = pin!(self.live());
        select! {
            () = &mut life => return,
            () = shutdown => {}
        }
        let within = self.session.lock().options.operation_timeout;
        self.session.begin_close(within);
        life.await;
    }

    async fn live(&self) {
        let session = &self.session;
        let mut backoff = backoff(&session.lock().options);
        while !session.is_drained() {
            session.take_reconnect();
            session.state.send_replace(State::Connecting);
            let options = session.lock().options.clone();
            let end = select! {
                end = self.connect_and_converse(&options, &mut backoff) => end,
                () = self.close_deadline() => End::Closed,
            };
            match end {
                End::Closed => break,
                End::Resume => {
                    let Options { name, client_id, address, .. } = &options;
                    debug!(node = name, client_id, %address, "resuming the session on a new connection");
                    session.disconnected(None);
                }
                End::Failed(error) => {
                    if session.disconnected(Some(&error)) != Verdict::Innocent {
                        backoff.succeed();
                    }
                    if matches!(error, ConnectError::PacketTooLarge { .. }) {
                        backoff.wait_longest();
                    }
                    let retry_in = backoff.fail(fastrand::f64());
                    let retry_ms = retry_in.as_millis() as u64;
                    let Options { name, client_id, address, .. } = &options;
                    warn!(node = name, client_id, %address, %error, retry_ms, "not connected");
                    session.state.send_replace(State::Disconnected { error, retry_in });
                    select! {
                        () = sleep(retry_in) => {}
                        () = self.reconnect_or_drained() => {}
                        () = self.close_deadline() => break,
                    }
                }
            }
        }
    }

    /// One connection, from the check of the certificates to its end.
    async fn connect_and_converse(&self, options: &Options, backoff: &mut Backoff) -> End {
        let connecting = timeout(options.connect_timeout, connect(options));
        let (requests, mut events, accepted) = select! {
            connected = connecting => match connected {
                Ok(Ok(connected)) => connected,
                Ok(Err(error)) => return End::Failed(error),
                Err(_elapsed) => return End::Failed(ConnectError::TimedOut { after: options.connect_timeout }),
            },
            () = self.reconnect_or_drained() => return End::Resume,
        };
        let connected_at = Instant::now();
        let Options { name, client_id, address, .. } = options;
        info!(node = name, client_id, %address, session_present = accepted.session_present, "connected");
        self.session.connected(requests, accepted);
        let end = select! {
            error = self.converse(&mut events) => End::Failed(self.session.explain(error)),
            end = self.watch() => end,
        };
        backoff.worked_for(connected_at.elapsed());
        if !matches!(end, End::Failed(_)) {
            // The broker may not be listening any more; then it needs no goodbye.
            let _elapsed = timeout(GOODBYE, self.say_goodbye(&mut events)).await;
        }
        end
    }

    /// Polls the event loop for as long as the connection lasts.
    async fn converse(&self, events: &mut Events) -> ConnectError {
        loop {
            match events.next().await.and_then(|happening| self.session.apply(happening)) {
                Ok(()) => {}
                Err(error) => return error,
            }
        }
    }

    /// Waits until the connection has to end.
    async fn watch(&self) -> End {
        loop {
            let now = Instant::now();
            if let Some(end) = self.session.overdue(now) {
                return end;
            }
            select! {
                () = sleep_until(self.session.next_look(now)) => {}
                () = self.session.wake.notified() => {}
            }
        }
    }

    /// Says goodbye and reads on until the broker has closed: a socket that is closed with something unread
    /// resets the connection, and the broker then never reads our last acknowledgements.
    async fn say_goodbye(&self, events: &mut Events) {
        if self.session.say_goodbye() {
            while events.next().await.is_ok() {}
        }
    }

    async fn reconnect_or_drained(&self) {
        while !self.session.take_reconnect() && !self.session.is_drained() {
            self.session.wake.notified().await;
        }
    }

    async fn close_deadline(&self) {
        let mut state = self.session.closing.subscribe();
        let closing = state.wait_for(Option::is_some).await.map(|deadline| *deadline);
        if let Ok(Some(deadline)) = closing {
            sleep_until(deadline + GOODBYE).await;
        }
    }
}

async fn connect(options: &Options) -> Result<(Requests, Events, protocol::Accepted), ConnectError> {
    let tls = options.tls.as_ref().map(|options| tls::check(options, unix_seconds())).transpose()?;
    let host = &options.address.host;
    // rumqttc resolves the name again; asked here it gives an error of its own.
    if let Err(error) = lookup_host(options.address.to_string()).await {
        return Err(ConnectError::Dns { host: host.clone(), reason: error.to_string() });
    }
    let (requests, mut events) = protocol::open(options, tls);
    match events.next().await? {
        Happening::Accepted(accepted) => Ok((requests, events, accepted)),
        _ => Err(ConnectError::not_accepted()),
    }
}

fn backoff(options: &Options) -> Backoff {
    Backoff::new(options.backoff_initial, options.backoff_maximum).reset_after(options.stable_after)
}

/// The wall clock, for nothing but the dates of certificates.
fn unix_seconds() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a certificate is valid by the wall clock, which rustls asks too"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
