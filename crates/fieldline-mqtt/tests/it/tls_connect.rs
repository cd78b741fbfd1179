//! What a TLS handshake that fails is called, by whom it may fail, and that a good one works.

use std::sync::Arc;

use fieldline_mqtt::tls::TlsOptions;
use fieldline_mqtt::{Address, ConnectError, Connection, Options, Publish, State, Version};
use rcgen::date_time_ymd;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::Duration;
use tokio_rustls::TlsAcceptor;

use crate::broker::{Peer, options, start, within};
use crate::certificates::{Authority, Issued, tls};

/// A broker's TLS side. It demands a certificate of `clients`, if given.
struct TlsBroker {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsBroker {
    async fn bind(issued: &Issued, clients: Option<&Authority>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .expect("the default versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let certificate = Issued { certificate: authority.pem(), key: String::new() };
                roots.add(certificate.chain().remove(0)).expect("an authority");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("a verifier"))
            }
        };
        let mut config = builder.with_single_cert(issued.chain(), issued.private_key()).expect("it matches");
        config.alpn_protocols = vec![b"x-amzn-mqtt-ca".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self { listener, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    fn options(&self, tls: TlsOptions) -> Options {
        let port = self.listener.local_addr().expect("bound").port();
        let address = Address::parse(&format!("mqtts://127.0.0.1:{port}")).expect("a valid URL");
        Options { address, tls: Some(tls), ..options(port) }
    }

    /// A connection whose handshake succeeds, and the protocol that was agreed on.
    async fn accept(&self) -> (Peer, Option<Vec<u8>>) {
        let (stream, _address) = within(self.listener.accept()).await.expect("a connection");
        let stream = within(self.acceptor.accept(stream)).await.expect("a handshake");
        let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        (Peer::new(stream), protocol)
    }

    /// A connection whose handshake fails; it stays open until the client has read why.
    async fn fail(&self) {
        let (stream, _address) = within(self.listener.accept()).await.expect("a connection");
        if let Err((_error, mut stream)) = within(self.acceptor.accept(stream).into_fallible()).await {
            let mut rest = Vec::new();
            let _reset = within(stream.read_to_end(&mut rest)).await;
        }
    }

    /// How the first attempt to connect here ends, with either version of the protocol.
    async fn failure(&self, tls: TlsOptions) -> ConnectError {
        let mut errors = Vec::new();
        for version in [Version::V3_1_1, Version::V5] {
            // One attempt only: another must not be in the way of the next client's.
            let never = Duration::from_secs(3_600);
            let options = Options {
                version,
                backoff_initial: never,
                backoff_maximum: never,
                ..self.options(tls.clone())
            };
            let connection = start(options);
            let (error, ()) = futures::future::join(failure(&connection), self.fail()).await;
            assert!(error.hint().is_some(), "{error}");
            errors.push(error);
        }
        assert_eq!(errors[0], errors[1]);
        errors.remove(0)
    }
}

async fn failure(connection: &Connection) -> ConnectError {
    let mut state = connection.state();
    let failed = within(state.wait_for(|state| matches!(state, State::Disconnected { .. }))).await;
    match failed.expect("a state").clone() {
        State::Disconnected { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_message_travels_over_mutual_tls_with_the_protocol_asked_for() {
    let authority = Authority::new("ours");
    let broker = TlsBroker::bind(&authority.server(), Some(&authority)).await;
    let mut tls = tls(&authority, Some(&authority.client()));
    tls.alpn = vec!["x-amzn-mqtt-ca".to_owned()];
    let connection = start(broker.options(tls));
    let (mut peer, protocol) = broker.accept().await;
    assert_eq!(protocol.as_deref(), Some(b"x-amzn-mqtt-ca".as_slice()));
    peer.welcome(false).await;
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid).await;
    within(receipt).await.expect("acknowledged");
}

#[tokio::test]
async fn a_broker_of_another_authority_is_not_trusted() {
    let authority = Authority::new("ours");
    let broker = TlsBroker::bind(&Authority::new("theirs").server(), None).await;
    let error = broker.failure(tls(&authority, None)).await;
    assert_eq!(error, ConnectError::UnknownAuthority { file: "ca.pem".to_owned() });
}

#[tokio::test]
async fn a_broker_with_another_name_is_not_trusted_unless_the_name_is_given() {
    let authority = Authority::new("ours");
    let broker =
        TlsBroker::bind(&authority.issue(&["broker.example", "10.0.0.1", "::1"], |_| {}), None).await;
    let mut tls = tls(&authority, None);
    let error = broker.failure(tls.clone()).await;
    assert_eq!(
        error.to_string(),
        "the broker's certificate is not for `127.0.0.1` but for `broker.example`, `10.0.0.1`, `::1`"
    );
    tls.server_name = Some("broker.example".to_owned());
    let _connection = start(broker.options(tls));
    broker.accept().await;
}

#[tokio::test]
async fn a_broker_with_an_expired_certificate_is_not_trusted() {
    let authority = Authority::new("ours");
    let expired =
        authority.issue(&["127.0.0.1"], |parameters| parameters.not_after = date_time_ymd(2020, 1, 1));
    let broker = TlsBroker::bind(&expired, None).await;
    let error = broker.failure(tls(&authority, None)).await;
    assert!(
        matches!(&error, ConnectError::ServerCertificate { reason } if reason.contains("expired")),
        "{error}"
    );
}

#[tokio::test]
async fn a_broker_that_demands_a_certificate_says_so() {
    let authority = Authority::new("ours");
    let broker = TlsBroker::bind(&authority.server(), Some(&authority)).await;
    assert_eq!(broker.failure(tls(&authority, None)).await, ConnectError::ClientCertificateRequired);
}

#[tokio::test]
async fn a_broker_that_refuses_our_certificate_says_so() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let broker = TlsBroker::bind(&ours.server(), Some(&ours)).await;
    let error = broker.failure(tls(&ours, Some(&theirs.client()))).await;
    assert!(matches!(error, ConnectError::ClientCertificateRefused { .. }), "{error}");
}

#[tokio::test]
async fn faulty_material_is_reported_without_connecting() {
    let authority = Authority::new("ours");
    let broker = TlsBroker::bind(&authority.server(), None).await;
    let mut tls = tls(&authority, None);
    tls.authorities.bytes.clear();
    let connection = start(broker.options(tls));
    assert!(matches!(failure(&connection).await, ConnectError::Tls(_)));
}

#[tokio::test]
async fn a_port_without_tls_fails_the_handshake() {
    let broker = crate::broker::Broker::bind().await;
    let authority = Authority::new("ours");
    let plain = broker.options();
    let url = format!("mqtts://{}", plain.address);
    let address = Address::parse(&url).expect("a valid URL");
    let connection = start(Options { address, tls: Some(tls(&authority, None)), ..plain });
    let mut peer = broker.accept().await;
    peer.write_bytes(b"\x20\x02\x00\x00").await;
    let error = failure(&connection).await;
    assert!(matches!(error, ConnectError::Handshake { .. }), "{error}");
}

#[tokio::test]
async fn renewed_certificates_are_used_on_a_new_connection() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let broker = TlsBroker::bind(&new.server(), Some(&new)).await;
    let connection = start(broker.options(tls(&old, Some(&old.client()))));
    let receipt = connection.enqueue(Publish::new("a", "x")).await.expect("room");
    let (error, ()) = futures::future::join(failure(&connection), broker.fail()).await;
    assert!(matches!(error, ConnectError::UnknownAuthority { .. }), "{error}");
    connection.reconnect_with(broker.options(tls(&new, Some(&new.client())))).expect("valid options");
    let mut peer = loop {
        let (stream, _address) = within(broker.listener.accept()).await.expect("a connection");
        // An attempt with the old certificates may have been under way.
        if let Ok(stream) = within(broker.acceptor.accept(stream)).await {
            break Peer::new(stream);
        }
    };
    peer.welcome(false).await;
    let publish = peer.published().await;
    peer.acknowledge(publish.pkid).await;
    within(receipt).await.expect("acknowledged");
}
