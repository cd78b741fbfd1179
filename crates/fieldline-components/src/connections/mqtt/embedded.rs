//! `broker: embedded`: what its fields may say, and how a connection uses the broker it starts with them.

use std::net::SocketAddr;
#[cfg(feature = "broker")]
use std::sync::Arc;

#[cfg(feature = "broker")]
use fieldline_broker::{AllowLoopback, Listener, ServerTls};
use fieldline_core::connection::Stop;
use fieldline_core::{BuildCx, BuildError, Clock, ComponentError};
use fieldline_mqtt::{Connection, Driver, Options};

use super::tls::{ListenTls, Tls};
#[cfg(feature = "broker")]
use crate::connections::broker::{EmbeddedBroker, Setup};

/// Whether the broker was built in.
pub(super) const IS_BUILT_IN: bool = cfg!(feature = "broker");

/// Said of `broker: embedded` where it is not.
pub(super) const NOT_BUILT_IN: &str = "this program was built without the embedded broker";

/// Why an embedded broker cannot listen at an address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListenError {
    #[error("`{0}` is no address and port of this machine")]
    NotAnAddress(String),
    #[error("`{0}` can be reached from outside; the embedded broker serves this machine only")]
    Reachable(String),
}

/// Reads an address of this machine; a free port of it without one.
pub(super) fn listen_address(listen: Option<&str>) -> Result<SocketAddr, ListenError> {
    let listen = listen.unwrap_or("127.0.0.1:0");
    let address: SocketAddr = listen.parse().map_err(|_| ListenError::NotAnAddress(listen.to_owned()))?;
    if address.ip().is_loopback() { Ok(address) } else { Err(ListenError::Reachable(listen.to_owned())) }
}

/// A broker that is to be started.
#[cfg(feature = "broker")]
pub(super) struct Embedded(Setup);

#[cfg(feature = "broker")]
impl Embedded {
    /// A broker for programs of this machine, with its data in a folder of the node. `tls` is the clients' authority
    /// and the broker's own certificate; without it the broker speaks plain TCP.
    pub(super) fn new(
        listen: Option<&str>,
        tls: Option<(&Tls, &ListenTls)>,
        shadows: bool,
        cx: &BuildCx<'_>,
    ) -> Result<Self, BuildError> {
        let address = listen_address(listen).map_err(BuildError::new)?;
        let tls = tls.map(|(clients, own)| ServerTls {
            client_authority: clients.ca.0.clone(),
            certificate: own.cert.0.clone(),
            key: own.key.0.clone(),
        });
        Ok(Embedded(Setup {
            listeners: vec![Listener { address, tls }],
            policy: Arc::new(AllowLoopback),
            data: cx.data_dir.join("broker").join(cx.node.replace('/', "-")),
            shadows,
        }))
    }

    /// Starts the broker, points the session at the port it got, and stops them, the broker last.
    pub(super) async fn run(
        self,
        connection: &Connection,
        driver: Driver,
        mut options: Options,
        (clock, stop): (Clock, Stop),
    ) -> Result<(), ComponentError> {
        use futures::future::{FutureExt, join};

        let broker = EmbeddedBroker::start(self.0, clock).await?;
        options.address.port = broker.addresses().first().expect("it was given one listener").port();
        let pointed = connection.reconnect_with(options);
        pointed.map_err(|error| ComponentError::permanent("broker", error))?;
        let (ended, end) = tokio::sync::oneshot::channel::<()>();
        let session = driver.run(stop).map(|()| drop(ended));
        join(session, broker.run(end.map(|_session_ended| ()))).await;
        Ok(())
    }
}

/// There is none.
#[cfg(not(feature = "broker"))]
pub(super) enum Embedded {}

#[cfg(not(feature = "broker"))]
impl Embedded {
    /// Says that there is none, also where nobody has checked the fields.
    pub(super) fn new(
        _: Option<&str>,
        _: Option<(&Tls, &ListenTls)>,
        _: bool,
        _: &BuildCx<'_>,
    ) -> Result<Self, BuildError> {
        Err(BuildError::new(NOT_BUILT_IN))
    }

    /// Nothing can call this.
    pub(super) async fn run(
        self,
        _: &Connection,
        _: Driver,
        _: Options,
        _: (Clock, Stop),
    ) -> Result<(), ComponentError> {
        match self {}
    }
}
