//! The `mqtt` source: what arrives on topics of a broker.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, Channel, CheckCx, Clock, ComponentError, Config, Direction, Draft,
    EventError, Example, Facts, FieldPath, Kind, Meta, Outcome, Session, Source, Value, json,
};
use fieldline_mqtt::{AckToken, Expected, Inbound, Message, QoS, topic};
use futures::FutureExt;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::connections::mqtt::{MqttHandle, check_topic, too_large};
use crate::time_field::{TimeField, admit};

/// The most messages handed over at once.
const BATCH: usize = 64;

/// Messages that may wait here. With MQTT 3.1.1 the broker decides how many it sends before the first is
/// acknowledged; mosquitto sends some hundreds, whatever it is told.
const WAITING: usize = 1000;

/// The fields of an `mqtt` source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttSourceConfig {
    /// The connection to the broker.
    connection: String,
    /// Topic filters: `factoryA/+/drying/temperature`; `+` is one level, `#` all that follow.
    #[schemars(length(min = 1))]
    topics: Vec<String>,
    /// 0: a message may be lost on the way. 1: the broker sends it again until the last sink has it.
    #[serde(default = "at_least_once")]
    #[schemars(range(min = 0, max = 1))]
    qos: u8,
    /// What the payload is.
    #[serde(default)]
    decode: Decode,
    /// Where a reading says when it was taken, instead of when it arrives. One without a time goes to the dead letter.
    time: Option<TimeField>,
}

/// How a payload becomes a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Decode {
    /// JSON; what is no JSON goes to the dead letter.
    #[default]
    Json,
    /// UTF-8 text, as `{ "text": … }`.
    Text,
    /// Bytes as they are, as `{ "payload": … }`.
    Raw,
}

fn at_least_once() -> u8 {
    1
}

impl Config for MqttSourceConfig {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "mqtt";
    const SUMMARY: &'static str =
        "Receives messages from an MQTT broker and acknowledges them when the last sink has them.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Temperatures of every station of a line",
        config: "connection: plant\ntopics: [\"factoryA/line22/+/temperature\"]",
        input: "",
        output: "",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if self.topics.is_empty() {
            cx.error("bad-topic", "topics", "`topics` is empty").help("name at least one topic filter");
        }
        for (index, topic) in self.topics.iter().enumerate() {
            check_topic(cx, &format!("topics[{index}]"), topic, true);
        }
        if self.qos > 1 {
            cx.error("bad-qos", "qos", format!("`{}` is no quality of service", self.qos))
                .help("use 1 (at least once) or 0 (at most once); exactly once is not offered");
        }
    }

    fn facts(&self) -> Facts {
        let topics = self.topics.iter().enumerate();
        let field = FieldPath::root().key("topics");
        Facts {
            connection: Some((FieldPath::root().key("connection"), self.connection.clone())),
            connection_type: Some("mqtt"),
            session: (self.qos > 0).then(|| Session::Needed(FieldPath::root().key("qos"))),
            channels: topics
                .map(|(index, topic)| Channel {
                    direction: Direction::In,
                    address: topic.clone(),
                    field: field.index(index),
                })
                .collect(),
            ..Facts::default()
        }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let connection = cx.connection::<MqttHandle>(&self.connection)?;
        let topics = uncovered(&self.topics);
        Ok(Built::Source(Box::new(MqttSource {
            expected: Some(connection.expect(&texts(&topics))),
            connection,
            topics,
            qos: if self.qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce },
            decode: self.decode,
            inbound: None,
            time: self.time.clone(),
            unsettled: BTreeMap::new(),
            next_token: 0,
            refused: None,
        })))
    }
}

/// The topics without those that another of them covers: a broker may send a message once for each filter that matches
/// (MQTT 3.1.1 and 5, section 3.3.5), and one message is one event.
fn uncovered(topics: &[String]) -> Vec<String> {
    let is_covered = |index: usize, topic: &str| {
        let mut others = topics.iter().enumerate().filter(|(other, _)| *other != index);
        // Of two that cover each other, which are the same, the first stays.
        others.any(|(other, outer)| {
            topic::covers(outer, topic) && (other < index || !topic::covers(topic, outer))
        })
    };
    let kept = topics.iter().enumerate().filter(|(index, topic)| !is_covered(*index, topic));
    kept.map(|(_, topic)| topic.clone()).collect()
}

fn texts(topics: &[String]) -> Vec<&str> {
    topics.iter().map(String::as_str).collect()
}

struct MqttSource {
    connection: Arc<MqttHandle>,
    topics: Vec<String>,
    /// Until it has subscribed: what the broker has for it waits.
    expected: Option<Expected>,
    qos: QoS,
    decode: Decode,
    inbound: Option<Inbound>,
    time: Option<TimeField>,
    unsettled: BTreeMap<u64, VecDeque<AckToken>>,
    next_token: u64,
    /// Some of the topics, and why the broker refuses them.
    refused: Option<String>,
}

