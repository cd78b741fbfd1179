//! The library's authorisation hook for one connection, answered by the policy.

use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mqtt5::MqttError;
use mqtt5::broker::{AuthProvider, AuthResult};
use mqtt5::packet::connect::ConnectPacket;

use crate::broker::client::Client;
use crate::broker::policy::Action;

const VERSION_5: u8 = 5;

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Knows whose connection it is, because each connection has its own.
pub(super) struct Authorizer {
    client: Arc<Client>,
    can_be_told: AtomicBool,
}

impl Authorizer {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self { client, can_be_told: AtomicBool::new(false) }
    }
}

impl AuthProvider for Authorizer {
    /// A refusal is an error, not a result, because only then is the socket closed without a
    /// CONNACK, as AWS IoT does; its first SDK takes any CONNACK for success.
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        _: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        self.can_be_told.store(connect.protocol_version >= VERSION_5, Ordering::Relaxed);
        let result = if self.client.admit(&connect.client_id, connect.username.as_deref()) {
            let owner = self.client.owner();
            Ok(owner.map_or_else(AuthResult::success, AuthResult::success_with_user))
        } else {
            Err(MqttError::NotAuthorized)
        };
        Box::pin(ready(result))
    }

    fn authorize_publish<'a>(&'a self, _: &str, _: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        let allowed = self.client.may(Action::Publish(topic));
        if !allowed && !self.can_be_told.load(Ordering::Relaxed) {
            self.client.cut();
        }
        Box::pin(ready(allowed))
    }

    fn authorize_subscribe<'a>(&'a self, _: &str, _: Option<&'a str>, filter: &'a str) -> Answer<'a, bool> {
        Box::pin(ready(self.client.may(Action::Subscribe(filter))))
    }
}
