//! The REST paths of the shadow service behind mutual TLS, on a free port. Things other than `lamp` are
//! forbidden.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::serve::Listener;
use fieldline_shadow::limits::Limits;
use fieldline_shadow::service::{MemoryStore, RestRequest, Service};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A server that runs until this is dropped.
pub(super) struct RestServer {
    pub(super) url: String,
    _running: JoinSet<()>,
}

impl RestServer {
    /// With the certificates that `fieldline certs` has made in `folder`.
    pub(super) async fn start(folder: &Path) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://localhost:{}", socket.local_addr().expect("it is bound").port());
        let listener = TlsListener { socket, acceptor: acceptor(folder) };
        let service = Arc::new(Mutex::new(Service::new(MemoryStore::default(), Limits::default())));
        let router = Router::new().fallback(answer).with_state(service);
        let mut running = JoinSet::new();
        running.spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        RestServer { url, _running: running }
    }
}

async fn answer(
    State(service): State<Arc<Mutex<Service<MemoryStore>>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> (StatusCode, String) {
    if !uri.path().starts_with("/things/lamp/") {
        return (StatusCode::FORBIDDEN, r#"{"message":"Forbidden"}"#.to_owned());
    }
    let request = RestRequest {
        method: method.as_str(),
        path: uri.path(),
        query: uri.query().unwrap_or_default(),
        body: &body,
    };
    let answer = service.lock().expect("no handler has panicked").answer_rest(&request, 1_700_000_000);
    let answer = answer.expect("only shadows are asked for");
    (StatusCode::from_u16(answer.status).expect("a status of HTTP"), answer.body)
}

struct TlsListener {
    socket: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.socket.accept().await.expect("the socket is open");
            // A client without a good certificate is told so by the handshake.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.socket.local_addr()
    }
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let certificates = |file: &str| -> Vec<CertificateDer<'static>> {
        let found = CertificateDer::pem_file_iter(folder.join(file)).expect("a file");
        found.collect::<Result<_, _>>().expect("certificates")
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca.pem") {
        roots.add(certificate).expect("a certificate of an authority");
    }
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    let config = config
        .expect("ring has the default versions")
        .with_client_cert_verifier(verifier.expect("there is an authority"))
        .with_single_cert(certificates("server.pem"), key);
    TlsAcceptor::from(Arc::new(config.expect("the key is that of the certificate")))
}
