//! rumqttc's errors, and the TLS and operating system errors inside of them, as ours.

use std::error::Error;
use std::io;
use std::net::IpAddr;

use rumqttc::v5;
use rustls::{AlertDescription, CertificateError};

use crate::error::{ConnectError, Refusal};
use crate::options::Options;
use crate::protocol::translate::{incoming_ceiling, words};

/// What tokio-util's `Framed` says of a stream that ends within a packet.
const CUT_SHORT: &str = "bytes remaining on stream";

pub(crate) fn from_v4(error: rumqttc::ConnectionError, options: &Options, accepted: bool) -> ConnectError {
    use rumqttc::{ConnectReturnCode as Code, ConnectionError as Of, StateError};
    match error {
        Of::NetworkTimeout => ConnectError::TimedOut { after: options.connect_timeout },
        Of::ConnectionRefused(code) => ConnectError::NotAccepted(match code {
            Code::RefusedProtocolVersion => Refusal::Version,
            Code::BadClientId => Refusal::ClientId,
            Code::ServiceUnavailable => Refusal::Unavailable,
            Code::BadUserNamePassword => Refusal::Credentials,
            Code::NotAuthorized => Refusal::NotAuthorized,
            Code::Success => Refusal::Other("it accepts and refuses at once".to_owned()),
        }),
        Of::FlushTimeout | Of::MqttState(StateError::AwaitPingResp) => ConnectError::KeepAlive,
        Of::MqttState(StateError::ConnectionAborted) => closed("end of stream", accepted),
        Of::MqttState(StateError::Deserialization(rumqttc::mqttbytes::Error::PayloadSizeLimitExceeded(
            size,
        ))) => ConnectError::PacketTooLarge { size, max: incoming_ceiling(options) },
        Of::NotConnAck(_) => ConnectError::not_accepted(),
        error => from_source(&error, options, accepted),
    }
}

pub(crate) fn from_v5(error: v5::ConnectionError, options: &Options, accepted: bool) -> ConnectError {
    use v5::mqttbytes::Error as Codec;
    use v5::mqttbytes::v5::ConnectReturnCode as Code;
    use v5::{ConnectionError as Of, StateError};
    match error {
        Of::Timeout(_) => ConnectError::TimedOut { after: options.connect_timeout },
        Of::ConnectionRefused(code) => ConnectError::NotAccepted(match code {
            Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => Refusal::Version,
            Code::BadClientId | Code::ClientIdentifierNotValid => Refusal::ClientId,
            Code::ServiceUnavailable
            | Code::ServerUnavailable
            | Code::ServerBusy
            | Code::ConnectionRateExceeded => Refusal::Unavailable,
            Code::BadUserNamePassword | Code::BadAuthenticationMethod => Refusal::Credentials,
            Code::NotAuthorized => Refusal::NotAuthorized,
            Code::Banned => Refusal::Banned,
            other => Refusal::Other(words(&format!("{other:?}"))),
        }),
        Of::MqttState(StateError::AwaitPingResp) => ConnectError::KeepAlive,
        Of::MqttState(StateError::ConnectionAborted) => closed("end of stream", accepted),
        // Not given as a source by rumqttc, unlike its 3.1.1 twin.
        Of::MqttState(StateError::Deserialization(Codec::Io(error))) => {
            from_source(&error, options, accepted)
        }
        Of::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
            let code = words(&format!("{reason_code:?}"));
            let reason = reason_string.map_or_else(|| code.clone(), |text| format!("{code}: {text}"));
            told(reason_code, reason)
        }
        Of::MqttState(StateError::Deserialization(Codec::PayloadSizeLimitExceeded { pkt_size, max })) => {
            ConnectError::PacketTooLarge { size: pkt_size, max: max as usize }
        }
        Of::NotConnAck(_) => ConnectError::not_accepted(),
        error => from_source(&error, options, accepted),
    }
}

/// Looks for what is known inside of an error that only wraps others.
fn from_source(error: &(dyn Error + 'static), options: &Options, accepted: bool) -> ConnectError {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return from_tls(tls, options);
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(tls) => from_tls(tls, options),
                None => from_io(io, options, accepted),
            };
        }
        next = error.source();
    }
    ConnectError::Protocol { reason: error.to_string() }
}

fn from_io(error: &io::Error, options: &Options, accepted: bool) -> ConnectError {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => ConnectError::Refused { address: options.address.to_string() },
        Kind::TimedOut if !accepted => ConnectError::TimedOut { after: options.connect_timeout },
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
            closed(&error.to_string(), accepted)
        }
        Kind::Other if error.to_string() == CUT_SHORT => closed("in the middle of a packet", accepted),
        _ => ConnectError::Network { reason: error.to_string() },
    }
}

