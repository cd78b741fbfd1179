//! Which field is to blame for an option that cannot work, and what to write instead.

use fieldline_mqtt::OptionsError;

/// The field to blame for an option that cannot work.
pub(super) fn field_of(error: &OptionsError) -> &'static str {
    match error {
        OptionsError::TlsMissing | OptionsError::Url { .. } | OptionsError::TlsToIpv6 => "url",
        OptionsError::TlsUnused => "tls",
        OptionsError::KeepAlive { .. } => "keep_alive",
        OptionsError::Will(_) => "will.topic",
        OptionsError::Birth(_) => "birth.topic",
        OptionsError::OutOfRange { option } => match *option {
            "backoff_initial" => "backoff.initial",
            other => other,
        },
        OptionsError::ClientIdTooLong { .. } | OptionsError::ClientIdCharacter { .. } => "client_id",
        OptionsError::ClientIdMissing => "",
    }
}

/// What to do about an option that cannot work.
pub(super) fn fix_of(error: &OptionsError) -> &'static str {
    match error {
        OptionsError::Url { .. } => "write for example `mqtts://host:8883`",
        OptionsError::TlsMissing => "add `tls: { ca: FILE }` with the certificates of the authority (PEM)",
        OptionsError::TlsUnused => "write `mqtts://` in `url`, or take `tls` out",
        OptionsError::TlsToIpv6 => "write the name of the broker instead of its address",
        OptionsError::KeepAlive { .. } => "30 s is the usual one; leave `keep_alive` out",
        OptionsError::ClientIdMissing => "add `client_id`",
        OptionsError::ClientIdTooLong { .. } | OptionsError::ClientIdCharacter { .. } => {
            "use letters and digits; old brokers take 23 of them, AWS IoT takes 128"
        }
        OptionsError::OutOfRange { .. } => "leave it out for the usual value",
        OptionsError::Will(_) | OptionsError::Birth(_) => "write a topic without `+` and `#`",
    }
}
