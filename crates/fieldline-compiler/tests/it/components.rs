//! Small components that know how to be checked and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldline_core::condition::Condition;
use fieldline_core::report::Place;
use fieldline_core::{
    BuildCx, BuildError, Built, Channel, CheckCx, Claim, Config, Definition, Direction, Example, Facts,
    FieldPath, FilePath, Kind, Period, Registry, Resource, Secret, Session, Setting, Settings, Shape, Size,
    Writes,
};
use schemars::JsonSchema;
use serde::Deserialize;

const NO_EXAMPLE: &[Example] = &[Example { title: "As it is", config: "", input: "", output: "" }];

fn path(text: &str) -> FieldPath {
    FieldPath::parse(text).expect("a field of this file")
}

/// Every component of the tests.
pub(crate) fn registry() -> Registry {
    Registry::new([
        Definition::of::<Broker>(),
        Definition::of::<Bus>(),
        Definition::of::<Ticker>(),
        Definition::of::<Subscribe>(),
        Definition::of::<Script>(),
        Definition::of::<Filter>(),
        Definition::of::<Route>(),
        Definition::of::<Publish>(),
        Definition::of::<Report>(),
        Definition::of::<Console>(),
    ])
}

/// A session with a broker.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Broker {
    /// Where the broker listens.
    url: String,
    /// By what name it knows us.
    client_id: String,
    /// Whether it forgets us while we are away.
    #[serde(default)]
    clean_session: bool,
    /// The password.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    password: Option<Secret>,
    /// Files for TLS.
    #[serde(default)]
    tls: Option<Tls>,
}

/// Files for TLS.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tls {
    /// The certificate of the authority.
    ca: FilePath,
    /// Our certificate.
    cert: FilePath,
    /// Our key.
    key: FilePath,
}

impl Config for Broker {
    const KIND: Kind = Kind::Connection;
    const NAME: &'static str = "mqtt";
    const SUMMARY: &'static str = "One session with a broker.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn check(&self, cx: &mut CheckCx<'_>) {
        if !self.url.starts_with("mqtt") {
            cx.error("bad-url", "url", format!("`{}` is no address of a broker", self.url))
                .help("write for example `mqtts://host:8883`");
        }
        if let Some(tls) = &self.tls {
            for (field, file) in [("tls.ca", &tls.ca), ("tls.cert", &tls.cert), ("tls.key", &tls.key)] {
                cx.file(field, file);
            }
        }
    }

    fn facts(&self) -> Facts {
        let resource = Resource::Named(format!("the MQTT client id `{}` at {}", self.client_id, self.url));
        let files = self.tls.iter().flat_map(|tls| [&tls.ca, &tls.cert, &tls.key]);
        Facts {
            claims: vec![Claim { resource, field: path("client_id") }],
            peer: Some(self.url.clone()),
            session: self.clean_session.then(|| Session::Ends(path("clean_session"))),
            files: files.map(|file| file.0.clone()).collect(),
            ..Facts::default()
        }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Wires that several devices share.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bus {}

impl Config for Bus {
    const KIND: Kind = Kind::Connection;
    const NAME: &'static str = "bus";
    const SUMMARY: &'static str = "Wires that several devices share.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Emits readings at a rate.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ticker {
    /// Time between readings.
    every: Period,
    /// The bus, which only one may have.
    #[serde(default)]
    bus: Option<String>,
    /// How many readings are averaged.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    average: Option<u8>,
    /// Whether it starts at once.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    eager: bool,
    /// How much is kept.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    keep: Option<Size>,
}

impl Config for Ticker {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "ticker";
    const SUMMARY: &'static str = "Emits readings.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;
    const SETTINGS: &'static [Setting] = &[Setting {
        name: "every",
        summary: "Time between readings.",
        shape: Shape::Period { min: Duration::from_millis(1), max: Duration::from_secs(3600) },
    }];

    fn facts(&self) -> Facts {
        let at = |bus: &String| Resource::At("the bus".into(), bus.into());
        let claim = |bus: &String| Claim { resource: at(bus), field: path("bus") };
        let settings = Settings::from([("every", self.every.to_string().into())]);
        Facts { claims: self.bus.iter().map(claim).collect(), settings, ..Facts::default() }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Receives messages.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    /// The connection.
    connection: String,
    /// The filter.
    topic: String,
}

impl Config for Subscribe {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "mqtt";
    const SUMMARY: &'static str = "Receives messages.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn facts(&self) -> Facts {
        Facts {
            connection: Some((path("connection"), self.connection.clone())),
            connection_type: Some("mqtt"),
            session: Some(Session::Needed(path("topic"))),
            channels: vec![Channel {
                direction: Direction::In,
                address: self.topic.clone(),
                field: path("topic"),
            }],
            ..Facts::default()
        }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Publishes events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Publish {
    /// The connection.
    connection: String,
    /// The topic.
    topic: String,
    /// The quality of service.
    #[serde(default)]
    qos: Option<Qos>,
}

/// 0 or 1.
#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "u8")]
#[schemars(extend("maximum" = 1))]
struct Qos(u8);

impl TryFrom<u8> for Qos {
    type Error = String;

