//! The `shadow` source: what others want of a device, or what becomes of its shadow, also of what was changed while
//! nobody listened.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, Channel, CheckCx, Clock, ComponentError, Config, Direction, Draft,
    EventError, Example, Facts, FieldPath, Kind, Meta, Outcome, Period, Source, Value,
};
use fieldline_mqtt::{AckToken, Expected, Message, QoS};
use fieldline_shadow::client::{self, Change, Content, DeltaTracker, TrackerAction};
use fieldline_shadow::json::Object;
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::topic::Topic;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::connections::mqtt::{MqttHandle, too_large};
use crate::fields::check_not_zero;
use crate::shadow::link::{Happening, Link};
use crate::shadow::{check_shadow_name, default_timeout, retry, shadow_name, to_value, token_prefix};

/// The fields of a `shadow` source.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShadowSourceConfig {
    /// The connection to the broker with the shadow service.
    connection: String,
    /// The thing whose shadow it is.
    thing: String,
    /// The name of a named shadow; the classic shadow without it.
    shadow: Option<String>,
    /// What is followed.
    #[serde(default)]
    watch: Watch,
    /// How long the service may take for the first answer. It is asked three times in all, then the source backs off.
    #[serde(default = "default_timeout")]
    timeout: Period,
}

/// What of a shadow is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Watch {
    /// All that is desired and not reported, whenever that changes.
    #[default]
    Delta,
    /// What changes in the desired state, null for what is gone.
    Desired,
    /// Each change of the document, as `{ "previous": …, "current": … }`.
    Documents,
}

impl Watch {
    fn of_client(self) -> client::Watch {
        match self {
            Watch::Delta => client::Watch::Delta,
            Watch::Desired => client::Watch::Desired,
            Watch::Documents => client::Watch::Documents,
        }
    }
}

impl Config for ShadowSourceConfig {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "shadow";
    const SUMMARY: &'static str =
        "Follows a device shadow: each change once and in order, also those made while nobody listened.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What a device should do and does not yet",
            config: "connection: cloud\nthing: bme680",
            input: "",
            output: "",
        },
        Example {
            title: "Every change of a named shadow",
            config: "connection: cloud\nthing: bme680\nshadow: settings\nwatch: documents",
            input: "",
            output: "",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_shadow_name(cx, &self.thing, self.shadow.as_deref());
        check_not_zero(cx, "timeout", self.timeout);
    }

    fn facts(&self) -> Facts {
        let name = shadow_name(&self.thing, self.shadow.as_deref()).ok();
        let channel = name.map(|name| Channel {
            direction: Direction::In,
            address: Topic::new(&name, self.watch.of_client().kind()).to_string(),
            field: FieldPath::root().key("thing"),
        });
        Facts {
            connection: Some((FieldPath::root().key("connection"), self.connection.clone())),
            connection_type: Some("mqtt"),
            channels: channel.into_iter().collect(),
            ..Facts::default()
        }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let name = shadow_name(&self.thing, self.shadow.as_deref()).map_err(BuildError::new)?;
        let follower =
            Follower { name, watch: self.watch, timeout: self.timeout, prefix: token_prefix(cx.node) };
        let connection = cx.connection::<MqttHandle>(&self.connection)?;
        let kinds = self.watch.of_client().kinds();
        Ok(Built::Source(Box::new(ShadowSource {
            expected: Some(Link::expect(&connection, &follower.name, &kinds)),
            connection,
            tracker: follower.tracker(),
            follower,
            link: None,
            unsettled: BTreeMap::new(),
            next_token: 0,
            undelivered: false,
        })))
    }
}

/// What makes a tracker.
struct Follower {
    name: ShadowName,
    watch: Watch,
    timeout: Period,
    prefix: String,
}

impl Follower {
    /// A tracker that has seen nothing.
    fn tracker(&self) -> DeltaTracker {
        DeltaTracker::new(self.name.clone(), self.watch.of_client(), retry(self.timeout), &self.prefix)
    }
}

struct ShadowSource {
    connection: Arc<MqttHandle>,
    /// Until it has subscribed: what the broker has for it waits.
    expected: Option<Expected>,
    follower: Follower,
    tracker: DeltaTracker,
    link: Option<Link>,
    unsettled: BTreeMap<u64, AckToken>,
    next_token: u64,
    /// Something was not delivered: `next` fails, so that the driver waits before it connects anew.
    undelivered: bool,
}