fn from_tls(error: &rustls::Error, options: &Options) -> ConnectError {
    use AlertDescription as Alert;
    let file = options.tls.as_ref().map(|tls| tls.authorities.name.clone()).unwrap_or_default();
    let expected_name = options.tls.as_ref().and_then(|tls| tls.server_name.clone());
    let expected = expected_name.unwrap_or_else(|| options.address.host.clone());
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            // A bad signature is that of another authority with the same name, such as an older one of ours.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                ConnectError::UnknownAuthority { file }
            }
            CertificateError::NotValidForName => {
                ConnectError::WrongHostName { expected, presented: Vec::new() }
            }
            CertificateError::NotValidForNameContext { presented, .. } => {
                let presented = presented.iter().filter_map(|name| presented_name(name)).collect();
                ConnectError::WrongHostName { expected, presented }
            }
            other => ConnectError::ServerCertificate { reason: plain(&other.to_string()) },
        },
        rustls::Error::AlertReceived(alert) => match alert {
            Alert::CertificateRequired => ConnectError::ClientCertificateRequired,
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::CertificateExpired
            | Alert::CertificateRevoked
            | Alert::UnsupportedCertificate
            | Alert::DecryptError
            | Alert::AccessDenied => {
                ConnectError::ClientCertificateRefused { alert: words(&format!("{alert:?}")) }
            }
            other => ConnectError::Handshake { reason: format!("alert {}", words(&format!("{other:?}"))) },
        },
        other => ConnectError::Handshake { reason: plain(&other.to_string()) },
    }
}

/// The name in what rustls says of one in a certificate, such as `DnsName("broker")`; `None` where no name is told.
fn presented_name(told: &str) -> Option<String> {
    let (_, name) = told.split_once('(')?;
    let name = name.strip_suffix(')')?.trim_matches('"');
    // The shortest form of an address is that of the standard library.
    let name = name.parse::<IpAddr>().map_or_else(|_| name.to_owned(), |address| address.to_string());
    (!told.starts_with("Unsupported")).then_some(name)
}

/// What rustls says, with the name of a variant at its end in words: `peer is incompatible: NoCipherSuitesInCommon`.
fn plain(told: &str) -> String {
    let (before, last) = told.rsplit_once(' ').map_or(("", told), |(before, last)| (before, last));
    let is_variant = last.starts_with(|first: char| first.is_ascii_uppercase())
        && last.chars().all(|character| character.is_ascii_alphanumeric())
        && last.chars().any(|character| character.is_ascii_lowercase());
    let last = if is_variant { words(last) } else { last.to_owned() };
    format!("{before} {last}").trim_start().to_owned()
}

/// What a DISCONNECT says (MQTT 5, section 3.14.2.1). Only what may be about a message counts as a connection that was
/// closed.
fn told(code: v5::mqttbytes::v5::DisconnectReasonCode, reason: String) -> ConnectError {
    use v5::mqttbytes::v5::DisconnectReasonCode as Code;
    match code {
        Code::SessionTakenOver => ConnectError::TakenOver { reason },
        Code::MessageRateTooHigh | Code::QuotaExceeded => ConnectError::TooMuch { reason },
        Code::NormalDisconnection
        | Code::ServerBusy
        | Code::ServerShuttingDown
        | Code::KeepAliveTimeout
        | Code::ReceiveMaximumExceeded
        | Code::AdministrativeAction
        | Code::UseAnotherServer
        | Code::ServerMoved
        | Code::ConnectionRateExceeded
        | Code::MaximumConnectTime => ConnectError::SessionEnded { reason },
        _ => ConnectError::Closed { reason },
    }
}

fn closed(reason: &str, accepted: bool) -> ConnectError {
    let reason = reason.to_owned();
    if accepted { ConnectError::Closed { reason } } else { ConnectError::ClosedBeforeAccepted { reason } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_certificate_are_told_as_they_are() {
        let name = |told: &str| presented_name(told);
        assert_eq!(name("DnsName(\"vm\")").as_deref(), Some("vm"));
        assert_eq!(name("IpAddress(10.0.0.1)").as_deref(), Some("10.0.0.1"));
        assert_eq!(name("IpAddress(0::1)").as_deref(), Some("::1"));
        assert_eq!((name("DirectoryName"), name("Unsupported(0x88)")), (None, None));
    }

    #[test]
    fn what_rustls_calls_by_the_name_of_a_variant_is_told_in_words() {
        assert_eq!(plain("CaUsedAsEndEntity"), "ca used as end entity");
        assert_eq!(
            plain("peer is incompatible: NoKxGroupsInCommon"),
            "peer is incompatible: no kx groups in common"
        );
        let expired = "certificate expired: verification time 5 (UNIX) (3 seconds ago)";
        assert_eq!(plain(expired), expired);
    }
}
