//! The fields of an `mqtt` connection, and how they become options of a session.

use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Claim, Config, Example, Facts, FieldPath, Kind, Period, Resource,
    Secret, Session, Size,
};
use fieldline_mqtt::tls::TlsOptions;
use fieldline_mqtt::{
    Address, Connection, Credentials, Options, OptionsError, Publish, QoS, Scheme, Version, topic,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::blame::{field_of, fix_of, fix_of_url};
use super::embedded::{self, Embedded};
use super::running::MqttConnection;
use super::session_file::SessionFile;
use super::tls::{self, ListenTls, Tls};

/// The fields of an `mqtt` connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MqttConnectionConfig {
    /// Where the broker is: `mqtt://host:1883`, or `mqtts://host:8883` with `tls`.
    url: Option<String>,
    /// `embedded` starts a broker inside the program instead, on this machine only; for trying things out.
    broker: Option<BrokerKind>,
    /// Where an embedded broker listens, such as `127.0.0.1:1883`; a free port of this machine without it.
    listen: Option<String>,
    /// The embedded broker's own certificate. With it the broker speaks TLS and serves only clients with a certificate
    /// of an authority in `tls.ca`; this program shows it the one in `tls.cert`.
    listen_tls: Option<ListenTls>,
    /// Whether the embedded broker also keeps device shadows, as AWS IoT does, on disk.
    #[serde(default)]
    shadows: bool,
    /// Under which name the broker knows this client. No two clients of a broker may have the same. Needed,
    /// unless the broker is embedded or `clean_session` is set.
    client_id: Option<String>,
    /// The protocol: `3.1.1` or `5`.
    #[serde(default)]
    version: ProtocolVersion,
    /// How often to show the broker a sign of life; 30 s by default.
    keep_alive: Option<Period>,
    /// Whether the broker forgets this client whenever it is away. With QoS 1 messages are lost then.
    #[serde(default)]
    clean_session: bool,
    /// How long the broker remembers this client while it is away, with MQTT 5; 1 h by default.
    session_expiry: Option<Period>,
    /// The user's name, for a broker that asks for one.
    user: Option<String>,
    /// The password that goes with `user`; write `${secret.name}`.
    password: Option<Secret>,
    /// Certificates; needed with `mqtts`.
    tls: Option<Tls>,
    /// How long a connection attempt may take; 10 s by default.
    connect_timeout: Option<Period>,
    /// How long the broker may take to acknowledge a message before the connection is made anew; 5 s by default.
    operation_timeout: Option<Period>,
    /// The waits between attempts to connect.
    #[serde(default)]
    backoff: BackoffSettings,
    /// The largest packet, in and out; 1 MiB by default. AWS IoT takes 128 KiB. A message that is larger goes to the dead
    /// letter of its source, with its beginning, up to 16 MiB; with MQTT 5 the broker does not send it.
    max_packet_size: Option<Size>,
    /// How many messages may be unacknowledged in either direction; 100 by default, as AWS IoT allows.
    #[schemars(range(min = 1, max = 65534))]
    in_flight: Option<u16>,
    /// What the broker publishes when this client vanishes without a goodbye; with `birth` also when the program stops.
    will: Option<Announcement>,
    /// What this client publishes whenever the broker has accepted it, ahead of all else, such as `online` beside a `will`
    /// that says `offline`, both with `retain`.
    birth: Option<Announcement>,
}

/// A broker that is not reached by a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum BrokerKind {
    /// Inside this program.
    Embedded,
}

/// The versions of MQTT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
enum ProtocolVersion {
    /// MQTT 3.1.1.
    #[default]
    #[schemars(rename = "3.1.1")]
    V3,
    /// MQTT 5.
    #[schemars(rename = "5")]
    V5,
}

impl<'de> Deserialize<'de> for ProtocolVersion {
    /// `5` is a number in YAML, `3.1.1` a text; both are right.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = fieldline_core::Value::deserialize(deserializer)?;
        match (value.as_i64(), value.as_text()) {
            (Some(5), _) | (_, Some("5" | "5.0")) => Ok(ProtocolVersion::V5),
            (_, Some("3.1.1")) => Ok(ProtocolVersion::V3),
            _ => Err(serde::de::Error::custom("the version of MQTT is `3.1.1` or `5`")),
        }
    }
}

/// The waits between attempts to connect: doubled each time, spread by chance.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct BackoffSettings {
    /// The first wait; 1 s by default.
    initial: Option<Period>,
    /// The longest wait; 32 s by default.
    max: Option<Period>,
    /// How long a connection must last for the next wait to be the first again; 20 s by default.
    stable_after: Option<Period>,
}

