//! Which field is to blame for an option that cannot work, and what to write instead.

use fieldline_mqtt::topic::TopicError;
use fieldline_mqtt::{Address, OptionsError};

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
        OptionsError::TooLong { option }
        | OptionsError::TooLarge { option, .. }
        | OptionsError::Character { option, .. } => option,
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
        OptionsError::TooLong { option: "client_id" }
        | OptionsError::Character { option: "client_id", .. } => {
            "use letters and digits; old brokers take 23 of them, AWS IoT takes 128"
        }
        OptionsError::TooLong { .. } => "write a shorter one",
        OptionsError::TooLarge { .. } => "write a shorter one, or raise `max_packet_size`",
        OptionsError::Character { .. } => "leave the character out",
        OptionsError::OutOfRange { option: "in_flight" } => {
            "write a number from 1 to 65534, or leave it out for 100"
        }
        OptionsError::OutOfRange { option: "max_packet_size" } => {
            "write 128B or more, or leave it out for 1MiB"
        }
        OptionsError::OutOfRange { .. } => "leave it out for the usual value",
        OptionsError::Will(error) | OptionsError::Birth(error) => match error {
            TopicError::Empty => "write for example `plant/line1/status`",
            TopicError::TooLong { .. } => "write a shorter one",
            TopicError::Character { .. } => "leave the character out",
            _ => "write a topic without `+` and `#`",
        },
    }
}

/// What to write instead of `url`, which is no address of a broker.
pub(super) fn fix_of_url(url: &str) -> String {
    let (scheme, place) = url.split_once("://").unwrap_or(("", url));
    let is_encrypted = matches!(scheme, "mqtts" | "ssl" | "tls" | "https") || place.ends_with(":8883");
    let meant = format!("{}://{place}", if is_encrypted { "mqtts" } else { "mqtt" });
    match Address::parse(&meant) {
        Ok(_) => format!("write `{meant}`"),
        Err(_) => "write for example `mqtt://host:1883`, or `mqtts://host:8883` with `tls`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_url_is_made_of_the_wrong_one() {
        for (url, meant) in [
            ("localhost:1883", "`mqtt://localhost:1883`"),
            ("broker", "`mqtt://broker`"),
            ("tcp://10.0.0.1:1883", "`mqtt://10.0.0.1:1883`"),
            ("ssl://broker:8884", "`mqtts://broker:8884`"),
            ("broker:8883", "`mqtts://broker:8883`"),
        ] {
            assert_eq!(fix_of_url(url), format!("write {meant}"));
        }
        assert!(fix_of_url("user:word@broker").contains("`mqtt://host:1883`"));
    }
}
