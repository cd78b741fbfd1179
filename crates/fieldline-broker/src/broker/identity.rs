//! Who a client is: what it says about itself, and what its certificate proves.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// A connected client as a [`Policy`](crate::Policy) sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Client identifier of the CONNECT packet, or the one the broker assigned. A claim, not a proof.
    pub client_id: String,
    /// User name of the CONNECT packet. A claim, not a proof: passwords are not looked at.
    pub username: Option<String>,
    /// The verified certificate; `None` on a plain listener.
    pub certificate: Option<CertificateIdentity>,
    /// Address the client connected from.
    pub peer: SocketAddr,
}

/// What a client certificate, signed by the trusted authority, says about its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// First common name of the subject.
    pub common_name: Option<String>,
    /// DNS names among the alternative names.
    pub dns_names: Vec<String>,
    /// IP addresses among the alternative names.
    pub addresses: Vec<IpAddr>,
    /// SHA-256 of the DER encoding in lower-case hexadecimal, which is also AWS IoT's certificate ID.
    pub fingerprint: String,
}

impl CertificateIdentity {
    /// Reads a DER certificate; `None` if it is not one.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let common_name =
            certificate.subject().iter_common_name().find_map(|name| name.as_str().ok()).map(str::to_owned);
        let mut identity =
            Self { common_name, dns_names: Vec::new(), addresses: Vec::new(), fingerprint: fingerprint(der) };
        if let Ok(Some(names)) = certificate.subject_alternative_name() {
            for name in &names.value.general_names {
                match name {
                    GeneralName::DNSName(name) => identity.dns_names.push((*name).to_owned()),
                    GeneralName::IPAddress(bytes) => identity.addresses.extend(address(bytes)),
                    _ => {}
                }
            }
        }
        Some(identity)
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(bytes));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