#[async_trait]
impl Source for MqttSource {
    /// While the broker refuses all topics the source stays what the refusal made it; the session asks again.
    async fn connect(&mut self, _clock: &Clock) -> Result<(), ComponentError> {
        if let Some(inbound) = &mut self.inbound {
            inbound.available().await;
            self.note_refused();
            return Ok(());
        }
        let topics = texts(&self.topics);
        let inbound = self.connection.subscribe_all(&topics, self.qos, WAITING * topics.len());
        self.inbound = Some(inbound.map_err(|error| ComponentError::permanent("bad_topic", error))?);
        self.expected = None;
        Ok(())
    }

    /// Cancel-safe: a message is taken from its subscription only when it is returned, and everything
    /// after the one `await` is without another.
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        let Some(inbound) = &mut self.inbound else { return std::future::pending().await };
        let first = inbound.next_of_some().await;
        let mut batch = Batch { token: self.next_token, ..Batch::default() };
        let mut tokens = VecDeque::new();
        self.next_token += 1;
        let mut next = first.map_err(|error| ComponentError::retryable("subscribe", error))?;
        while let Some(message) = next {
            tokens.push_back(take(message, self.decode, self.time.as_ref(), clock, &mut batch));
            next = match tokens.len() < BATCH {
                true => inbound.next_of_some().now_or_never().and_then(Result::ok).flatten(),
                false => None,
            };
        }
        self.note_refused();
        self.unsettled.insert(batch.token, tokens);
        Ok(Some(batch))
    }

    async fn settle(&mut self, token: u64, outcome: Outcome) -> Result<(), ComponentError> {
        let tokens = self.unsettled.remove(&token).unwrap_or_default();
        if outcome == Outcome::Delivered {
            tokens.into_iter().for_each(AckToken::acknowledge);
        }
        Ok(())
    }

    fn lacks(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    fn is_stalled(&self) -> bool {
        let waiting: usize = self.unsettled.values().map(VecDeque::len).sum();
        waiting >= self.connection.receive_window()
    }

    async fn close(&mut self) {
        self.inbound = None;
    }
}

impl MqttSource {
    fn note_refused(&mut self) {
        let refusal = self.inbound.as_ref().and_then(Inbound::refusal);
        self.refused = refusal.map(|refusal| refusal.to_string());
    }
}

/// Puts a message into the batch, as an event or as what failed to become one.
fn take(
    message: Message,
    decode: Decode,
    time: Option<&TimeField>,
    clock: &Clock,
    batch: &mut Batch,
) -> AckToken {
    let too_large = too_large(&message);
    let mut meta = Meta::new(clock.time(), "".into());
    meta.topic = Some(message.topic.into());
    for (name, set) in [("retain", message.retain), ("duplicate", message.duplicate)] {
        if set {
            meta.fields.insert(name.into(), Value::Bool(true));
        }
    }
    match too_large {
        None => read_into(&message.payload, decode, meta, time, batch),
        Some(error) => batch.failed.push((refused(&message.payload, meta), error)),
    }
    message.token
}

/// Reads a payload into `batch`: as an event, or as what is none.
fn read_into(payload: &Bytes, decode: Decode, meta: Meta, time: Option<&TimeField>, batch: &mut Batch) {
    match read(payload, decode) {
        Ok(body) => admit(Draft { body, meta }, time, batch),
        Err(error) => batch.failed.push((refused(payload, meta), error)),
    }
}

/// What goes to the dead letter: the payload as text, or as it is.
fn refused(payload: &Bytes, meta: Meta) -> Draft {
    Draft { body: text(payload).unwrap_or_else(|_| raw(payload)), meta }
}

fn read(payload: &Bytes, decode: Decode) -> Result<Value, EventError> {
    match decode {
        Decode::Raw => Ok(raw(payload)),
        Decode::Text => {
            text(payload).map_err(|error| EventError::new("not_text", format!("not UTF-8: {error}")))
        }
        Decode::Json => json::decode(payload).map_err(|error| EventError::new("not_json", error.to_string())),
    }
}

fn raw(payload: &Bytes) -> Value {
    Value::from([("payload", Value::Bytes(payload.clone()))])
}

fn text(payload: &Bytes) -> Result<Value, std::str::Utf8Error> {
    std::str::from_utf8(payload).map(|text| Value::from([("text", Value::from(text))]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::rubbish::Rubbish;

    #[test]
    fn a_topic_within_another_is_not_subscribed_to_again() {
        let uncovered = |topics: &[&str]| {
            let topics: Vec<String> = topics.iter().map(|topic| (*topic).to_owned()).collect();
            uncovered(&topics)
        };
        assert_eq!(uncovered(&["a/#", "a/b"]), ["a/#"]);
        assert_eq!(uncovered(&["a/b", "c", "a/+", "a/#", "c"]), ["c", "a/#"]);
        assert_eq!(uncovered(&["a/+", "+/b"]), ["a/+", "+/b"]);
    }

    #[test]
    fn every_payload_of_rubbish_is_an_event_or_refused_as_it_came() {
        for (seed, decode) in [(4, Decode::Json), (5, Decode::Text), (6, Decode::Raw)] {
            let rubbish = Rubbish::new(seed);
            let mut batch = Batch::default();
            for line in &rubbish.lines {
                let meta = Meta::new(jiff::Timestamp::UNIX_EPOCH, "test".into());
                read_into(&Bytes::from(line.clone()), decode, meta, None, &mut batch);
            }
            rubbish.account_for(&[batch]);
        }
    }
}
