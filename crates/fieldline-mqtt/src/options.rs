//! Everything a connection needs to know, with its defaults and the check of what no broker would accept.

use std::fmt;
use std::time::Duration;

use crate::message::Publish;
use crate::tls::TlsOptions;
use crate::topic::{self, TopicError};

/// As many as a semaphore can count where addresses have 32 bits.
const MAX_OUTBOX_BYTES: usize = (1 << 29) - 1;

/// The longest text in bytes: its length travels in two bytes (MQTT 5, section 1.5.4).
const LONGEST_TEXT: usize = 65_535;

/// Plain or encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `mqtt://`, port 1883 by default.
    Mqtt,
    /// `mqtts://`, port 8883 by default.
    Mqtts,
}

/// Where the broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Plain or encrypted.
    pub scheme: Scheme,
    /// A host name or IP address; an IPv6 address in brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Address {
    /// Reads `mqtt://HOST[:PORT]` or `mqtts://HOST[:PORT]`.
    pub fn parse(url: &str) -> Result<Self, OptionsError> {
        let invalid = |reason| OptionsError::Url { url: url.to_owned(), reason };
        let (scheme, authority) = match url.split_once("://") {
            Some(("mqtt", authority)) => (Scheme::Mqtt, authority),
            Some(("mqtts", authority)) => (Scheme::Mqtts, authority),
            _ => return Err(invalid("it must start with `mqtt://` or `mqtts://`")),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '@']) {
            return Err(invalid("it must be only a host and a port"));
        }
        let port_at = match authority.rfind(']') {
            Some(bracket) => authority[bracket..].find(':').map(|offset| bracket + offset),
            None => authority.find(':'),
        };
        let (host, port) = match port_at {
            None => (authority, if scheme == Scheme::Mqtt { 1883 } else { 8883 }),
            Some(colon) => {
                let port = authority[colon + 1..].parse().ok().filter(|port| *port != 0);
                (&authority[..colon], port.ok_or_else(|| invalid("the port must be between 1 and 65535"))?)
            }
        };
        if host.is_empty() {
            return Err(invalid("the host is missing"));
        }
        Ok(Self { scheme, host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// Which protocol to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1.
    V3_1_1,
    /// MQTT 5.
    V5,
}

/// A user name and its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How to connect and how to behave once connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the broker is.
    pub address: Address,
    /// Under which name the broker knows this client; unique among its clients.
    pub client_id: String,
    /// What its lines in the log call it, as field `node`; they have no such field without it.
    pub name: Option<String>,
    /// Which protocol to speak.
    pub version: Version,
    /// How often to show a sign of life: at least 1 s, with MQTT 5 at least 5 s.
    pub keep_alive: Duration,
    /// Whether to start from nothing at every connection instead of resuming what was under way.
    pub clean_session: bool,
    /// How long the broker keeps the session of an absent client (MQTT 5, unless `clean_session`).
    pub session_expiry: Duration,
    /// A user name and password.
    pub credentials: Option<Credentials>,
    /// Needed for `mqtts`.
    pub tls: Option<TlsOptions>,
    /// How long a connection attempt may take, name resolution to CONNACK.
    pub connect_timeout: Duration,
    /// How long the broker may take to acknowledge a publish or a subscription before the connection is
    /// taken for dead.
    pub operation_timeout: Duration,
    /// The wait before the first reconnection attempt.
    pub backoff_initial: Duration,
    /// The longest wait between two attempts.
    pub backoff_maximum: Duration,
    /// How long a connection must last for the next wait to be the initial one again.
    pub stable_after: Duration,
    /// The largest packet in bytes, outgoing and incoming.
    pub max_packet_size: u32,
    /// How many publishes may be unacknowledged, in either direction.
    pub inflight: u16,
    /// How many publishes may wait in the outbox.
    pub outbox_messages: usize,
    /// How many bytes of publishes may wait in the outbox; less than 512 MiB.
    pub outbox_bytes: usize,
    /// What the broker publishes when this client vanishes.
    pub will: Option<Publish>,
    /// What this client publishes whenever the broker has accepted it, ahead of all else. With it the last will is
    /// published at the end too, when the connection is closed for good.
    pub birth: Option<Publish>,
}

