//! Authorities and certificates made for one test.

use fieldline_mqtt::tls::{Identity, PemFile, TlsOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate authority.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both as PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(parameters, key).expect("a certificate") }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Issues a certificate for `names` after `change` has changed what it says.
    pub(crate) fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut parameters = CertificateParams::new(names).expect("valid names");
        parameters.distinguished_name.push(DnType::CommonName, "test");
        change(&mut parameters);
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// A certificate for the loopback address.
    pub(crate) fn server(&self) -> Issued {
        self.issue(&["127.0.0.1"], |_| {})
    }

    pub(crate) fn client(&self) -> Issued {
        self.issue(&[], |_| {})
    }
}

impl Issued {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("a certificate")]
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key")
    }
}

pub(crate) fn pem_file(name: &str, content: impl Into<Vec<u8>>) -> PemFile {
    PemFile { name: name.to_owned(), bytes: content.into() }
}

/// Trusts `authority` and shows `client`'s certificate, if any.
pub(crate) fn tls(authority: &Authority, client: Option<&Issued>) -> TlsOptions {
    let identity = client.map(|issued| Identity {
        certificate: pem_file("device.pem", issued.certificate.clone()),
        key: pem_file("device.key", issued.key.clone()),
    });
    TlsOptions {
        authorities: pem_file("ca.pem", authority.pem()),
        identity,
        alpn: Vec::new(),
        server_name: None,
    }
}
