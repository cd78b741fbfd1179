//! The shadow service behind a broker: the topics and documents of AWS IoT, for every client that the policy lets ask.

use std::path::PathBuf;
use std::sync::Arc;

use fieldline_broker::{Delivery, Link, LinkError, Message};
use fieldline_core::Clock;
use fieldline_shadow::limits::Limits;
use fieldline_shadow::service::{Service, Store};
use fieldline_shadow::topic::Publication;
use fieldline_store::Storage;

use super::describe;
use super::file_store::{FileStore, FileStoreError};
use crate::blocking::blocking;

/// One subscription for every request, so that requests are answered in the order in which they came.
const REQUESTS: &str = "$aws/things/+/shadow/#";

/// How often tombstones are looked through, in seconds.
const PURGE_EVERY: u64 = 3_600;

/// All shadows of a broker, over a store that may block.
pub(super) struct ShadowService<S> {
    service: Service<S>,
    clock: Clock,
    /// When tombstones are looked through next, in epoch seconds.
    purge_at: u64,
}

impl ShadowService<FileStore> {
    /// The shadows in `folder`.
    pub(super) async fn open(
        storage: Arc<dyn Storage>,
        folder: PathBuf,
        clock: Clock,
    ) -> Result<Self, FileStoreError> {
        let now = seconds(&clock);
        let store = blocking(move || FileStore::open(storage, folder, now)).await?;
        Ok(ShadowService::new(store, clock))
    }
}

impl<S: Store + Send + 'static> ShadowService<S> {
    fn new(store: S, clock: Clock) -> Self {
        let purge_at = seconds(&clock).saturating_add(PURGE_EVERY);
        ShadowService { service: Service::new(store, Limits::default()), clock, purge_at }
    }

    /// Takes requests from now on; they are answered while the future is polled, until the broker has stopped.
    pub(super) fn listen(
        self,
        link: Link,
    ) -> Result<impl Future<Output = ()> + Send + 'static + use<S>, LinkError> {
        let mut requests = link.subscribe(REQUESTS, Delivery::Shared)?;
        let mut shadows = self;
        Ok(async move {
            while let Some(received) = requests.next().await {
                let request = received.message;
                let answers;
                (shadows, answers) = blocking(move || {
                    let answers = shadows.answer(&request.topic, &request.payload);
                    (shadows, answers)
                })
                .await;
                for Publication { topic, payload } in answers {
                    if let Err(error) = link.publish(Message::new(topic, payload)).await {
                        tracing::debug!(%error, "a shadow answer finds no broker");
                    }
                }
            }
        })
    }

    /// The answers to a request, after what it changed has been saved. Blocks as the store does.
    fn answer(&mut self, topic: &str, payload: &[u8]) -> Vec<Publication> {
        let now = seconds(&self.clock);
        let answer = self.service.answer(topic, payload, now);
        if let Some(error) = answer.failure {
            tracing::error!(topic, error = describe(&error), "a shadow request is refused");
        }
        if now >= self.purge_at {
            self.purge_at = now.saturating_add(PURGE_EVERY);
            if let Err(error) = self.service.purge(now) {
                tracing::warn!(error = describe(&error), "deleted shadows are kept longer than needed");
            }
        }
        answer.publications
    }
}

