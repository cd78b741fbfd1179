//! Issues certificates; no files, no clock. Keys are ECDSA P-256 in PKCS#8, everything is PEM.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::certs::error::CertificateError;

/// Certificates start in the past, so that a device whose clock is slow accepts them.
const BACK_DATED: Duration = Duration::from_secs(24 * 3600);
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const LONGEST_DEVICE_NAME: usize = 128;

/// When a certificate is valid: from one day before `now` until `days` after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The time of issue.
    pub now: SystemTime,
    /// Days counted from `now`.
    pub days: u32,
}

/// A certificate and its private key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePair {
    /// One `CERTIFICATE` block.
    pub certificate: String,
    /// One `PRIVATE KEY` block (PKCS#8).
    pub key: String,
}

/// A certificate authority with its key.
pub struct Authority {
    pair: CertificatePair,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a new authority whose common name is `name`.
    ///
    /// # Errors
    /// If the validity is too long or the name cannot be encoded.
    pub fn create(name: &str, validity: Validity) -> Result<Self, CertificateError> {
        let mut params = params(name, validity)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(cannot_issue)?;
        let certificate = params.self_signed(&key).map_err(cannot_issue)?;
        let pair = CertificatePair { certificate: certificate.pem(), key: key.serialize_pem() };
        Ok(Self { pair, issuer: Issuer::new(params, key) })
    }

    /// Takes up an existing authority.
    ///
    /// # Errors
    /// If the texts are not PEM, the certificate is not an authority's, or the key is another's.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, CertificateError> {
        let pair = CertificatePair { certificate: certificate.to_owned(), key: key.to_owned() };
        let der = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|error| not_an_authority(format!("the certificate is not PEM: {error}")))?;
        let key = KeyPair::from_pem(key).map_err(|error| not_an_authority(format!("the key: {error}")))?;
        let (_, parsed) = X509Certificate::from_der(&der)
            .map_err(|error| not_an_authority(format!("the certificate: {error}")))?;
        if !parsed.is_ca() {
            return Err(not_an_authority("the certificate may not sign others"));
        }
        if parsed.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(not_an_authority("the key belongs to another certificate"));
        }
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(not_an_authority)?;
        Ok(Self { pair, issuer })
    }

    /// The authority's own certificate and key.
    pub fn pair(&self) -> &CertificatePair {
        &self.pair
    }

    /// Issues a server certificate for `names` (DNS names and IP addresses), and always for
    /// `localhost`, `127.0.0.1` and `::1`. The common name is the first of them.
    ///
    /// # Errors
    /// If a name is neither a DNS name nor an IP address, or the validity is too long.
    pub fn server(&self, names: &[String], validity: Validity) -> Result<CertificatePair, CertificateError> {
        let mut all: Vec<&str> = Vec::new();
        for name in names.iter().map(String::as_str).chain(LOCAL_NAMES) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        let mut params = params(all[0], validity)?;
        params.subject_alt_names = all.into_iter().map(alternative_name).collect::<Result<_, _>>()?;
        self.issue(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Issues a client certificate whose common name is the name of the device (AWS IoT: thing).
    ///
    /// # Errors
    /// If the name is not one, or the validity is too long.
    pub fn device(&self, name: &str, validity: Validity) -> Result<CertificatePair, CertificateError> {
        check_device(name)?;
        self.issue(params(name, validity)?, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<CertificatePair, CertificateError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(cannot_issue)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(cannot_issue)?;
        Ok(CertificatePair { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

/// The rule of AWS IoT for thing names, less the two names taken by files of the PKI itself.
pub(super) fn check_device(name: &str) -> Result<(), CertificateError> {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || ":_-".contains(letter);
    let is_name = (1..=LONGEST_DEVICE_NAME).contains(&name.len()) && name.chars().all(is_allowed);
    if !is_name || name == "ca" || name == "server" {
        return Err(CertificateError::InvalidDevice(name.to_owned()));
    }
    Ok(())
}

fn params(common_name: &str, validity: Validity) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    let now = OffsetDateTime::from(validity.now);
    params.not_before = now - BACK_DATED;
    params.not_after = now
        .checked_add(time::Duration::days(i64::from(validity.days)))
        .ok_or(CertificateError::TooLong(validity.days))?;
    Ok(params)
}

fn alternative_name(name: &str) -> Result<SanType, CertificateError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let invalid = || CertificateError::InvalidServerName(name.to_owned());
    DnsName::try_from(name).map_err(|_| invalid())?;
    Ok(SanType::DnsName(name.try_into().map_err(|_| invalid())?))
}

fn cannot_issue(error: rcgen::Error) -> CertificateError {
    CertificateError::Issue(error.to_string())
}

fn not_an_authority(reason: impl ToString) -> CertificateError {
    CertificateError::NotAnAuthority(reason.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Authority, Validity, check_device};
    use crate::certs::error::CertificateError;

    fn validity(days: u32) -> Validity {
        Validity { now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000), days }
    }

    fn refusal<T>(result: Result<T, CertificateError>) -> String {
        result.err().expect("the call is refused").to_string()
    }

    #[test]
    fn a_device_name_is_a_thing_name_and_never_a_path() {
        let longest = "a".repeat(128);
        for name in ["pi-01", "Line_3:Press", "0", longest.as_str()] {
            assert!(check_device(name).is_ok(), "{name}");
        }
        let too_long = "a".repeat(129);
        for name in ["", "ca", "server", "../pi", "pi.01", "pi 01", "gerät", too_long.as_str()] {
            assert!(check_device(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_server_name_that_cannot_be_connected_to_is_refused() {
        let authority = Authority::create("test", validity(1)).expect("the authority is made");
        for name in ["", "gate way", "gateway..local", "münchen"] {
            let refused = refusal(authority.server(&[name.to_owned()], validity(1)));
            assert_eq!(refused, format!("`{name}` is neither an IP address nor a DNS name"));
        }
    }

    #[test]
    fn a_validity_beyond_the_calendar_is_refused() {
        assert_eq!(refusal(Authority::create("test", validity(u32::MAX))), "4294967295 days are too long");
    }

    #[test]
    fn an_authority_is_taken_up_again_only_with_its_own_key() {
        let authority = Authority::create("one", validity(1)).expect("the authority is made");
        let other = Authority::create("two", validity(1)).expect("the authority is made");
        let device = authority.device("pi", validity(1)).expect("the certificate is issued");
        let pair = authority.pair();
        assert!(Authority::from_pem(&pair.certificate, &pair.key).is_ok());
        for (certificate, key, reason) in [
            (&pair.certificate, &other.pair().key, "the key belongs to another certificate"),
            (&device.certificate, &device.key, "the certificate may not sign others"),
        ] {
            let refused = refusal(Authority::from_pem(certificate, key));
            assert_eq!(refused, format!("not the certificate and key of an authority: {reason}"));
        }
        assert!(Authority::from_pem("nothing", &pair.key).is_err());
        assert!(Authority::from_pem(&pair.certificate, "nothing").is_err());
    }
}
