//! What can go wrong while connecting, publishing and subscribing: one variant per thing a person or a
//! caller can do about it.

use std::time::Duration;

use crate::tls::TlsError;
use crate::topic::TopicError;

/// Why a connection could not be made, or why it ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Our own certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The host's name could not be resolved.
    #[error("the host `{host}` cannot be found: {reason}")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// Nobody listens at the address.
    #[error("`{address}` refuses connections")]
    Refused {
        /// Host and port.
        address: String,
    },
    /// The attempt took too long.
    #[error("no answer from the broker within {after:?}")]
    TimedOut {
        /// How long it was given.
        after: Duration,
    },
    /// The broker's certificate is for other names.
    #[error("the broker's certificate is not for `{expected}`{}", presented_list(.presented))]
    WrongHostName {
        /// The name connected to.
        expected: String,
        /// The names in the certificate.
        presented: Vec<String>,
    },
    /// The broker's certificate was signed by an authority that is not trusted.
    #[error("the broker's certificate was not signed by any authority in `{file}`")]
    UnknownAuthority {
        /// The file with the trusted authorities.
        file: String,
    },
    /// The broker's certificate is not acceptable for another reason, such as its date.
    #[error("the broker's certificate is not acceptable: {reason}")]
    ServerCertificate {
        /// What rustls said.
        reason: String,
    },
    /// The broker demands a client certificate and none is configured.
    #[error("the broker demands a client certificate and none is configured")]
    ClientCertificateRequired,
    /// The broker does not accept our certificate.
    #[error("the broker refused our certificate ({alert})")]
    ClientCertificateRefused {
        /// The TLS alert it sent.
        alert: String,
    },
    /// The TLS handshake failed for another reason.
    #[error("the TLS handshake failed: {reason}")]
    Handshake {
        /// What rustls said.
        reason: String,
    },
    /// The broker closed the connection instead of answering our CONNECT.
    #[error("the broker closed the connection before it accepted us ({reason})")]
    ClosedBeforeAccepted {
        /// How it was closed.
        reason: String,
    },
    /// The broker answered our CONNECT with a refusal.
    #[error("the broker did not accept the connection: {0}")]
    NotAccepted(Refusal),
    /// The broker, or something on the way, closed an accepted connection.
    #[error("the connection was closed ({reason})")]
    Closed {
        /// How it was closed, or the reason of the broker's DISCONNECT.
        reason: String,
    },
    /// The broker ended our session because another client has connected with our client id.
    #[error("the broker gave the session to another client with the same client id ({reason})")]
    TakenOver {
        /// The reason of the broker's DISCONNECT.
        reason: String,
    },
    /// The broker ended the session for a reason that is about no message: it shuts down, or we are to go elsewhere.
    #[error("the broker ended the session ({reason})")]
    SessionEnded {
        /// The reason of the broker's DISCONNECT.
        reason: String,
    },
    /// The broker ended the session because it takes fewer messages at a time.
    #[error("the broker ended the session over too many messages ({reason})")]
    TooMuch {
        /// The reason of the broker's DISCONNECT.
        reason: String,
    },
    /// The broker closed the connection instead of answering a subscription.
    #[error("the broker closed the connection over the subscription to {filters} ({reason})")]
    ClosedOverSubscription {
        /// The filters, each in backticks.
        filters: String,
        /// How it was closed, or the reason of the broker's DISCONNECT.
        reason: String,
    },
    /// The broker no longer answers although the connection looks open.
    #[error("the broker stopped answering (nothing within the keep-alive interval)")]
    KeepAlive,
    /// The broker did not acknowledge a publish or a subscription in time.
    #[error("the broker did not acknowledge a request within {after:?}")]
    AcknowledgementTimeout {
        /// How long it was given.
        after: Duration,
    },
    /// The broker sends a packet that is larger than we can take.
    #[error("the broker sent a packet of {size} bytes, the most we can take is {max}")]
    PacketTooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The broker broke the protocol.
    #[error("the broker broke the protocol: {reason}")]
    Protocol {
        /// In which way.
        reason: String,
    },
    /// The network failed.
    #[error("the network failed: {reason}")]
    Network {
        /// What the operating system said.
        reason: String,
    },
}