    fn try_from(level: u8) -> Result<Self, String> {
        if level < 2 {
            Ok(Qos(level))
        } else {
            Err(format!("there is no quality of service {level}; use 0 or 1"))
        }
    }
}

impl Config for Publish {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "mqtt";
    const SUMMARY: &'static str = "Publishes events.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn check(&self, cx: &mut CheckCx<'_>) {
        if self.topic.contains(['+', '#']) {
            cx.error(
                "bad-topic",
                "topic",
                format!("`{}` has a wildcard, which a topic must not", self.topic),
            );
        }
        if self.qos.is_none() {
            cx.warning("no-qos", "", "the quality of service is not said");
        }
    }

    fn facts(&self) -> Facts {
        Facts {
            connection: Some((path("connection"), self.connection.clone())),
            connection_type: Some("mqtt"),
            session: self.qos.as_ref().filter(|qos| qos.0 == 1).map(|_| Session::Needed(path("qos"))),
            channels: vec![Channel {
                direction: Direction::Out,
                address: self.topic.clone(),
                field: path("topic"),
            }],
            ..Facts::default()
        }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Runs a script.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Script {
    /// The script itself.
    #[serde(default)]
    code: Option<String>,
    /// The file with the script.
    #[serde(default)]
    file: Option<FilePath>,
}

/// Line and column of the first `@`, which no script of ours may hold.
fn offence(code: &str) -> Option<(usize, usize)> {
    let lines = code.lines().enumerate();
    lines.filter_map(|(line, text)| Some((line + 1, text.chars().position(|c| c == '@')? + 1))).next()
}

impl Config for Script {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "script";
    const SUMMARY: &'static str = "Runs a script.";
    const USES_WITH: bool = true;
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn check(&self, cx: &mut CheckCx<'_>) {
        let message = "`@` is no part of the language";
        if let Some((line, column)) = self.code.as_deref().and_then(offence) {
            let place = Place::Text { field: path("code"), line, column };
            cx.error_at("script-syntax", place, message).help("take it out");
        }
        let Some(file) = &self.file else { return };
        let Some(content) = cx.file("file", file) else { return };
        if let Some((line, column)) = offence(&String::from_utf8_lossy(&content)) {
            cx.error_at("script-syntax", Place::File { path: file.0.clone(), line, column }, message);
        }
    }

    fn facts(&self) -> Facts {
        Facts { files: self.file.iter().map(|file| file.0.clone()).collect(), ..Facts::default() }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Lets some events through.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Which.
    #[expect(dead_code, reason = "it is only read into")]
    when: Condition,
    /// What happens to the others.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    otherwise: Otherwise,
}

/// What happens to the others.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Otherwise {
    /// Taken out.
    #[default]
    Discard,
    /// Failed.
    Fail,
}

impl Config for Filter {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "filter";
    const SUMMARY: &'static str = "Lets some events through.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Sends events to one of several outputs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Route {
    /// The outputs, and what goes there.
    outputs: BTreeMap<String, Condition>,
}

impl Config for Route {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "route";
    const SUMMARY: &'static str = "Sends events to one of several outputs.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn facts(&self) -> Facts {
        Facts { outputs: self.outputs.keys().cloned().collect(), ..Facts::default() }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Keeps fields in a document at the broker.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Report {
    /// The connection.
    connection: String,
    /// The document.
    document: String,
    /// The fields; all of the event without it.
    #[serde(default)]
    fields: Option<Vec<FieldPath>>,
}

impl Config for Report {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "report";
    const SUMMARY: &'static str = "Keeps fields in a document at the broker.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn facts(&self) -> Facts {
        let document = format!("the document `{}`", self.document);
        let one = |(field, member)| Writes { document: document.clone(), member, field };
        let writes = match &self.fields {
            None => vec![one((path("document"), None))],
            Some(fields) => {
                let places = (0..fields.len()).map(|index| path("fields").index(index));
                places.zip(fields.iter().cloned().map(Some)).map(one).collect()
            }
        };
        let connection = Some((path("connection"), self.connection.clone()));
        Facts { connection, writes, ..Facts::default() }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

/// Prints events.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Console {
    /// How wide a line may be.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    width: Option<u16>,
}

impl Config for Console {
    const KIND: Kind = Kind::Sink;
    const NAME: &'static str = "console";
    const SUMMARY: &'static str = "Prints events.";
    const EXAMPLES: &'static [Example] = NO_EXAMPLE;

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}
