//! Mutual TLS: who gets in, and what the policy learns about them.

use std::path::Path;
use std::sync::{Arc, Mutex};

use fieldline_broker::{Action, Broker, BrokerOptions, CertificateIdentity, Identity, Listener, ServerTls};
use rumqttc::Transport;

use crate::support::device::{Connect, Device, Message, VERSIONS, Version, tls};
use crate::support::{Running, free, pki, plain, secured, server_tls};

async fn attempt(broker: &Running, transport: Transport) -> Result<Device, String> {
    let connect = Connect::new(broker.address, "device", Version::Three);
    Connect { transport, ..connect }.attempt().await
}

#[tokio::test]
async fn a_device_of_the_authority_gets_in() {
    let ours = pki(&["pi-01"]);
    let broker = Running::start(secured(ours.path())).await;
    for version in VERSIONS {
        let connect = Connect::new(broker.address, "device", version);
        let transport = tls(ours.path(), Some((ours.path(), "pi-01")));
        let mut device = Connect { transport, ..connect }.open().await;
        assert!(device.subscribe("a").await);
        assert_eq!(device.publish("a", "over TLS").await, Ok(true));
        assert_eq!(device.next().await, Message::new("a", "over TLS"));
    }
    broker.stop().await;
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let ours = pki(&["pi-01"]);
    let foreign = pki(&["pi-01"]);
    let broker = Running::start(secured(ours.path())).await;
    for (who, transport) in [
        ("without a certificate", tls(ours.path(), None)),
        ("of a foreign authority", tls(ours.path(), Some((foreign.path(), "pi-01")))),
        ("with a server's certificate", tls(ours.path(), Some((ours.path(), "server")))),
        ("without TLS", Transport::Tcp),
    ] {
        assert!(attempt(&broker, transport).await.is_err(), "a client {who} is refused");
    }
    let wary = tls(foreign.path(), Some((ours.path(), "pi-01")));
    assert!(attempt(&broker, wary).await.is_err(), "a client that does not trust the server leaves");
    assert!(attempt(&broker, tls(ours.path(), Some((ours.path(), "pi-01")))).await.is_ok());
    broker.stop().await;
}

#[tokio::test]
async fn the_policy_sees_the_certificate_and_can_tie_topics_to_it() {
    let ours = pki(&["pi-01", "pi-02"]);
    let seen: Arc<Mutex<Vec<CertificateIdentity>>> = Arc::default();
    let policy = {
        let seen = Arc::clone(&seen);
        move |identity: &Identity, action: Action<'_>| {
            let certificate = identity.certificate.as_ref().expect("TLS is mutual");
            let thing = certificate.common_name.as_deref().expect("devices have a name");
            match action {
                Action::Connect => {
                    seen.lock().expect("the lock is sound").push(certificate.clone());
                    true
                }
                Action::Publish(topic) | Action::Subscribe(topic) | Action::Receive(topic) => {
                    topic.starts_with(&format!("things/{thing}/"))
                }
            }
        }
    };
    let broker = Running::start(BrokerOptions { policy: Arc::new(policy), ..secured(ours.path()) }).await;
    for thing in ["pi-01", "pi-02"] {
        // The client identifier is a claim: it is the other device's on purpose.
        let connect =
            Connect::new(broker.address, if thing == "pi-01" { "pi-02" } else { "pi-01" }, Version::Five);
        let transport = tls(ours.path(), Some((ours.path(), thing)));
        let mut device = Connect { transport, ..connect }.open().await;
        let own = format!("things/{thing}/a");
        assert!(device.subscribe(&own).await);
        assert!(!device.subscribe("things/#").await);
        assert_eq!(device.publish(&own, "mine").await, Ok(true));
        assert_eq!(device.publish("things/pi-03/a", "not mine").await, Ok(false));
        assert_eq!(device.next().await, Message::new(&own, "mine"));
    }
    broker.stop().await;
    let seen = seen.lock().expect("the lock is sound");
    assert_ne!(seen[0].fingerprint, seen[1].fingerprint);
    assert_eq!(seen[0].fingerprint.len(), 64);
}

#[tokio::test]
async fn a_session_belongs_to_the_holder_of_the_certificate() {
    let ours = pki(&["owner", "thief"]);
    let broker = Running::start(secured(ours.path())).await;
    let session = |holder: &str| Connect {
        transport: tls(ours.path(), Some((ours.path(), holder))),
        persistent: true,
        ..Connect::new(broker.address, "session", Version::Three)
    };
    drop(session("owner").open().await);
    assert!(session("thief").attempt().await.is_err());
    assert!(session("owner").open().await.session_present);
    broker.stop().await;
}

async fn refusal(directory: &Path, tls: ServerTls) -> String {
    let options = BrokerOptions { listeners: vec![Listener::secured(free(), tls)], ..plain() };
    let error = Broker::start(options).await.err().expect("the broker does not start").to_string();
    error.replace(&directory.display().to_string(), "PKI")
}

#[tokio::test]
async fn unusable_files_are_named_with_what_is_wrong() {
    let ours = pki(&["pi-01"]);
    let path = ours.path();
    let good = server_tls(path);
    for (tls, expected) in [
        (
            ServerTls { client_authority: path.join("nowhere.pem"), ..good.clone() },
            "cannot read `PKI/nowhere.pem`: No such file or directory (os error 2)",
        ),
        (
            ServerTls { client_authority: path.join("ca.key"), ..good.clone() },
            "`PKI/ca.key` holds no certificate in PEM",
        ),
        (
            ServerTls { certificate: path.join("server.key"), ..good.clone() },
            "`PKI/server.key` holds no certificate in PEM",
        ),
        (
            ServerTls { key: path.join("server.pem"), ..good.clone() },
            "`PKI/server.pem` holds no private key in PEM",
        ),
        (
            ServerTls { key: path.join("pi-01.key"), ..good.clone() },
            "`PKI/pi-01.key` is not the key of the certificate in `PKI/server.pem`",
        ),
    ] {
        assert_eq!(refusal(path, tls).await, expected);
    }
}