impl Options {
    /// The defaults: MQTT 3.1.1, a session that is resumed, 1 MiB per packet, 100 in flight.
    pub fn new(address: Address, client_id: impl Into<String>) -> Self {
        Self {
            address,
            client_id: client_id.into(),
            name: None,
            version: Version::V3_1_1,
            keep_alive: Duration::from_secs(30),
            clean_session: false,
            session_expiry: Duration::from_secs(3_600),
            credentials: None,
            tls: None,
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(5),
            backoff_initial: Duration::from_secs(1),
            backoff_maximum: Duration::from_secs(32),
            stable_after: Duration::from_secs(20),
            max_packet_size: 1024 * 1024,
            inflight: 100,
            outbox_messages: 1_000,
            outbox_bytes: 8 * 1024 * 1024,
            will: None,
            birth: None,
        }
    }

    /// Checks each option, but for the sizes of packets.
    pub(crate) fn check(&self) -> Result<(), OptionsError> {
        match (self.address.scheme, &self.tls) {
            (Scheme::Mqtts, None) => return Err(OptionsError::TlsMissing),
            (Scheme::Mqtt, Some(_)) => return Err(OptionsError::TlsUnused),
            (Scheme::Mqtts, Some(_)) if self.address.host.starts_with('[') => {
                return Err(OptionsError::TlsToIpv6);
            }
            _ => {}
        }
        let shortest = if self.version == Version::V5 { 5 } else { 1 };
        if !(shortest..=65_535).contains(&self.keep_alive.as_secs()) {
            return Err(OptionsError::KeepAlive { shortest });
        }
        if self.client_id.is_empty() && !self.clean_session {
            return Err(OptionsError::ClientIdMissing);
        }
        let credentials = self.credentials.as_ref();
        let user = credentials.map_or("", |credentials| &credentials.user);
        for (option, length) in [
            ("client_id", self.client_id.len()),
            ("user", user.len()),
            ("password", credentials.map_or(0, |credentials| credentials.password.len())),
            ("will.payload", self.will.as_ref().map_or(0, |will| will.payload.len())),
        ] {
            if length > LONGEST_TEXT {
                return Err(OptionsError::TooLong { option });
            }
        }
        for (option, text) in [("client_id", self.client_id.as_str()), ("user", user)] {
            if let Some((_, character)) = topic::forbidden_character(text) {
                return Err(OptionsError::Character { option, character });
            }
        }
        for (option, valid) in [
            ("in_flight", (1..u16::MAX).contains(&self.inflight)),
            ("max_packet_size", self.max_packet_size >= 128),
            ("outbox_messages", self.outbox_messages > 0),
            ("outbox_bytes", (self.outbox_messages..=MAX_OUTBOX_BYTES).contains(&self.outbox_bytes)),
            ("connect_timeout", !self.connect_timeout.is_zero()),
            ("operation_timeout", !self.operation_timeout.is_zero()),
            (
                "backoff_initial",
                !self.backoff_initial.is_zero() && self.backoff_initial <= self.backoff_maximum,
            ),
        ] {
            if !valid {
                return Err(OptionsError::OutOfRange { option });
            }
        }
        if let Some(will) = &self.will {
            topic::check_name(&will.topic).map_err(OptionsError::Will)?;
        }
        if let Some(birth) = &self.birth {
            topic::check_name(&birth.topic).map_err(OptionsError::Birth)?;
        }
        Ok(())
    }

    /// Whether the broker keeps unacknowledged messages for us across a reconnection.
    pub fn resumable(&self) -> bool {
        !self.clean_session && (self.version == Version::V3_1_1 || !self.session_expiry.is_zero())
    }
}

