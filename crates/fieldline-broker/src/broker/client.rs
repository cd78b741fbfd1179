//! One connection's standing with the policy, shared by the protocol engine, which learns who
//! the client is, and the byte stream, which decides what reaches it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::broker::identity::{CertificateIdentity, Identity};
use crate::broker::policy::{Action, Policy};

/// A connection before and after its CONNECT packet.
pub(super) struct Client {
    policy: Arc<dyn Policy>,
    peer: SocketAddr,
    certificate: Option<CertificateIdentity>,
    admitted: OnceLock<Arc<Identity>>,
    cut: AtomicBool,
}

impl Client {
    pub(super) fn new(
        policy: Arc<dyn Policy>,
        peer: SocketAddr,
        certificate: Option<CertificateIdentity>,
    ) -> Self {
        Self { policy, peer, certificate, admitted: OnceLock::new(), cut: AtomicBool::new(false) }
    }

    /// Address the client connected from.
    pub(super) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Who owns the sessions of this client: sessions outlive a renewed certificate, but not a
    /// change of holder.
    pub(super) fn owner(&self) -> Option<&str> {
        let certificate = self.certificate.as_ref()?;
        Some(certificate.common_name.as_deref().unwrap_or(&certificate.fingerprint))
    }

    /// Asks the policy to let the client in, and remembers who it is if so.
    pub(super) fn admit(&self, client_id: &str, username: Option<&str>) -> bool {
        let identity = Identity {
            client_id: client_id.to_owned(),
            username: username.map(str::to_owned),
            certificate: self.certificate.clone(),
            peer: self.peer,
        };
        let allowed = self.policy.allow(&identity, Action::Connect);
        if !allowed {
            tracing::warn!(peer = %self.peer, client_id, owner = self.owner(), "policy refuses the connection");
            return false;
        }
        self.admitted.set(Arc::new(identity)).is_ok()
    }

    /// Who the client is, once it has been let in.
    pub(super) fn identity(&self) -> Option<&Arc<Identity>> {
        self.admitted.get()
    }

    /// Whether the client may do this; nothing is allowed before it has been let in.
    pub(super) fn may(&self, action: Action<'_>) -> bool {
        let allowed = self.identity().is_some_and(|identity| self.policy.allow(identity, action));
        if !allowed {
            let client_id = self.identity().map(|identity| identity.client_id.as_str());
            tracing::trace!(peer = %self.peer, client_id, %action, "policy refuses");
        }
        allowed
    }

    /// Ends the connection at its next read or write.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Whether the connection has been ended by [`Client::cut`].
    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}
