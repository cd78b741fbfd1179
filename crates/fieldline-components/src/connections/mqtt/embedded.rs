//! The broker inside the program, on this machine only.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Whether the broker was built in.
pub(super) const IS_BUILT_IN: bool = cfg!(feature = "broker");

/// A broker that is to be started.
pub(super) struct Embedded {
    /// Where it shall listen.
    pub(super) listen: SocketAddr,
    /// Where it keeps sessions and retained messages.
    pub(super) data: PathBuf,
    /// Whether a shadow service runs behind it.
    pub(super) shadows: bool,
    /// What it needs to speak TLS; plain TCP without it.
    pub(super) tls: Option<ServerFiles>,
}

/// The files (PEM) of a broker that speaks TLS.
#[cfg_attr(not(feature = "broker"), expect(dead_code, reason = "there is no broker to read them"))]
pub(super) struct ServerFiles {
    /// Whose clients are served.
    pub(super) client_authority: PathBuf,
    /// The broker's certificate.
    pub(super) certificate: PathBuf,
    /// Its private key.
    pub(super) key: PathBuf,
}

impl Embedded {
    /// A broker at `listen`, or at a free port, without TLS.
    pub(super) fn new(listen: Option<&str>, data: PathBuf, shadows: bool) -> Result<Self, String> {
        Ok(Embedded { listen: listen_address(listen)?, data, shadows, tls: None })
    }
}

/// Reads an address of this machine.
pub(super) fn listen_address(listen: Option<&str>) -> Result<SocketAddr, String> {
    let listen = listen.unwrap_or("127.0.0.1:0");
    let address: SocketAddr =
        listen.parse().map_err(|_| format!("`{listen}` is no address and port of this machine"))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!("`{listen}` can be reached from outside; the embedded broker serves this machine only"))
    }
}