/// What others are told of this client.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Announcement {
    /// The topic it is published to.
    topic: String,
    /// What is published.
    payload: String,
    /// 0 or 1.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1))]
    qos: u8,
    /// Whether the broker keeps it for later subscribers.
    #[serde(default)]
    retain: bool,
}

impl Config for MqttConnectionConfig {
    const KIND: Kind = Kind::Connection;
    const NAME: &'static str = "mqtt";
    const SUMMARY: &'static str = "One session with an MQTT broker, shared by the nodes that name it.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A broker inside the program, to try things out",
            config: "broker: embedded",
            input: "",
            output: "",
        },
        Example {
            title: "The same, with device shadows",
            config: "broker: embedded\nshadows: true",
            input: "",
            output: "",
        },
        Example {
            title: "A broker in the plant's network",
            config: "url: mqtt://broker.plant.example:1883\nclient_id: line22-drying",
            input: "",
            output: "",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        match (&self.url, self.broker) {
            (Some(_), Some(_)) => {
                cx.error("two-brokers", "broker", "`url` and `broker` exclude each other")
                    .help("remove one of them");
            }
            (None, None) => {
                cx.error("no-broker", "", "neither `url` nor `broker` says where the broker is")
                    .help("add `url: mqtt://host:1883`, or `broker: embedded` to try things out");
            }
            (None, Some(_)) => self.check_embedded(cx),
            (Some(_), None) if self.listen.is_some() => {
                cx.error("unused-listen", "listen", "`listen` is only for `broker: embedded`")
                    .help("remove it");
            }
            (Some(_), None) if self.listen_tls.is_some() => {
                cx.error("unused-listen", "listen_tls", "`listen_tls` is only for `broker: embedded`")
                    .help("remove it; `tls` is for a broker elsewhere");
            }
            (Some(_), None) if self.shadows => {
                cx.error("unused-shadows", "shadows", "`shadows` is only for `broker: embedded`")
                    .help("remove it; the shadows are kept by the service behind this broker");
            }
            (Some(_), None) => {}
        }
        if self.url.is_some() && self.client_id.is_none() && !self.clean_session {
            cx.error("missing-client-id", "", "`client_id` is missing").help(
                "give this client a name that stays; without one the broker cannot keep its messages while it is away",
            );
        }
        if self.password.is_some() && self.user.is_none() {
            cx.error("password-without-user", "password", "`password` needs `user` beside it")
                .help("add `user`");
        }
        for (field, announcement) in [("will.qos", &self.will), ("birth.qos", &self.birth)] {
            if let Some(announcement) = announcement.as_ref().filter(|announcement| announcement.qos > 1) {
                cx.error("bad-qos", field, format!("`{}` is no quality of service", announcement.qos))
                    .help("use 1 (at least once) or 0 (at most once); exactly once is not offered");
            }
        }
        let tls = tls::check(self.tls.as_ref(), self.listen_tls.as_ref(), cx);
        match (self.address(), tls) {
            (Err(error), _) => {
                let fix = self.url.as_deref().map_or_else(String::new, fix_of_url);
                cx.error("bad-url", "url", error.to_string()).help(fix);
            }
            (Ok(address), Some(tls)) => {
                if let Err(error) = Connection::check(&self.options(address, tls)) {
                    cx.error("bad-connection", field_of(&error), error.to_string()).help(fix_of(&error));
                }
            }
            (Ok(_), None) => {}
        }
    }

    fn facts(&self) -> Facts {
        // A free port is nobody's before it is found.
        let listen = self.listen.clone().filter(|listen| !listen.ends_with(":0"));
        let claims = match (self.address(), &self.client_id, &listen) {
            (Ok(address), Some(client_id), _) if self.url.is_some() => vec![Claim {
                resource: Resource::Named(format!("MQTT client id `{client_id}` at {address}")),
                field: FieldPath::root().key("client_id"),
            }],
            (_, _, Some(listen)) if self.broker.is_some() => {
                vec![Claim {
                    resource: Resource::Named(format!("port {listen}")),
                    field: FieldPath::root().key("listen"),
                }]
            }
            _ => Vec::new(),
        };
        let tls = self.tls.iter().flat_map(Tls::files);
        let listen_tls = self.listen_tls.iter().flat_map(ListenTls::files);
        let peer = match (&self.url, self.address()) {
            (Some(_), Ok(address)) => Some(format!("{}:{}", address.host, address.port)),
            _ => listen,
        };
        // A broker inside the program is never away without it, and forgets everything when it ends.
        let forgotten = self.clean_session && self.url.is_some();
        Facts {
            claims,
            peer,
            session: forgotten.then(|| Session::Ends(FieldPath::root().key("clean_session"))),
            files: tls.chain(listen_tls).map(|path| path.0.clone()).collect(),
            // A broker inside the program reads its certificates when it starts.
            renews: self.url.is_some(),
            ..Facts::default()
        }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let tls = match &self.tls {
            Some(tls) => Some(tls.options(|path| cx.file(path).map(|content| content.to_vec()))?),
            None => None,
        };
        let options = self.options(self.address().map_err(BuildError::new)?, tls);
        let options = Options { name: Some(cx.node.to_owned()), ..options };
        let embedded = match self.broker {
            None => None,
            Some(BrokerKind::Embedded) => {
                let tls = self.tls.as_ref().zip(self.listen_tls.as_ref());
                Some(Embedded::new(self.listen.as_deref(), tls, self.shadows, cx)?)
            }
        };
        let (connection, driver) = Connection::new(options.clone()).map_err(BuildError::new)?;
        let session = options.resumable().then(|| {
            let broker =
                self.url.as_ref().map_or_else(|| "embedded".to_owned(), |_| options.address.to_string());
            SessionFile::new(cx.data_dir, cx.node, format!("{} at {broker}", options.client_id))
        });
        Ok(Built::Connection(Box::new(MqttConnection { connection, driver, options, embedded, session })))
    }
}