/// Epoch seconds, as shadows count them.
fn seconds(clock: &Clock) -> u64 {
    u64::try_from(clock.time().as_second()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Mutex;
    use std::thread::{ThreadId, current};

    use fieldline_core::TimeSource;
    use fieldline_shadow::document::Record;
    use fieldline_shadow::name::ShadowName;
    use fieldline_shadow::service::{MemoryStore, StoreError};
    use fieldline_store::testing::MemoryStorage;
    use jiff::Timestamp;

    use super::*;

    const UPDATE: &str = "$aws/things/pi/shadow/update";
    const GET: &str = "$aws/things/pi/shadow/get";
    const DELETE: &str = "$aws/things/pi/shadow/delete";

    /// Epoch seconds that stand still.
    struct Still(i64);

    impl TimeSource for Still {
        fn instant(&self) -> std::time::Instant {
            tokio::time::Instant::now().into_std()
        }

        fn time(&self) -> Timestamp {
            Timestamp::from_second(self.0).expect("a time")
        }
    }

    async fn open(storage: &MemoryStorage, now: i64) -> ShadowService<FileStore> {
        let storage = Arc::new(storage.clone());
        let opened = ShadowService::open(storage, "/shadows".into(), Clock::new(Still(now))).await;
        opened.expect("the shadows can be used")
    }

    fn last(answers: &[Publication]) -> &str {
        &answers.last().expect("every request has an answer").payload
    }

    #[tokio::test]
    async fn what_is_accepted_is_there_after_a_restart_and_a_deleted_version_goes_on() {
        let storage = MemoryStorage::new();
        open(&storage, 1_000).await.answer(UPDATE, br#"{"state":{"desired":{"a":1}}}"#);
        let mut shadows = open(&storage, 1_001).await;
        let answers = shadows.answer(GET, b"");
        assert!(last(&answers).starts_with(r#"{"state":{"desired":{"a":1},"#), "{answers:?}");
        shadows.answer(DELETE, b"");
        let mut shadows = open(&storage, 1_002).await;
        let answers = shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}}}"#);
        assert!(last(&answers).contains(r#""version":3"#), "{answers:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_saved_is_refused_and_forgotten() {
        let storage = MemoryStorage::new();
        let mut shadows = open(&storage, 1_000).await;
        storage.set_read_only(true);
        let answers = shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}},"clientToken":"t"}"#);
        assert_eq!(answers.len(), 1, "neither delta nor documents of what was not saved");
        let refused = r#"{"code":500,"message":"Internal service failure","clientToken":"t"}"#;
        assert_eq!(last(&answers), refused);
        let answers = shadows.answer(GET, b"");
        assert!(last(&answers).starts_with(r#"{"code":404,"#), "{answers:?}");
        storage.set_read_only(false);
        let answers = shadows.answer(UPDATE, br#"{"state":{"desired":{"a":1}}}"#);
        assert!(last(&answers).contains(r#""version":1"#), "{answers:?}");
    }

    /// Remembers on which threads it was asked to save.
    #[derive(Clone, Default)]
    struct Watched(Arc<Mutex<Vec<ThreadId>>>);

    impl Store for Watched {
        fn load(&self, name: &ShadowName) -> Result<Option<Record>, StoreError> {
            MemoryStore::default().load(name)
        }

        fn save(&mut self, _name: &ShadowName, _record: Record) -> Result<(), StoreError> {
            self.0.lock().expect("nobody panicked").push(current().id());
            Ok(())
        }

        fn list(&self, _: &str, _: Option<&str>, _: usize) -> Result<Vec<String>, StoreError> {
            Ok(Vec::new())
        }

        fn purge(&mut self, _now: u64) -> Result<usize, StoreError> {
            Ok(0)
        }
    }

    #[tokio::test]
    async fn no_save_holds_up_the_thread_of_the_tasks() {
        use fieldline_broker::{AllowLoopback, Broker, BrokerOptions, Listener};
        use fieldline_mqtt::{Address, Connection, Options, Publish, Scheme};

        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let options = BrokerOptions::new(vec![Listener::plain(listen)], Arc::new(AllowLoopback));
        let broker = Broker::start(options).await.expect("a free port");
        let watched = Watched::default();
        let service = ShadowService::new(watched.clone(), Clock::new(Still(1_000)));
        let answering = service.listen(broker.link()).expect("the broker runs");
        let port = broker.addresses()[0].port();
        let address = Address { scheme: Scheme::Mqtt, host: "127.0.0.1".into(), port };
        let (client, driver) = Connection::new(Options::new(address, "pi")).expect("good options");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let asking = async {
            let mut accepted =
                client.subscribe(&format!("{UPDATE}/accepted"), fieldline_mqtt::QoS::AtLeastOnce, 1);
            let accepted = accepted.as_mut().expect("a topic");
            accepted.subscribed().await.expect("it is granted");
            client.publish(Publish::new(UPDATE, r#"{"state":{}}"#)).await.expect("the broker takes it");
            accepted.next().await.expect("it is accepted").token.acknowledge();
            stop.send(()).expect("the broker runs");
        };
        let serving = broker.run(async { stopped.await.unwrap_or_default() });
        tokio::select! {
            _ = futures::future::join3(asking, serving, answering) => {}
            () = driver.run(pending()) => unreachable!("nobody stops it"),
        }
        let saved_on = watched.0.lock().expect("nobody panicked").clone();
        assert_eq!(saved_on.len(), 1);
        assert_ne!(saved_on[0], current().id());
    }
}
