//! Permission: one question per connection, subscription, publish and delivery.

use std::fmt;

use crate::broker::identity::Identity;

/// What a client is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// Open a session under [`Identity::client_id`]. Refused by closing the connection.
    Connect,
    /// Publish to this topic, directly or as its last will. An MQTT 5 client is told "not
    /// authorized"; a 3.1.1 client, which cannot be told, is disconnected.
    Publish(&'a str),
    /// Subscribe with this filter, wildcards and a leading `$share/<group>/` included. Refused in
    /// the acknowledgement; also asked again when a stored session is resumed.
    Subscribe(&'a str),
    /// Be sent a message of this topic. A refused message is withheld from this client only.
    Receive(&'a str),
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Connect => formatter.write_str("connect"),
            Action::Publish(topic) => write!(formatter, "publish to `{topic}`"),
            Action::Subscribe(filter) => write!(formatter, "subscribe to `{filter}`"),
            Action::Receive(topic) => write!(formatter, "receive `{topic}`"),
        }
    }
}

/// Decides what each client may do. Called for every message, so it must be quick and not block.
///
/// Any `Fn(&Identity, Action<'_>) -> bool` is a policy.
pub trait Policy: Send + Sync {
    /// Whether the client may do this.
    fn allow(&self, identity: &Identity, action: Action<'_>) -> bool;
}

impl<F> Policy for F
where
    F: Fn(&Identity, Action<'_>) -> bool + Send + Sync,
{
    fn allow(&self, identity: &Identity, action: Action<'_>) -> bool {
        self(identity, action)
    }
}

/// Allows everything to clients on this machine and nothing to others.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowLoopback;

impl Policy for AllowLoopback {
    fn allow(&self, identity: &Identity, _: Action<'_>) -> bool {
        identity.peer.ip().to_canonical().is_loopback()
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, AllowLoopback, Policy};
    use crate::broker::identity::Identity;

    #[test]
    fn by_default_only_this_machine_is_served() {
        for (peer, expected) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("192.0.2.1:1", false),
            ("[2001:db8::1]:1", false),
        ] {
            let peer = peer.parse().expect("the address is well-formed");
            let identity = Identity { client_id: "pi".to_owned(), username: None, certificate: None, peer };
            assert_eq!(AllowLoopback.allow(&identity, Action::Connect), expected, "{peer}");
        }
    }
}
