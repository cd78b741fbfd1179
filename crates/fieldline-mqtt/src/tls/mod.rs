//! TLS material: what the user gives, and the check of it that is made before any connection, so that a
//! wrong file is named instead of ending as a failed handshake. Reads no files and asks no clock.

mod date;
mod error;
mod server_name;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};

pub use error::TlsError;
use server_name::RenamedServer;

/// How a connection is encrypted and who is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The certificates of the authorities that may have signed the broker's.
    pub authorities: PemFile,
    /// Our own certificate, for a broker that demands one.
    pub identity: Option<Identity>,
    /// The protocols to offer, such as `x-amzn-mqtt-ca` on port 443; usually none.
    pub alpn: Vec<String>,
    /// The name the broker's certificate must carry; that of the host when absent.
    pub server_name: Option<String>,
}

/// The client's certificate and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, followed by those between it and its authority.
    pub certificate: PemFile,
    /// Its private key.
    pub key: PemFile,
}

/// The content of a PEM file and the name to use for it in messages.
#[derive(Clone, PartialEq, Eq)]
pub struct PemFile {
    /// As the user wrote it.
    pub name: String,
    /// What the file contains.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for PemFile {
    /// Leaves the content out: it may be a private key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PemFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Checks everything that can be checked without a connection and returns what rustls needs for one.
/// `now` is in seconds since 1970-01-01T00:00:00Z.
pub fn check(options: &TlsOptions, now: u64) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = server_verifier(options, &provider)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions");
    let builder = match &options.server_name {
        None => builder.with_webpki_verifier(verifier),
        Some(name) => {
            let name = ServerName::try_from(name.clone())
                .map_err(|_invalid| TlsError::ServerName { name: name.clone() })?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(RenamedServer { verifier, name }))
        }
    };
    let mut config = match &options.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = check_identity(identity, &provider, now)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| TlsError::KeyUnusable {
                file: identity.key.name.clone(),
                reason: error.to_string(),
            })?
        }
    };
    config.alpn_protocols = options.alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    Ok(config)
}

fn server_verifier(
    options: &TlsOptions,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    let file = &options.authorities;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| unreadable(file, error))?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| unreadable(file, error))
}

type Chain = Vec<CertificateDer<'static>>;

fn check_identity(
    identity: &Identity,
    provider: &CryptoProvider,
    now: u64,
) -> Result<(Chain, PrivateKeyDer<'static>), TlsError> {
    let chain = certificates(&identity.certificate)?;
    let key = private_key(&identity.key)?;
    check_certificate(&identity.certificate, &chain, now)?;
    match CertifiedKey::from_der(chain.clone(), key.clone_key(), provider) {
        Ok(_matching) => Ok((chain, key)),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(TlsError::KeyMismatch {
            certificate: identity.certificate.name.clone(),
            key: identity.key.name.clone(),
        }),
        Err(error) => {
            Err(TlsError::KeyUnusable { file: identity.key.name.clone(), reason: error.to_string() })
        }
    }
}

/// Checks validity and purpose of a client certificate. No authority is given to webpki, as only the broker
/// knows which ones it trusts: `UnknownIssuer` therefore means that nothing else is wrong.
fn check_certificate(file: &PemFile, chain: &[CertificateDer<'static>], now: u64) -> Result<(), TlsError> {
    let certificate = webpki::EndEntityCert::try_from(&chain[0]).map_err(|error| unreadable(file, error))?;
    let checked = certificate.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[],
        &chain[1..],
        UnixTime::since_unix_epoch(Duration::from_secs(now)),
        webpki::KeyUsage::client_auth(),
        None,
        None,
    );
    let file_name = file.name.clone();
    match checked.map(|_path| ()) {
        Ok(()) | Err(webpki::Error::UnknownIssuer) => Ok(()),
        Err(webpki::Error::CertExpired { time, not_after }) => Err(TlsError::Expired {
            file: file_name,
            not_after: date::format_utc(not_after.as_secs()),
            now: date::format_utc(time.as_secs()),
        }),
        Err(webpki::Error::CertNotValidYet { time, not_before }) => Err(TlsError::NotYetValid {
            file: file_name,
            not_before: date::format_utc(not_before.as_secs()),
            now: date::format_utc(time.as_secs()),
        }),
        Err(webpki::Error::RequiredEkuNotFoundContext(_)) => Err(TlsError::NotForClients { file: file_name }),
        Err(webpki::Error::CaUsedAsEndEntity) => Err(TlsError::IsAuthority { file: file_name }),
        Err(error) => Err(unreadable(file, error)),
    }
}

/// All certificates of a file, at least one.
fn certificates(file: &PemFile) -> Result<Chain, TlsError> {
    let certificates: Chain = CertificateDer::pem_slice_iter(&file.bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(file, error))?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { file: file.name.clone() });
    }
    Ok(certificates)
}

fn private_key(file: &PemFile) -> Result<PrivateKeyDer<'static>, TlsError> {
    use rustls::pki_types::pem::Error;
    match PrivateKeyDer::from_pem_slice(&file.bytes) {
        Ok(key) => Ok(key),
        Err(Error::NoItemsFound) if contains(&file.bytes, b"ENCRYPTED") => {
            Err(TlsError::KeyEncrypted { file: file.name.clone() })
        }
        Err(Error::NoItemsFound) => Err(TlsError::NoKey { file: file.name.clone() }),
        Err(error) => Err(TlsError::KeyUnusable { file: file.name.clone(), reason: error.to_string() }),
    }
}

fn unreadable(file: &PemFile, reason: impl fmt::Display) -> TlsError {
    TlsError::CertificateUnreadable { file: file.name.clone(), reason: reason.to_string() }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
