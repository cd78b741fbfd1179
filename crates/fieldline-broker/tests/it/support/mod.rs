//! A broker that runs beside the test, and directories of certificates.

pub(crate) mod device;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldline_broker::{
    Action, AllowLoopback, Broker, BrokerOptions, Identity, Link, Listener, PkiFiles, Policy, ServerTls,
    Validity, create_pki,
};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// No step of a test takes longer unless it has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running broker; dropping it is like a crash.
pub(crate) struct Running {
    /// Of its first listener.
    pub(crate) address: SocketAddr,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) link: Link,
    stop: oneshot::Sender<()>,
    task: JoinSet<()>,
}

impl Running {
    pub(crate) async fn start(options: BrokerOptions) -> Self {
        let broker = Broker::start(options).await.expect("the broker starts");
        let (stop, stopped) = oneshot::channel();
        let addresses = broker.addresses().to_vec();
        let address = *addresses.first().expect("it has a listener");
        let link = broker.link();
        let mut task = JoinSet::new();
        task.spawn(broker.run(async {
            stopped.await.expect("the test stops the broker before it lets go of it");
        }));
        Self { address, addresses, link, stop, task }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.send(()).expect("the broker is running");
        timeout(DEADLINE, self.task.join_next())
            .await
            .expect("the broker stops in time")
            .expect("the broker was running")
            .expect("the broker has not panicked");
    }
}

/// A free port of this machine.
pub(crate) fn free() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Options for plain TCP at `address`, for clients of this machine.
pub(crate) fn plain_at(address: SocketAddr) -> BrokerOptions {
    BrokerOptions::new(vec![Listener::plain(address)], Arc::new(AllowLoopback))
}

/// Options for plain TCP on a port of the system's choice.
pub(crate) fn plain() -> BrokerOptions {
    plain_at(free())
}

/// Options with a policy made of a function.
pub(crate) fn with_policy<F>(policy: F) -> BrokerOptions
where
    F: Fn(&Identity, Action<'_>) -> bool + Send + Sync + 'static,
{
    let policy: Arc<dyn Policy> = Arc::new(policy);
    BrokerOptions { policy, ..plain() }
}

/// Options for mutual TLS with the PKI in `directory`.
pub(crate) fn secured(directory: &Path) -> BrokerOptions {
    BrokerOptions { listeners: vec![Listener::secured(free(), server_tls(directory))], ..plain() }
}

/// The files of a server with the PKI in `directory`.
pub(crate) fn server_tls(directory: &Path) -> ServerTls {
    ServerTls {
        client_authority: directory.join("ca.pem"),
        certificate: directory.join("server.pem"),
        key: directory.join("server.key"),
    }
}

/// A PKI with a server and these devices.
pub(crate) fn pki(devices: &[&str]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory is made");
    let wanted = PkiFiles {
        server_names: Vec::new(),
        devices: devices.iter().map(|&device| device.to_owned()).collect(),
        validity: validity(),
    };
    create_pki(directory.path(), &wanted).expect("the certificates are written");
    directory
}

#[expect(clippy::disallowed_methods, reason = "the TLS library compares with the real clock")]
pub(crate) fn validity() -> Validity {
    Validity { now: std::time::SystemTime::now(), days: 2 }
}