impl MqttConnectionConfig {
    fn check_embedded(&self, cx: &mut CheckCx<'_>) {
        if let Some(listen) = &self.listen
            && let Err(error) = embedded::listen_address(Some(listen))
        {
            cx.error("bad-listen", "listen", error.to_string()).help("write for example `127.0.0.1:1883`");
        }
        if !embedded::IS_BUILT_IN {
            cx.error("no-embedded-broker", "broker", embedded::NOT_BUILT_IN)
                .help("build it with the feature `broker`, or give a `url`");
        }
    }

    fn address(&self) -> Result<Address, OptionsError> {
        match &self.url {
            Some(url) => Address::parse(url),
            // The port is put in when the broker has one.
            None => {
                let port = embedded::listen_address(self.listen.as_deref()).map_or(0, |listen| listen.port());
                let scheme = if self.listen_tls.is_some() { Scheme::Mqtts } else { Scheme::Mqtt };
                Ok(Address { scheme, host: "127.0.0.1".into(), port })
            }
        }
    }

    fn options(&self, address: Address, tls: Option<TlsOptions>) -> Options {
        let default = Options::new(address, self.client_id.clone().unwrap_or_default());
        let or = |period: Option<Period>, default| period.map_or(default, |period| period.0);
        let password = self.password.as_ref().map_or(String::new(), |password| password.reveal().to_owned());
        Options {
            version: if self.version == ProtocolVersion::V5 { Version::V5 } else { Version::V3_1_1 },
            keep_alive: or(self.keep_alive, default.keep_alive),
            clean_session: self.clean_session || self.client_id.is_none(),
            session_expiry: or(self.session_expiry, default.session_expiry),
            credentials: self.user.clone().map(|user| Credentials { user, password }),
            tls,
            connect_timeout: or(self.connect_timeout, default.connect_timeout),
            operation_timeout: or(self.operation_timeout, default.operation_timeout),
            backoff_initial: or(self.backoff.initial, default.backoff_initial),
            backoff_maximum: or(self.backoff.max, default.backoff_maximum),
            stable_after: or(self.backoff.stable_after, default.stable_after),
            max_packet_size: self
                .max_packet_size
                .map_or(default.max_packet_size, |size| u32::try_from(size.0).unwrap_or(u32::MAX)),
            inflight: self.in_flight.unwrap_or(default.inflight),
            will: self.will.as_ref().map(Announcement::publish),
            birth: self.birth.as_ref().map(Announcement::publish),
            ..default
        }
    }
}

impl Announcement {
    fn publish(&self) -> Publish {
        let qos = if self.qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        Publish { qos, retain: self.retain, ..Publish::new(self.topic.clone(), self.payload.clone()) }
    }
}

/// Complains about a topic filter or name with its reason.
pub(crate) fn check_topic(cx: &mut CheckCx<'_>, field: &str, filter: &str, wildcards: bool) {
    let result = if wildcards { topic::check_filter(filter) } else { topic::check_name(filter) };
    if let Err(error) = result {
        cx.error("bad-topic", field, format!("`{filter}` is no topic: {error}")).help(
            "levels are parted by `/`; `+` stands for one whole level, `#` for all that follow, at the end",
        );
    }
}
