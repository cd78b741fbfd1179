//! The handle of a connection, for everyone who publishes or subscribes. Cheap to clone; never waits for the
//! network itself.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use crate::driver::Driver;
use crate::error::{PublishError, SubscribeError};
use crate::inbound::Inbound;
use crate::message::{Publish, QoS};
use crate::options::{Options, OptionsError, Version};
use crate::protocol;
use crate::session::{Entry, Session};
use crate::state::{Counters, State};
use crate::topic;

/// A handle to one MQTT connection. It is made, kept and made again by the [`Driver`] that came with it.
#[derive(Clone)]
pub struct Connection {
    session: Arc<Session>,
}

impl Connection {
    /// Checks what can be known of the options without a broker. Certificates have a check of their own, [`crate::tls::check`].
    pub fn check(options: &Options) -> Result<(), OptionsError> {
        options.check()?;
        let max = options.max_packet_size as usize;
        for (option, publish) in [("will.payload", &options.will), ("birth.payload", &options.birth)] {
            let size = publish.as_ref().map_or(0, |publish| protocol::encoded_size(publish, options));
            if size > max {
                return Err(OptionsError::TooLarge { option, size, max });
            }
        }
        Ok(())
    }

    /// Checks the options and prepares a connection. Nothing happens before the driver runs. Subscribe
    /// before that, or [`Connection::expect`] who will: what comes for nobody in a resumed session is thrown away.
    pub fn new(options: Options) -> Result<(Self, Driver), OptionsError> {
        Self::check(&options)?;
        let session = Arc::new(Session::new(options));
        Ok((Self { session: Arc::clone(&session) }, Driver::new(session)))
    }

    /// Publishes and waits: for the broker's acknowledgement (at least once) or until the message is written
    /// (at most once), across as many reconnections as it takes. Dropping the future does not take a message
    /// back that is in the outbox already.
    pub async fn publish(&self, publish: Publish) -> Result<(), PublishError> {
        self.enqueue(publish).await?.await
    }

    /// Puts a message into the outbox, waiting for room if it is full, and returns the receipt to wait for.
    /// So one task can have many messages under way; they are sent in the order in which this was called.
    pub async fn enqueue(&self, publish: Publish) -> Result<Receipt, PublishError> {
        self.put(publish, false).await
    }

    /// Like [`Connection::enqueue`], for a caller who keeps the message and sends it in another way if need be: dropping
    /// the receipt takes the message back, unless it is on its way to the broker; then it is not sent again.
    pub async fn enqueue_while_awaited(&self, publish: Publish) -> Result<Receipt, PublishError> {
        self.put(publish, true).await
    }

    async fn put(&self, publish: Publish, only_while_awaited: bool) -> Result<Receipt, PublishError> {
        topic::check_name(&publish.topic)?;
        let (size, share) = self.measure(&publish)?;
        let room = Arc::clone(&self.session.room).acquire_many_owned(share).await;
        let room = room.map_err(|_closed| PublishError::Closed)?;
        let (receipt, ended) = oneshot::channel();
        let sequence = self.session.push(Entry { publish, size, receipt, room, only_while_awaited })?;
        let withdrawal = only_while_awaited.then(|| (Arc::clone(&self.session), sequence));
        Ok(Receipt { ended, withdrawal })
    }

    /// Subscribes to a filter. Up to `capacity` messages wait for the subscriber, never fewer than may be in
    /// flight, so that only a broker that ignores the in-flight limit can overrun it. A message goes once to
    /// each subscriber whose filter matches.
    ///
    /// When the lane of one subscriber is full, messages at most once are dropped and counted. For those at
    /// least once, nothing further is taken on this connection; once everything taken is acknowledged the
    /// session is resumed on a new one, on which the broker delivers the rest. If the session cannot be
    /// resumed the lane grows instead, bounded by the broker's own window.
    pub fn subscribe(&self, filter: &str, qos: QoS, capacity: usize) -> Result<Inbound, SubscribeError> {
        self.subscribe_all(&[filter], qos, capacity)
    }

    /// Subscribes to several filters at once, each of them only once: a message that more than one of them match comes
    /// once. For the rest as [`Connection::subscribe`].
    pub fn subscribe_all(
        &self,
        filters: &[&str],
        qos: QoS,
        capacity: usize,
    ) -> Result<Inbound, SubscribeError> {
        filters.iter().try_for_each(|filter| topic::check_filter(filter))?;
        let least = usize::from(self.session.lock().options.inflight);
        let (lane, wake) = self.session.subscribe(filters, qos, capacity.max(least));
        Ok(Inbound::new(Arc::clone(&self.session), lane, wake))
    }