#[async_trait]
impl Source for ShadowSource {
    /// The tracker stays: it knows which versions were passed on already.
    async fn connect(&mut self, _clock: &Clock) -> Result<(), ComponentError> {
        match &mut self.link {
            Some(link) => link.begin_again(),
            None => {
                let kinds = self.follower.watch.of_client().kinds();
                let link = Link::new(&self.connection, &self.follower.name, &kinds, QoS::AtLeastOnce);
                self.link = Some(link?);
                self.expected = None;
            }
        }
        Ok(())
    }

    /// Cancel-safe: what the link has told is worked on without another `await`.
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        if std::mem::take(&mut self.undelivered) {
            self.tracker = self.follower.tracker();
            let message = "a change was not delivered, the shadow is asked for again";
            return Err(ComponentError::retryable("undelivered", message));
        }
        loop {
            let Some(link) = &mut self.link else { return Ok(None) };
            let happening = link.next(self.tracker.wake_at()).await;
            let happening = happening.map_err(ComponentError::into_retryable)?;
            let now = link.now();
            match happening {
                Happening::Online => publish(link, self.tracker.connected(now)),
                Happening::Offline => self.tracker.disconnected(),
                Happening::Due => match self.tracker.tick(now) {
                    Some(TrackerAction::NoAnswer) => {
                        let message = "the shadow service does not answer";
                        return Err(ComponentError::retryable("no_answer", message));
                    }
                    action => publish(link, action),
                },
                Happening::Message(message) => {
                    if let Some(error) = too_large(&message) {
                        return Ok(Some(self.failed(meta(&message, clock), *message, error)));
                    }
                    match self.tracker.received(&message.topic, &message.payload, now) {
                        Some(TrackerAction::Changed(change)) => {
                            return Ok(Some(self.batch(change, *message, clock)));
                        }
                        Some(TrackerAction::Deleted) => {
                            tracing::info!(shadow = %self.follower.name, "the shadow was deleted");
                        }
                        action => publish(link, action),
                    }
                    message.token.acknowledge();
                }
            }
        }
    }

    /// What was not delivered is asked for again, as it is then: a state does not need each step to it.
    async fn settle(&mut self, token: u64, outcome: Outcome) -> Result<(), ComponentError> {
        if let Some(message) = self.unsettled.remove(&token) {
            message.acknowledge();
            self.undelivered |= matches!(outcome, Outcome::Retryable | Outcome::Lost);
        }
        Ok(())
    }

    async fn close(&mut self) {
        self.link = None;
    }
}

impl ShadowSource {
    /// A message that could not be read.
    fn failed(&mut self, meta: Meta, message: Message, error: EventError) -> Batch {
        let text = String::from_utf8_lossy(&message.payload).into_owned();
        let draft = Draft { body: Value::from([("text", text.into())]), meta };
        self.hand_over(message, Batch { failed: vec![(draft, error)], ..Batch::default() })
    }

    fn hand_over(&mut self, message: Message, batch: Batch) -> Batch {
        let token = self.next_token;
        self.next_token += 1;
        self.unsettled.insert(token, message.token);
        Batch { token, ..batch }
    }

    fn batch(&mut self, change: Change, message: Message, clock: &Clock) -> Batch {
        let mut meta = meta(&message, clock);
        let version = i64::try_from(change.version).unwrap_or(i64::MAX);
        meta.fields.insert("version".into(), Value::Int(version));
        if let Some(token) = change.client_token {
            meta.fields.insert("client_token".into(), token.into());
        }
        match to_value(body(change.content)) {
            Ok(body) => self.hand_over(message, Batch::one(body, meta)),
            Err(error) => self.failed(meta, message, EventError::new("not_json", error.to_string())),
        }
    }
}

fn meta(message: &Message, clock: &Clock) -> Meta {
    let mut meta = Meta::new(clock.time(), "".into());
    meta.topic = Some(message.topic.as_str().into());
    meta
}

fn body(content: Content) -> Object {
    match content {
        Content::Delta(delta) => delta,
        Content::Desired { patch, .. } => patch,
        Content::Documents { previous, current } => {
            [("previous".to_owned(), previous), ("current".to_owned(), current)].into_iter().collect()
        }
    }
}

/// Publishes what the tracker wants published.
fn publish(link: &mut Link, actions: impl IntoIterator<Item = TrackerAction>) {
    for action in actions {
        if let TrackerAction::Publish(publication) = action {
            link.publish(publication);
        }
    }
}
