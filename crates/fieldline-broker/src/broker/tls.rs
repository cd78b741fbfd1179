//! Mutual TLS: the listener's certificates, and what a client's certificate says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::broker::error::{BrokerError, CertificateProblem};
use crate::broker::identity::CertificateIdentity;

/// What is read of a file at most; what is cut off is no PEM.
const MAX_PEM: u64 = 1 << 20;

/// Protocol names a client may ask for; AWS IoT's SDKs ask for the first on port 443.
const PROTOCOLS: [&[u8]; 2] = [b"x-amzn-mqtt-ca", b"mqtt"];

/// Files for mutual TLS, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// Authorities whose client certificates are accepted; a client without one is refused.
    pub client_authority: PathBuf,
    /// The server's certificate, followed by intermediate ones if there are any.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
}

/// Reads the files and checks that they belong together.
pub(super) async fn acceptor(tls: &ServerTls) -> Result<TlsAcceptor, BrokerError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(
        Arc::new(authorities(&tls.client_authority).await?),
        Arc::clone(&provider),
    )
    .build()
    .map_err(|error| unusable(&tls.client_authority, CertificateProblem::NoAuthorities(error)))?;
    let chain = certificates(&tls.certificate).await?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key).await?)
        .map_err(|_| unusable(&tls.key, CertificateProblem::NoKey))?;
    let mut config = with_versions(provider)
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                unusable(&tls.key, CertificateProblem::ForeignKey { certificate: tls.certificate.clone() })
            }
            error => unusable(&tls.certificate, CertificateProblem::Unusable(error)),
        })?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Who the verified certificate of a connection belongs to.
pub(super) fn peer_identity(socket: &TlsStream<TcpStream>) -> Option<CertificateIdentity> {
    let (_, connection) = socket.get_ref();
    CertificateIdentity::from_der(connection.peer_certificates()?.first()?)
}

fn with_versions(
    provider: Arc<CryptoProvider>,
) -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring implements TLS 1.2 and 1.3")
}

async fn authorities(path: &Path) -> Result<RootCertStore, BrokerError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path).await? {
        store.add(certificate).map_err(|error| unusable(path, CertificateProblem::NotAnAuthority(error)))?;
    }
    Ok(store)
}

async fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, BrokerError> {
    let certificates = CertificateDer::pem_slice_iter(&read(path).await?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unusable(path, CertificateProblem::NotPem(error)))?;
    if certificates.is_empty() {
        return Err(unusable(path, CertificateProblem::NoCertificate));
    }
    Ok(certificates)
}

async fn read(path: &Path) -> Result<Vec<u8>, BrokerError> {
    let read = async {
        let mut content = Vec::new();
        File::from_std(fieldline_files::open(path)?).take(MAX_PEM).read_to_end(&mut content).await?;
        Ok(content)
    };
    read.await.map_err(|source| BrokerError::Unreadable { path: path.to_owned(), source })
}

fn unusable(path: &Path, problem: CertificateProblem) -> BrokerError {
    BrokerError::Certificate { path: path.to_owned(), problem }
}
