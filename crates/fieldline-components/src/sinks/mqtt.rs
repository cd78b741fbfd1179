//! The `mqtt` sink: publishes events to topics of a broker.

use std::sync::Arc;

use async_trait::async_trait;
use fieldline_core::{
    BuildCx, BuildError, Built, Channel, CheckCx, ComponentError, Config, Direction, Event, Example, Facts,
    FieldPath, Kind, Session, Sink, Value, WriteError, json,
};
use fieldline_mqtt::{Publish, PublishError, QoS, Receipt};
use futures::FutureExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connections::mqtt::{MqttHandle, check_topic};
use crate::template::Template;

/// The fields of an `mqtt` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttSinkConfig {
    /// The connection to the broker.
    connection: String,
    /// The topic. `{{ event.path }}`, `{{ meta.topic }}` and levels of it such as `{{ meta.topic[0] }}`, `[-1]`, `[1..]` and
    /// `[..2]` are filled in per event, behind fixed text.
    topic: String,
    /// 0: sent once. 1: sent until the broker has acknowledged it.
    #[serde(default = "at_least_once")]
    #[schemars(range(min = 0, max = 1))]
    qos: u8,
    /// Whether the broker keeps the last message for later subscribers.
    #[serde(default)]
    retain: bool,
    /// What the payload is.
    #[serde(default)]
    encode: Encode,
}

/// How a body becomes a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Encode {
    /// The body as JSON.
    #[default]
    Json,
    /// The field `payload` or `text` as it is.
    Raw,
}

fn at_least_once() -> u8 {
    1
}

impl Config for MqttSinkConfig {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "mqtt";
    const SUMMARY: &'static str =
        "Publishes events to an MQTT broker; with QoS 1 done when the broker has acknowledged.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "One topic for each station",
        config: "connection: plant\ntopic: \"factoryA/line22/{{ event.station }}/temperature\"",
        input: "",
        output: "",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        match Template::parse_topic(&self.topic) {
            Err(error) => {
                cx.error("bad-topic", "topic", format!("`{}` is no topic: {error}", self.topic))
                    .help("write for example `factoryA/line22/{{ event.station }}/temperature`");
            }
            Ok(template) => check_topic(cx, "topic", &template.sample(), false),
        }
        if self.qos > 1 {
            cx.error("bad-qos", "qos", format!("`{}` is no quality of service", self.qos))
                .help("use 1 (at least once) or 0 (at most once); exactly once is not offered");
        }
        if self.retain && self.topic.starts_with("$aws/") {
            cx.error("retain-reserved", "retain", "AWS IoT refuses retained messages on its reserved topics")
                .help("remove `retain`");
        }
    }

    fn facts(&self) -> Facts {
        let field = FieldPath::root().key("topic");
        Facts {
            connection: Some((FieldPath::root().key("connection"), self.connection.clone())),
            connection_type: Some("mqtt"),
            session: (self.qos > 0).then(|| Session::Needed(FieldPath::root().key("qos"))),
            channels: Template::parse_topic(&self.topic)
                .map(|topic| Channel { direction: Direction::Out, address: topic.topic_filter(), field })
                .into_iter()
                .collect(),
            ..Facts::default()
        }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(MqttSink {
            connection: cx.connection::<MqttHandle>(&self.connection)?,
            topic: Template::parse_topic(&self.topic).map_err(BuildError::new)?,
            qos: if self.qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce },
            retain: self.retain,
            encode: self.encode,
            under_way: Vec::new(),
        })))
    }
}

struct MqttSink {
    connection: Arc<MqttHandle>,
    topic: Template,
    qos: QoS,
    retain: bool,
    encode: Encode,
    /// The events of the write under way, in their order.
    under_way: Vec<UnderWay>,
}

#[async_trait]
impl Sink for MqttSink {
    /// All events are put into the session's outbox, then all acknowledgements are awaited.
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        self.under_way.clear();
        for event in events {
            let published = match self.publish(event) {
                Ok(publish) => self.connection.enqueue_while_awaited(publish).await.map_err(component_error),
                Err(error) => Err(error),
            };
            self.under_way.push(match published {
                Ok(receipt) => UnderWay::Sent(receipt),
                Err(error) => UnderWay::Ended(Err(error)),
            });
        }
        for under_way in &mut self.under_way {
            if let UnderWay::Sent(receipt) = under_way {
                let ended = receipt.await.map_err(component_error);
                *under_way = UnderWay::Ended(ended);
            }
        }
        let ended = self.under_way.drain(..).enumerate();
        let failed: Vec<_> = ended.filter_map(|(index, event)| Some((index, event.error()?))).collect();
        if failed.is_empty() { Ok(()) } else { Err(WriteError::Some(failed)) }
    }

    /// What the broker has acknowledged. The session takes the others back, or does not send them again.
    fn interrupted(&mut self) -> Vec<usize> {
        let under_way = self.under_way.drain(..).enumerate();
        under_way.filter_map(|(index, event)| event.has_arrived().then_some(index)).collect()
    }
}

/// One event of the write under way.
enum UnderWay {
    Sent(Receipt),
    Ended(Result<(), ComponentError>),
}

impl UnderWay {
    fn error(self) -> Option<ComponentError> {
        match self {
            UnderWay::Sent(_) | UnderWay::Ended(Ok(())) => None,
            UnderWay::Ended(Err(error)) => Some(error),
        }
    }

    fn has_arrived(self) -> bool {
        match self {
            UnderWay::Sent(receipt) => matches!(receipt.now_or_never(), Some(Ok(()))),
            UnderWay::Ended(ended) => ended.is_ok(),
        }
    }
}

impl MqttSink {
    fn publish(&self, event: &Event) -> Result<Publish, ComponentError> {
        let mut topic = String::new();
        let rendered = self.topic.render(event, &mut topic);
        rendered.map_err(|error| ComponentError::Permanent(error.into()))?;
        let payload = match self.encode {
            Encode::Json => json::encode(event.body())
                .map_err(|error| ComponentError::permanent("not_json", error))?
                .into(),
            Encode::Raw => raw(event.body()).ok_or_else(|| {
                ComponentError::permanent(
                    "no_payload",
                    "the event has neither `payload` nor `text` to send as it is",
                )
            })?,
        };
        Ok(Publish { qos: self.qos, retain: self.retain, ..Publish::new(topic, payload) })
    }
}

fn raw(body: &Value) -> Option<bytes::Bytes> {
    let map = body.as_map()?;
    match map.get("payload").or_else(|| map.get("text"))? {
        Value::Bytes(bytes) => Some(bytes.clone()),
        Value::Text(text) => Some(bytes::Bytes::copy_from_slice(text.as_bytes())),
        _ => None,
    }
}

fn component_error(error: PublishError) -> ComponentError {
    let reason = match &error {
        PublishError::InvalidTopic(_) => "bad_topic",
        PublishError::TooLarge { .. } => "too_large",
        PublishError::Refused { .. } => "refused",
        PublishError::ClosesConnection { .. } => "closes_connection",
        PublishError::TimedOut { .. } => "timeout",
        PublishError::Closed => "closed",
    };
    match error.is_permanent() {
        true => ComponentError::permanent(reason, error),
        false => ComponentError::retryable(reason, error),
    }
}