/// An option no connection could be made with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The broker's URL cannot be read.
    #[error("`{url}` is not a broker's URL: {reason}")]
    Url {
        /// What the user wrote.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `mqtts` without the certificates of any authority.
    #[error("`mqtts` needs the certificate of the authority that signed the broker's")]
    TlsMissing,
    /// Certificates with the unencrypted `mqtt`.
    #[error("certificates are given but `mqtt` does not use them; write `mqtts`")]
    TlsUnused,
    /// The MQTT library cannot encrypt to a literal IPv6 address.
    #[error("`mqtts` needs a host name or an IPv4 address")]
    TlsToIpv6,
    /// The keep-alive interval is too short or too long.
    #[error("the keep-alive must be between {shortest} s and 65535 s")]
    KeepAlive {
        /// The shortest one in seconds.
        shortest: u64,
    },
    /// A session cannot be resumed without a name for it.
    #[error("a session that is resumed needs a client id")]
    ClientIdMissing,
    /// A text does not fit into the packet that opens a connection.
    #[error("`{option}` is longer than the 65535 bytes that MQTT can carry")]
    TooLong {
        /// What the option is called in a pipeline file.
        option: &'static str,
    },
    /// What is published for the client itself does not fit into the largest packet.
    #[error("`{option}` makes a packet of {size} bytes, `max_packet_size` is {max}")]
    TooLarge {
        /// What the option is called in a pipeline file.
        option: &'static str,
        /// The size of the packet in bytes.
        size: usize,
        /// The most bytes a packet may have.
        max: usize,
    },
    /// A text has a control character or a noncharacter.
    #[error("`{option}` must not contain the character U+{:04X}", u32::from(*.character))]
    Character {
        /// What the option is called in a pipeline file.
        option: &'static str,
        /// The character.
        character: char,
    },
    /// A number is outside of what makes sense.
    #[error("`{option}` is out of range")]
    OutOfRange {
        /// What the option is called in a pipeline file.
        option: &'static str,
    },
    /// The last will cannot be published.
    #[error("the topic of the last will is not valid: {0}")]
    Will(#[source] TopicError),
    /// The birth message cannot be published.
    #[error("the topic of the birth message is not valid: {0}")]
    Birth(#[source] TopicError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> (Scheme, String, u16) {
        let address = Address::parse(url).expect(url);
        (address.scheme, address.host, address.port)
    }

    #[test]
    fn a_url_names_scheme_host_and_port() {
        assert_eq!(address("mqtt://broker"), (Scheme::Mqtt, "broker".into(), 1883));
        assert_eq!(address("mqtts://a.b/"), (Scheme::Mqtts, "a.b".into(), 8883));
        assert_eq!(address("mqtts://a.b:443"), (Scheme::Mqtts, "a.b".into(), 443));
        assert_eq!(address("mqtt://[::1]:1884"), (Scheme::Mqtt, "[::1]".into(), 1884));
    }

    #[test]
    fn anything_else_is_not_a_url() {
        for url in [
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://:1",
            "mqtt://a:0",
            "mqtt://a:x",
            "mqtt://u@a",
            "mqtt://a/b",
        ] {
            assert!(matches!(Address::parse(url), Err(OptionsError::Url { .. })), "{url}");
        }
    }

    #[test]
    fn an_option_out_of_range_is_named() {
        let options = Options::new(Address::parse("mqtt://broker").expect("valid"), "id");
        assert_eq!(options.check(), Ok(()));
        assert_eq!(
            Options { inflight: 0, ..options.clone() }.check(),
            Err(OptionsError::OutOfRange { option: "in_flight" })
        );
        assert_eq!(Options { outbox_bytes: (512 << 20) - 1, ..options.clone() }.check(), Ok(()));
        assert_eq!(
            Options { outbox_bytes: 512 << 20, ..options.clone() }.check(),
            Err(OptionsError::OutOfRange { option: "outbox_bytes" })
        );
        assert_eq!(
            Options { version: Version::V5, keep_alive: Duration::from_secs(2), ..options.clone() }.check(),
            Err(OptionsError::KeepAlive { shortest: 5 })
        );
        let named = |client_id: &str| Options { client_id: client_id.to_owned(), ..options.clone() }.check();
        assert_eq!(named(""), Err(OptionsError::ClientIdMissing));
        assert_eq!(named(&"x".repeat(65_535)), Ok(()));
        assert_eq!(named(&"x".repeat(65_536)), Err(OptionsError::TooLong { option: "client_id" }));
        let character = '\u{ffff}';
        assert_eq!(named("a\u{ffff}"), Err(OptionsError::Character { option: "client_id", character }));
    }

    #[test]
    fn a_text_that_no_packet_can_carry_is_named() {
        let options = Options::new(Address::parse("mqtt://broker").expect("valid"), "id");
        let (fits, too_long) = ("x".repeat(65_535), "x".repeat(65_536));
        let known = |user: &str, password: &str| Options {
            credentials: Some(Credentials { user: user.into(), password: password.into() }),
            ..options.clone()
        };
        let will =
            |payload: &str| Options { will: Some(Publish::new("a", payload.to_owned())), ..options.clone() };
        for options in [known(&fits, &fits), will(&fits)] {
            assert_eq!(options.check(), Ok(()));
        }
        for (options, option) in [
            (known(&too_long, ""), "user"),
            (known("u", &too_long), "password"),
            (will(&too_long), "will.payload"),
        ] {
            assert_eq!(options.check(), Err(OptionsError::TooLong { option }));
        }
        assert_eq!(
            known("a\0", "").check(),
            Err(OptionsError::Character { option: "user", character: '\0' })
        );
    }

    #[test]
    fn a_password_is_not_printed() {
        let credentials = Credentials { user: "device".into(), password: "secret".into() };
        assert!(!format!("{credentials:?}").contains("secret"));
    }
}
