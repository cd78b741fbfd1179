//! The `shadow` sink: keeps a section of a device shadow as the latest events say. What an event reports is decided
//! in [`selection`]; sending, waiting and trying again is the work of the [`session`].

mod selection;
mod session;

use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use fieldline_core::{
    BuildCx, BuildError, Built, Channel, CheckCx, ComponentError, Config, Direction, Event, Example, Facts,
    FieldPath, Kind, Period, Sink, WriteError, Writes,
};
use fieldline_mqtt::QoS;
use fieldline_shadow::client::{Reporter, ReporterSettings, SectionName};
use fieldline_shadow::limits::Limits;
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::topic::{self, Operation, Topic};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::connections::mqtt::MqttHandle;
use crate::fields::check_not_zero;
use crate::shadow::link::Link;
use crate::shadow::{check_shadow_name, default_timeout, retry, shadow_name, token_prefix};
use selection::{OnFail, Selection};
use session::Session;

/// What a session has to hear of.
const KINDS: [topic::Kind; 5] = [
    topic::Kind::Accepted(Operation::Get),
    topic::Kind::Rejected(Operation::Get),
    topic::Kind::Accepted(Operation::Update),
    topic::Kind::Rejected(Operation::Update),
    topic::Kind::Accepted(Operation::Delete),
];

/// The fields of a `shadow` sink.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShadowSinkConfig {
    /// The connection to the broker with the shadow service.
    connection: String,
    /// The thing whose shadow it is.
    thing: String,
    /// The name of a named shadow; the classic shadow without it.
    shadow: Option<String>,
    /// What is written: `reported`, or `desired` to ask a device for something.
    #[serde(default)]
    section: Section,
    /// The fields of the body that are written, each at its own place; the whole body without it. Other members
    /// of the section stay as they are, and a field that is null is removed from it.
    report: Option<Vec<FieldPath>>,
    /// What an event with `status: fail` does: `keep` leaves the shadow as it is, `null` removes the fields
    /// that are null.
    #[serde(default)]
    on_fail: OnFail,
    /// The least time between two updates. What comes sooner waits and is sent together, the newest value of each
    /// field.
    min_interval: Option<Period>,
    /// How long the service may take for the first answer. It is asked three times in all, then the sink backs off.
    #[serde(default = "default_timeout")]
    timeout: Period,
}

/// The sections of a shadow that can be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Section {
    /// What the device says it is.
    #[default]
    Reported,
    /// What the device should be.
    Desired,
}

impl Config for ShadowSinkConfig {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "shadow";
    const SUMMARY: &'static str =
        "Writes fields to a device shadow; done when the shadow service has accepted them.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The temperature, every 15 seconds at most",
            config: "connection: cloud\nthing: bme680\nreport: [temperature]\nmin_interval: 15s",
            input: "",
            output: "",
        },
        Example {
            title: "Ask a device for something, through its named shadow",
            config: "connection: cloud\nthing: bme680\nshadow: settings\nsection: desired",
            input: "",
            output: "",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_shadow_name(cx, &self.thing, self.shadow.as_deref());
        check_not_zero(cx, "timeout", self.timeout);
        if self.report.as_ref().is_some_and(Vec::is_empty) {
            cx.error("missing-field", "report", "without a field nothing could be reported")
                .help("name a field, or leave `report` out to report whole bodies");
        }
    }

    fn facts(&self) -> Facts {
        let name = shadow_name(&self.thing, self.shadow.as_deref()).ok();
        let channel = name.map(|name| Channel {
            direction: Direction::Out,
            address: Topic::new(&name, topic::Kind::Request(Operation::Update)).to_string(),
            field: FieldPath::root().key("thing"),
        });
        Facts {
            connection: Some((FieldPath::root().key("connection"), self.connection.clone())),
            connection_type: Some("mqtt"),
            channels: channel.into_iter().collect(),
            writes: self.writes(),
            ..Facts::default()
        }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let settings = ReporterSettings {
            section: match self.section {
                Section::Reported => SectionName::Reported,
                Section::Desired => SectionName::Desired,
            },
            limits: Limits::default(),
            interval: self.min_interval.map_or(std::time::Duration::ZERO, |interval| interval.0),
            check_version: true,
            retry: retry(self.timeout),
        };
        Ok(Built::Sink(Box::new(ShadowSink {
            connection: cx.connection::<MqttHandle>(&self.connection)?,
            name: shadow_name(&self.thing, self.shadow.as_deref()).map_err(BuildError::new)?,
            token_prefix: token_prefix(cx.node),
            selection: Selection { fields: self.report.clone(), on_fail: self.on_fail },
            settings,
            session: None,
        })))
    }
}

impl ShadowSinkConfig {
    /// The members of the section that are written.
    fn writes(&self) -> Vec<Writes> {
        let section = match self.section {
            Section::Reported => "reported",
            Section::Desired => "desired",
        };
        let shadow = self.shadow.as_ref().map_or(String::new(), |shadow| format!("/{shadow}"));
        let document = format!("the {section} state of the shadow `{}{shadow}`", self.thing);
        let root = FieldPath::root();
        match &self.report {
            None => vec![Writes { document, member: None, field: root.key("thing") }],
            Some(fields) => {
                let field = |index| root.key("report").index(index);
                let fields = fields.iter().enumerate();
                fields
                    .map(|(index, member)| Writes {
                        document: document.clone(),
                        member: Some(member.clone()),
                        field: field(index),
                    })
                    .collect()
            }
        }
    }
}

struct ShadowSink {
    connection: Arc<MqttHandle>,
    name: ShadowName,
    token_prefix: String,
    selection: Selection,
    settings: ReporterSettings,
    /// `None` after it has failed, so that it listens to nothing until it is begun anew.
    session: Option<Session>,
}

#[async_trait]
impl Sink for ShadowSink {
    /// Cancel-safe: nothing waits.
    async fn connect(&mut self) -> Result<(), ComponentError> {
        self.session = Some(self.begin()?);
        Ok(())
    }

    /// All events are handed over together, so that of several values of a field the newest is sent; each is done
    /// when that one is in the shadow, and fails with the others it was sent with.
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let (mut reports, mut failed) = (Vec::new(), Vec::new());
        for (index, event) in events.iter().enumerate() {
            match self.selection.members_of(event.body()) {
                Ok(Some(members)) => reports.push((index, members)),
                Ok(None) => {}
                Err(error) => failed.push((index, error)),
            }
        }
        if !reports.is_empty() {
            // Taken out, so that a write that fails or is called off leaves nothing half done behind.
            let mut session = match self.session.take() {
                Some(session) => session,
                None => self.begin()?,
            };
            failed.extend(session.write(reports).await?);
            self.session = Some(session);
        }
        failed.sort_by_key(|(index, _)| *index);
        if failed.is_empty() { Ok(()) } else { Err(WriteError::Some(failed)) }
    }

    /// Follows the shadow, so that the next write knows it.
    async fn idle(&mut self) -> Result<(), ComponentError> {
        let Some(session) = &mut self.session else { return pending().await };
        let followed = session.follow().await;
        if followed.is_err() {
            self.session = None;
        }
        followed
    }

    async fn close(&mut self) {
        self.session = None;
    }
}

impl ShadowSink {
    fn begin(&self) -> Result<Session, ComponentError> {
        let link = Link::new(&self.connection, &self.name, &KINDS, QoS::AtMostOnce)?;
        let reporter = Reporter::new(self.name.clone(), self.settings, &self.token_prefix);
        Ok(Session::new(reporter, link))
    }
}