    /// Says that somebody will subscribe to `filters`: until [`Expected`] is dropped, what comes for them waits for the
    /// operation time-out. Without it the broker hears at once that it was received, and it is thrown away.
    pub fn expect(&self, filters: &[&str]) -> Expected {
        Expected { session: Arc::clone(&self.session), number: self.session.expect(filters) }
    }

    /// Says which filters an earlier run had in this session, before the driver runs. The broker is told to forget those
    /// that nobody has subscribed to, or is expected to.
    pub fn remember(&self, filters: impl IntoIterator<Item = String>) {
        self.session.lock().known.add(filters);
    }

    /// The filters that the broker may have in this session, and their changes from now on; for
    /// [`Connection::remember`] in the next run.
    pub fn filters(&self) -> watch::Receiver<BTreeSet<String>> {
        self.session.lock().known.watch()
    }

    /// How many messages a broker is known to send before it waits for acknowledgements: with MQTT 5 as many
    /// as we allow; with 3.1.1 it decides, and 20, mosquitto's default, is the least that is common.
    pub fn receive_window(&self) -> usize {
        let inner = self.session.lock();
        let allowed = usize::from(inner.options.inflight);
        if inner.options.version == Version::V5 { allowed } else { allowed.min(20) }
    }

    /// The state now and its changes from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.session.state.subscribe()
    }

    /// How it connects at present.
    pub fn options(&self) -> Options {
        self.session.lock().options.clone()
    }

    /// Numbers since the beginning, and what waits now.
    pub fn counters(&self) -> Counters {
        self.session.counters()
    }

    /// Ends the connection, if there is one, and makes a new one with other options: renewed certificates,
    /// for instance. Outbox and subscribers stay; the size of the outbox does too. Check renewed certificates
    /// with [`crate::tls::check`] first: with faulty ones there is no connection until they are replaced.
    pub fn reconnect_with(&self, options: Options) -> Result<(), OptionsError> {
        Self::check(&options)?;
        self.session.reconnect_with(options);
        Ok(())
    }

    /// Closes the connection for good: accepts nothing more, sends what the outbox and the acknowledgements
    /// hold for at most `within`, then says goodbye to the broker. Returns once that is done.
    pub async fn close(&self, within: Duration) {
        self.session.begin_close(within);
        let mut state = self.session.state.subscribe();
        state
            .wait_for(|state| *state == State::Closed)
            .await
            .expect("the session holds the sender and is held");
    }

    /// The size of a message on the wire, and its share of the outbox: its bytes, but at least so many that
    /// the number of messages is limited too.
    fn measure(&self, publish: &Publish) -> Result<(usize, u32), PublishError> {
        let inner = self.session.lock();
        let options = &inner.options;
        let (size, max) = (protocol::encoded_size(publish, options), options.max_packet_size as usize);
        if size > max {
            return Err(PublishError::TooLarge { size, max });
        }
        let share = size.clamp(options.outbox_bytes / options.outbox_messages, options.outbox_bytes);
        Ok((size, u32::try_from(share).expect("the options limit the outbox to 512 MiB")))
    }
}

/// Somebody who will subscribe. To be dropped after that, or when it will never be.
pub struct Expected {
    session: Arc<Session>,
    number: u64,
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.session.expect_no_more(self.number);
    }
}

/// What comes of a message in the outbox. Dropping it takes the message back only after
/// [`Connection::enqueue_while_awaited`].
pub struct Receipt {
    ended: oneshot::Receiver<Result<(), PublishError>>,
    /// Where the message can be taken back, and under which number.
    withdrawal: Option<(Arc<Session>, u64)>,
}

impl fmt::Debug for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Receipt").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.ended.close();
        if let Some((session, sequence)) = self.withdrawal.take() {
            session.withdraw(sequence);
        }
    }
}

impl Future for Receipt {
    type Output = Result<(), PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = Pin::new(&mut self.ended).poll(context);
        if ended.is_ready() {
            self.withdrawal = None;
        }
        ended.map(|ended| ended.unwrap_or(Err(PublishError::Closed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Address;

    #[test]
    fn an_announcement_that_no_packet_can_carry_is_named() {
        let options = Options::new(Address::parse("mqtt://broker").expect("valid"), "id");
        let options = Options { max_packet_size: 128, ..options };
        let message = |length: usize| Some(Publish::new("a", "x".repeat(length)));
        let born = |length| Connection::check(&Options { birth: message(length), ..options.clone() });
        let dying = |length| Connection::check(&Options { will: message(length), ..options.clone() });
        // Two bytes of header, three of the topic, two of the packet id.
        assert_eq!((born(121), dying(121)), (Ok(()), Ok(())));
        let too_large = |option| Err(OptionsError::TooLarge { option, size: 129, max: 128 });
        assert_eq!((born(122), dying(122)), (too_large("birth.payload"), too_large("will.payload")));
    }
}
