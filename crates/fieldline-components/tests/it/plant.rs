//! A plant for tests of shadows: an embedded broker on a free port, with or without a shadow service, and somebody
//! who publishes and listens.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldline_core::connection::Handle;
use fieldline_core::{
    Batch, BuildCx, Built, Door, Event, FileError, Files, Kind, Meta, Receipt, Sink, Source, Value,
    WriteError, json,
};
use fieldline_mqtt::{Connection, Inbound, Publish, QoS};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::harness::{clock, definition, read};

/// The topics of the shadow that all tests use begin so.
pub(crate) const SHADOW: &str = "$aws/things/bme680/shadow";

/// There is none.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> Result<bytes::Bytes, FileError> {
        Err(FileError::Missing)
    }
}

/// A connection that runs until it is stopped.
pub(crate) struct Plant {
    handle: Handle,
    pub(crate) connection: Arc<Connection>,
    stop: oneshot::Sender<()>,
    running: JoinSet<()>,
}

impl Plant {
    /// A broker with shadows, kept in `folder`.
    pub(crate) fn with_shadows(folder: &Path) -> Self {
        Plant::start("broker: embedded\nshadows: true", folder)
    }

    /// A broker without: the test is the shadow service.
    pub(crate) fn without_shadows(folder: &Path) -> Self {
        Plant::start("broker: embedded", folder)
    }

    fn start(config: &str, folder: &Path) -> Self {
        let Built::Connection(connection) = build(Kind::Connection, "mqtt", config, None, folder) else {
            panic!("it is a connection")
        };
        let handle = connection.handle();
        let (stop, stopped) = oneshot::channel::<()>();
        let mut running = JoinSet::new();
        let stopped = Box::pin(async { stopped.await.unwrap_or_default() });
        running.spawn(async {
            connection.run(clock(), Arc::new(|_| {}), stopped).await.expect("the broker runs");
        });
        let connection = handle.clone().downcast().expect("it is an MQTT connection");
        Plant { handle, connection, stop, running }
    }

    /// Returns when the folder is free again.
    pub(crate) async fn stop(mut self) {
        self.stop.send(()).expect("it runs");
        self.running.join_next().await.expect("it runs").expect("it ends well");
    }

    pub(crate) fn sink(&self, config: &str) -> Box<dyn Sink> {
        sink(self.handle.clone(), config)
    }

    pub(crate) async fn source(&self, config: &str) -> Box<dyn Source> {
        source(self.handle.clone(), config).await
    }

    /// Listens to a topic of the shadow, from when this returns.
    pub(crate) async fn listen(&self, what: &str) -> Inbound {
        let topic = format!("{SHADOW}/{what}");
        let mut inbound = self.connection.subscribe(&topic, QoS::AtLeastOnce, 64).expect("a topic");
        inbound.subscribed().await.expect("it is granted");
        inbound
    }

    /// Publishes to a topic of the shadow.
    pub(crate) async fn say(&self, what: &str, payload: &str) {
        let publish = Publish::new(format!("{SHADOW}/{what}"), payload.to_owned());
        self.connection.publish(publish).await.expect("the broker takes it");
    }

    /// Changes the shadow, as an application or another program on the device would.
    pub(crate) async fn update(&self, state: &str) -> serde_json::Value {
        let mut accepted = self.listen("update/accepted").await;
        self.say("update", &format!(r#"{{"state":{state},"clientToken":"app"}}"#)).await;
        loop {
            let answer = hear(&mut accepted).await;
            if answer["clientToken"] == "app" {
                return answer;
            }
        }
    }

    /// The document, or why there is none.
    pub(crate) async fn document(&self) -> serde_json::Value {
        let mut answers = self.listen("get/+").await;
        self.say("get", r#"{"clientToken":"app"}"#).await;
        loop {
            let answer = hear(&mut answers).await;
            if answer["clientToken"] == "app" {
                return answer;
            }
        }
    }
}

/// A `shadow` sink on the connection behind `plant`.
pub(crate) fn sink(plant: Handle, config: &str) -> Box<dyn Sink> {
    match build_shadow(Kind::Sink, plant, config) {
        Built::Sink(sink) => sink,
        other => panic!("a {} is no sink", other.kind().word()),
    }
}

/// A `shadow` source on the connection behind `plant`.
pub(crate) async fn source(plant: Handle, config: &str) -> Box<dyn Source> {
    let Built::Source(mut source) = build_shadow(Kind::Source, plant, config) else {
        panic!("it is a source")
    };
    source.connect(&clock()).await.expect("the topics are good");
    source
}

fn build_shadow(kind: Kind, plant: Handle, config: &str) -> Built {
    let config = format!("connection: plant\nthing: bme680\n{config}");
    build(kind, "shadow", &config, Some(plant), Path::new("data"))
}

fn build(kind: Kind, name: &str, config: &str, plant: Option<Handle>, data_dir: &Path) -> Built {
    let cx = BuildCx {
        node: "test/node",
        files: &NoFiles,
        connections: &plant
            .into_iter()
            .map(|handle| ("plant".to_owned(), handle))
            .collect::<BTreeMap<_, _>>(),
        data_dir,
        with: &[],
        clock: &clock(),
        origins: &|_| None,
    };
    read(&definition(kind, name), config).expect("the config fits").build(&cx).expect("it builds")
}

/// The next message, which must come soon.
pub(crate) async fn hear(inbound: &mut Inbound) -> serde_json::Value {
    let message = soon(inbound.next()).await.expect("the subscription stands");
    let payload = serde_json::from_slice(&message.payload).expect("it is JSON");
    message.token.acknowledge();
    payload
}

/// The next batch, which must come soon, as JSON with its token.
pub(crate) async fn next(source: &mut dyn Source) -> (u64, serde_json::Value, Meta) {
    let batch: Batch = soon(source.next(&clock())).await.expect("the service answers").expect("it goes on");
    let [draft] = batch.events.as_slice() else { panic!("one event, not {batch:?}") };
    (batch.token, serde_json::to_value(&draft.body).expect("bodies are JSON"), draft.meta.clone())
}

/// Writes bodies, one batch.
pub(crate) async fn write(sink: &mut dyn Sink, bodies: &[&str]) -> Result<(), WriteError> {
    let event = |body: &&str| {
        let body: Value = json::decode(body.as_bytes()).expect("JSON");
        Event::new(body, Meta::new(Timestamp::UNIX_EPOCH, "test/in".into()), Receipt::untracked())
    };
    let events: Vec<Event> = bodies.iter().map(event).collect();
    let written = soon(sink.write(&events)).await;
    events.into_iter().for_each(|event| event.finish(Door::Delivered));
    written
}

/// Fails a test that would hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes no 20 s")
}
