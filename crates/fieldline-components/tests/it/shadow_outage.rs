//! Shadows over a connection that is lost and made anew; the test is the shadow service.

use std::sync::Arc;

use fieldline_broker::{
    AllowLoopback, Broker, BrokerOptions, Delivery, Link, Listener, Message, Subscription,
};
use fieldline_core::Outcome;
use fieldline_core::connection::Handle;
use fieldline_mqtt::{Address, Connection, Options, Scheme, State};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::clock;
use crate::plant::{SHADOW, next, sink, soon, source, write};

/// A broker, a device's connection to it, and the service's way in.
struct Line {
    handle: Handle,
    connection: Connection,
    options: Options,
    link: Link,
    requests: Subscription,
    /// Ends broker and session when it is dropped.
    _running: JoinSet<()>,
}

impl Line {
    async fn start() -> Self {
        let listen = "127.0.0.1:0".parse().expect("an address");
        let options = BrokerOptions::new(vec![Listener::plain(listen)], Arc::new(AllowLoopback));
        let broker = Broker::start(options).await.expect("a free port");
        let port = broker.addresses()[0].port();
        let address = Address { scheme: Scheme::Mqtt, host: "127.0.0.1".into(), port };
        let options = Options { max_packet_size: 1024, ..Options::new(address, "device".to_owned()) };
        let (connection, driver) = Connection::new(options.clone()).expect("the options are good");
        let link = broker.link();
        let requests = link.subscribe("$aws/things/+/shadow/#", Delivery::Shared).expect("a filter");
        let mut running = JoinSet::new();
        running.spawn(broker.run(std::future::pending()));
        running.spawn(driver.run(std::future::pending()));
        let handle: Handle = Arc::new(connection.clone());
        Line { handle, connection, options, link, requests, _running: running }
    }

    /// Ends the connection; returns when another one stands.
    async fn reconnect(&self) {
        let mut state = self.connection.state();
        let State::Connected { since: before, .. } = *state.borrow() else { panic!("it was connected") };
        self.connection.reconnect_with(self.options.clone()).expect("the options are good");
        let is_new = |state: &State| matches!(state, State::Connected { since, .. } if *since != before);
        soon(state.wait_for(is_new)).await.expect("the session goes on");
    }

    /// Answers the next request, which must be of this kind, with `answer` and the token asked with; gives the
    /// request.
    async fn answer(&mut self, kind: &str, topic: &str, mut answer: Value) -> Value {
        let request = soon(self.requests.next()).await.expect("the broker runs").message;
        assert_eq!(request.topic, format!("{SHADOW}/{kind}"));
        let request: Value = serde_json::from_slice(&request.payload).expect("it is JSON");
        answer["clientToken"] = request["clientToken"].clone();
        let message = Message::new(format!("{SHADOW}/{topic}"), answer.to_string());
        self.link.publish(message).await.expect("the broker runs");
        request
    }
}

#[tokio::test]
async fn a_sink_asks_for_the_document_again_and_writes_to_that() {
    let mut line = Line::start().await;
    let mut sink = sink(line.handle.clone(), "");
    let service = async {
        line.answer("get", "get/rejected", json!({ "code": 404 })).await;
        let accepted = json!({ "state": { "reported": { "a": 1 } }, "version": 1 });
        line.answer("update", "update/accepted", accepted).await
    };
    let (written, request) = tokio::join!(write(sink.as_mut(), &[r#"{"a":1}"#]), service);
    written.expect("it is accepted");
    assert_eq!(request.get("version"), None);
    line.reconnect().await;
    let service = async {
        let document = json!({ "state": { "reported": { "a": 7, "b": 2 } }, "version": 5 });
        line.answer("get", "get/accepted", document).await;
        let accepted = json!({ "state": { "reported": { "a": 1 } }, "version": 6 });
        line.answer("update", "update/accepted", accepted).await
    };
    let (written, request) = tokio::join!(write(sink.as_mut(), &[r#"{"a":1,"b":2}"#]), service);
    written.expect("it is accepted");
    assert_eq!((&request["state"], &request["version"]), (&json!({ "reported": { "a": 1 } }), &json!(5)));
}

#[tokio::test]
async fn a_source_asks_what_was_changed_while_the_connection_was_lost() {
    let mut line = Line::start().await;
    let mut source = source(line.handle.clone(), "").await;
    let document = |version: u64| json!({ "state": { "delta": { "a": version } }, "version": version });
    for version in [3, 4] {
        let service = line.answer("get", "get/accepted", document(version));
        let ((_, body, meta), _) = tokio::join!(next(source.as_mut()), service);
        assert_eq!(body, json!({ "a": version }));
        assert_eq!(meta.get("client_token"), None);
        line.reconnect().await;
    }
}

#[tokio::test]
async fn a_document_that_is_too_large_fails_with_its_beginning_and_the_next_one_comes() {
    let mut line = Line::start().await;
    let mut source = source(line.handle.clone(), "").await;
    let document =
        |version: u64, value: &str| json!({ "state": { "delta": { "a": value } }, "version": version });
    let large = "x".repeat(2000);
    let service = line.answer("get", "get/accepted", document(3, &large));
    let clock = clock();
    let (batch, _) = tokio::join!(soon(source.next(&clock)), service);
    let batch = batch.expect("it goes on").expect("a batch");
    let [(draft, error)] = batch.failed.as_slice() else { panic!("one failure, not {batch:?}") };
    assert_eq!(error.reason, "packet_too_large");
    assert_eq!(draft.meta.topic.as_deref(), Some(format!("{SHADOW}/get/accepted").as_str()));
    let text = draft.body.as_map().and_then(|body| body.get("text")?.as_text()).expect("its beginning");
    assert!(text.len() == 1024 && text.contains("xxx"), "{text}");
    source.settle(batch.token, Outcome::Delivered).await.expect("it is acknowledged");

    let delta = json!({ "state": { "a": "small" }, "version": 4 });
    let message = Message::new(format!("{SHADOW}/update/delta"), delta.to_string());
    line.link.publish(message).await.expect("the broker runs");
    assert_eq!(next(source.as_mut()).await.1, json!({ "a": "small" }));
}