impl ConnectError {
    /// The broker does not begin with the answer that MQTT prescribes.
    pub(crate) fn not_accepted() -> Self {
        Self::Protocol { reason: "another packet came instead of CONNACK".to_owned() }
    }

    /// What a person can do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Tls(error) => error.hint(),
            Self::Dns { .. } => "check the spelling of the host, and the name server of this machine",
            Self::Refused { .. } => "check that the broker runs, and the port: 1883 is plain, 8883 is TLS",
            Self::TimedOut { .. } => {
                "check host, port and firewall; a plain connection to a TLS port also ends like this"
            }
            Self::WrongHostName { .. } => {
                "connect by a name in the certificate, or set the server name to expect"
            }
            Self::UnknownAuthority { .. } => {
                "give the certificate of the authority that signed the broker's (AWS: AmazonRootCA1.pem)"
            }
            Self::ServerCertificate { .. } => {
                "check the clock of this machine, then the broker's certificate"
            }
            Self::ClientCertificateRequired => "configure `cert` and `key`",
            Self::ClientCertificateRefused { .. } => {
                "the broker must trust its authority; on AWS it must be registered and active"
            }
            Self::Handshake { .. } => {
                "check that the port speaks TLS; on AWS, MQTT on port 443 needs the ALPN `x-amzn-mqtt-ca`"
            }
            Self::ClosedBeforeAccepted { .. } => {
                "AWS does so when the policy does not allow `iot:Connect` for this client id, or the certificate is inactive; with TLS 1.3 a broker may so refuse a certificate"
            }
            Self::NotAccepted(refusal) => refusal.hint(),
            Self::Closed { .. } => {
                "two clients with the same client id push each other out; AWS closes when a policy forbids a topic"
            }
            Self::TakenOver { .. } => {
                "somebody else uses this client id; give each client a client id of its own"
            }
            Self::TooMuch { .. } => {
                "messages leave more slowly now; `max_rate` of a sink keeps below the limit of a broker"
            }
            Self::ClosedOverSubscription { .. } => {
                "check the broker's access rules for these filters; on AWS the policy must allow `iot:Subscribe`"
            }
            Self::PacketTooLarge { .. } => {
                "raise the maximum packet size, or delete the message at the broker"
            }
            Self::SessionEnded { .. }
            | Self::KeepAlive
            | Self::AcknowledgementTimeout { .. }
            | Self::Protocol { .. }
            | Self::Network { .. } => {
                return None;
            }
        })
    }

    /// Whether trying again cannot help before a person has changed something.
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Tls(_)
                | Self::WrongHostName { .. }
                | Self::UnknownAuthority { .. }
                | Self::ClientCertificateRequired
                | Self::ClientCertificateRefused { .. }
                | Self::PacketTooLarge { .. }
                | Self::NotAccepted(
                    Refusal::Version
                        | Refusal::ClientId
                        | Refusal::Credentials
                        | Refusal::NotAuthorized
                        | Refusal::Banned
                )
        )
    }
}

fn presented_list(presented: &[String]) -> String {
    if presented.is_empty() { String::new() } else { format!(" but for `{}`", presented.join("`, `")) }
}

/// Why a broker does not accept a client (the code of its CONNACK).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not speak this version of the protocol.
    #[error("it does not speak this version of MQTT")]
    Version,
    /// It does not accept the client id.
    #[error("it does not accept the client id")]
    ClientId,
    /// User name or password are wrong.
    #[error("user name or password are wrong")]
    Credentials,
    /// The client is known but not allowed to connect.
    #[error("this client is not authorised")]
    NotAuthorized,
    /// The client was banned.
    #[error("this client is banned")]
    Banned,
    /// It cannot serve now.
    #[error("it is busy or not available")]
    Unavailable,
    /// Any other code.
    #[error("{0}")]
    Other(String),
}

