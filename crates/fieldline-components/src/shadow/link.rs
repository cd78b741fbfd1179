//! [`Link`]: the way of a shadow client to its service over an MQTT connection that comes and goes. It knows nothing
//! of shadows but their topics; what to say is decided by `fieldline_shadow::client`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fieldline_core::ComponentError;
use fieldline_mqtt::{
    Connection, Expected, Inbound, Message, Publish, PublishError, QoS, Receipt, State, SubscribeError,
};
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::topic::{Kind, Publication, Topic};
use futures::FutureExt;
use futures::future::{select_all, try_join_all};
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Messages of one topic that wait to be taken.
const CAPACITY: usize = 64;

/// What a client has to be told.
pub enum Happening {
    /// The connection is up and everything is subscribed to.
    Online,
    /// The connection is down.
    Offline,
    /// The service, or somebody who pretends to be it, said something.
    Message(Box<Message>),
    /// It is the time the client wanted to be woken at.
    Due,
}

/// Subscriptions to the topics of one shadow, and what is on its way to the service.
pub struct Link {
    connection: Arc<Connection>,
    inbounds: Vec<Inbound>,
    state: watch::Receiver<State>,
    /// The connection on which the client knows that it is online.
    online: Option<Instant>,
    outgoing: VecDeque<Publication>,
    receipts: FuturesUnordered<Receipt>,
    origin: Instant,
}

impl Link {
    /// Subscribes to what the service says of these kinds.
    pub fn new(
        connection: &Arc<Connection>,
        name: &ShadowName,
        kinds: &[Kind],
        qos: QoS,
    ) -> Result<Self, ComponentError> {
        let topics = kinds.iter().map(|kind| Topic::new(name, *kind).to_string());
        let inbounds = topics.map(|topic| connection.subscribe(&topic, qos, CAPACITY));
        Ok(Link {
            inbounds: inbounds.collect::<Result<_, _>>().map_err(subscribe_error)?,
            connection: connection.clone(),
            state: connection.state(),
            online: None,
            outgoing: VecDeque::new(),
            receipts: FuturesUnordered::new(),
            origin: Instant::now(),
        })
    }

    /// Says that a link to these kinds is about to be made.
    pub fn expect(connection: &Connection, name: &ShadowName, kinds: &[Kind]) -> Expected {
        let topics: Vec<String> = kinds.iter().map(|kind| Topic::new(name, *kind).to_string()).collect();
        connection.expect(&topics.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Time as clients count it: since the link was made.
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Publishes with the next call of [`Link::next`].
    pub fn publish(&mut self, publication: Publication) {
        self.outgoing.push_back(publication);
    }

    /// Tells the client anew that it is online, as if it had connected just now.
    pub fn begin_again(&mut self) {
        self.online = None;
    }

    /// Publishes what is to be published and waits for what happens next, at the latest until `wake_at`. What
    /// has come already is told before the time is. Cancel-safe: a publication leaves the queue when it is in
    /// the session's outbox, and a message is taken only when it is returned.
    pub async fn next(&mut self, wake_at: Option<Duration>) -> Result<Happening, ComponentError> {
        loop {
            self.flush().await?;
            let connected = match &*self.state.borrow_and_update() {
                State::Connected { since, .. } => Some(*since),
                State::Connecting | State::Disconnected { .. } | State::Closed => None,
            };
            if self.online.is_some() && self.online != connected {
                self.online = None;
                return Ok(Happening::Offline);
            }
            if connected.is_some() && self.online.is_none() {
                let granted = try_join_all(self.inbounds.iter_mut().map(Inbound::subscribed));
                tokio::select! {
                    _ = self.state.changed() => continue,
                    granted = granted => granted.map_err(subscribe_error)?,
                };
                self.online = connected;
                return Ok(Happening::Online);
            }
            let woken = wake_at.map(|after| self.origin + after);
            tokio::select! {
                biased;
                Ok(()) = self.state.changed() => {}
                (message, ..) = select_all(self.inbounds.iter_mut().map(|inbound| inbound.next().boxed())) => {
                    return message.map(|message| Happening::Message(Box::new(message))).map_err(subscribe_error);
                }
                Some(published) = self.receipts.next() => match published {
                    Err(error) if error.is_permanent() => return Err(publish_error(error)),
                    // What did not arrive is not answered, and the client asks again.
                    Err(_) | Ok(()) => {}
                },
                () = async { sleep_until(woken.unwrap_or(self.origin)).await }, if woken.is_some() => {
                    return Ok(Happening::Due);
                }
            }
        }
    }

    async fn flush(&mut self) -> Result<(), ComponentError> {
        while let Some(Publication { topic, payload }) = self.outgoing.front() {
            let publish = Publish::new(topic.clone(), payload.clone());
            let receipt = self.connection.enqueue(publish).await;
            self.receipts.push(receipt.map_err(publish_error)?);
            self.outgoing.pop_front();
        }
        Ok(())
    }
}

fn subscribe_error(error: SubscribeError) -> ComponentError {
    ComponentError::retryable("subscribe", error)
}

fn publish_error(error: PublishError) -> ComponentError {
    match error.is_permanent() {
        true => ComponentError::permanent("publish", error),
        false => ComponentError::retryable("publish", error),
    }
}