impl Refusal {
    fn hint(&self) -> &'static str {
        match self {
            Self::Version => "try the other version, `3.1.1` or `5`",
            Self::ClientId => {
                "use letters and digits, at most 23 for old brokers; on AWS it must be in the policy"
            }
            Self::Credentials => "check user name and password",
            Self::NotAuthorized | Self::Banned => {
                "check the broker's access rules for this client id and certificate"
            }
            Self::Unavailable => "wait, or check the broker's own log",
            Self::Other(_) => "see the broker's own log",
        }
    }
}

/// The reason codes of a PUBACK (MQTT 5, section 3.4.2.1) that say how the broker is, not what is wrong with the
/// message: unspecified error, implementation specific error, packet identifier in use and quota exceeded.
const REFUSED_FOR_NOW: [u8; 4] = [0x80, 0x83, 0x91, 0x97];

/// Why a publish was not delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The topic cannot be published to.
    #[error("the topic is not valid: {0}")]
    InvalidTopic(#[from] TopicError),
    /// The packet is larger than our limit or the broker's.
    #[error("the message makes a packet of {size} bytes, the limit is {max}")]
    TooLarge {
        /// The size of the packet in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The broker acknowledged it with an error.
    #[error("the broker refused the message: {text} (code {code:#04x})")]
    Refused {
        /// The reason code of MQTT 5.
        code: u8,
        /// The reason in words.
        text: String,
    },
    /// The broker closes the connection each time it gets this message.
    #[error("the broker closed the connection {attempts} times over the message to `{topic}`: {error}")]
    ClosesConnection {
        /// The topic of the message.
        topic: String,
        /// How often it was sent.
        attempts: u32,
        /// How the last connection ended.
        error: ConnectError,
    },
    /// The broker never acknowledged it although it was connected.
    #[error("the broker did not acknowledge the message, sent {attempts} times")]
    TimedOut {
        /// How often it was sent.
        attempts: u32,
    },
    /// The connection was closed by us before the message was acknowledged.
    #[error("the connection was closed before the message was acknowledged")]
    Closed,
}

impl PublishError {
    /// Whether the same message would fail again.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::Closed => false,
            Self::Refused { code, .. } => !REFUSED_FOR_NOW.contains(code),
            Self::InvalidTopic(_) | Self::TooLarge { .. } | Self::ClosesConnection { .. } => true,
        }
    }
}

/// Why a subscription does not work, or why it yields no more messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The filter cannot be subscribed to.
    #[error("the topic filter is not valid: {0}")]
    InvalidFilter(#[from] TopicError),
    /// The broker refused the subscription; it is tried again with back-off.
    #[error("the broker refused the subscription to `{filter}`: {refusal}")]
    Refused {
        /// The filter.
        filter: String,
        /// Why.
        refusal: FilterRefusal,
    },
    /// The connection was closed by us.
    #[error("the connection is closed")]
    Closed,
}

/// Why a broker refuses a filter (the code of its SUBACK).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterRefusal {
    /// MQTT 3.1.1 has one code for all reasons.
    #[error("not authorised or not supported (code 0x80)")]
    Unexplained,
    /// The client is not allowed to read this.
    #[error("not authorized")]
    NotAuthorized,
    /// The filter is well formed and not acceptable here.
    #[error("topic filter invalid")]
    Invalid,
    /// The broker has a limit that is reached.
    #[error("quota exceeded")]
    QuotaExceeded,
    /// The broker lacks this, which the subscription needs.
    #[error("{0} not supported")]
    NotSupported(&'static str),
    /// Any other code.
    #[error("{0}")]
    Other(&'static str),
}
