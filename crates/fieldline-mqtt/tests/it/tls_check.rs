//! The check of certificates and keys before a connection is made.

use fieldline_mqtt::tls::{TlsError, TlsOptions, check};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};

use crate::certificates::{Authority, pem_file, tls};

/// 2026-11-23 13:26:07 UTC.
const NOW: u64 = 1_795_440_367;

/// The fault of options that start out faultless and are then changed.
fn fault(change: impl FnOnce(&Authority, &mut TlsOptions)) -> TlsError {
    let authority = Authority::new("ours");
    let mut options = tls(&authority, Some(&authority.client()));
    change(&authority, &mut options);
    let fault = check(&options, NOW).expect_err("something is wrong");
    assert!(!fault.hint().is_empty());
    fault
}

fn certificate(options: &mut TlsOptions) -> &mut Vec<u8> {
    &mut options.identity.as_mut().expect("there is one").certificate.bytes
}

fn key(options: &mut TlsOptions) -> &mut Vec<u8> {
    &mut options.identity.as_mut().expect("there is one").key.bytes
}

#[test]
fn faultless_material_is_accepted() {
    let authority = Authority::new("ours");
    let mut options = tls(&authority, Some(&authority.client()));
    options.alpn = vec!["x-amzn-mqtt-ca".to_owned()];
    let config = check(&options, NOW).expect("faultless");
    assert_eq!(config.alpn_protocols, [b"x-amzn-mqtt-ca"]);
    assert!(config.client_auth_cert_resolver.has_certs());
    assert!(!check(&tls(&authority, None), NOW).expect("faultless").client_auth_cert_resolver.has_certs());
}

#[test]
fn a_file_without_certificate_is_named() {
    let empty = |file: &str| TlsError::NoCertificate { file: file.to_owned() };
    assert_eq!(fault(|_, options| options.authorities.bytes.clear()), empty("ca.pem"));
    assert_eq!(fault(|_, options| certificate(options).clear()), empty("device.pem"));
    assert_eq!(
        fault(|authority, options| *certificate(options) = authority.client().key.into()),
        empty("device.pem")
    );
}

#[test]
fn a_damaged_certificate_is_named() {
    let damaged = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let unreadable = |error: &TlsError, name: &str| matches!(error, TlsError::CertificateUnreadable { file, .. } if file == name);
    assert!(unreadable(&fault(|_, options| options.authorities = pem_file("ca.pem", damaged)), "ca.pem"));
    assert!(unreadable(&fault(|_, options| *certificate(options) = damaged.into()), "device.pem"));
    assert!(unreadable(
        &fault(|_, options| *certificate(options) = damaged.replace("MAA=", "!").into()),
        "device.pem"
    ));
}

#[test]
fn a_missing_encrypted_or_damaged_key_is_told_apart() {
    let file = "device.key".to_owned();
    assert_eq!(fault(|_, options| key(options).clear()), TlsError::NoKey { file: file.clone() });
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    assert_eq!(fault(|_, options| *key(options) = encrypted.into()), TlsError::KeyEncrypted { file });
    let damaged = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    assert!(matches!(fault(|_, options| *key(options) = damaged.into()), TlsError::KeyUnusable { .. }));
}

#[test]
fn a_key_of_another_certificate_is_noticed() {
    let mismatch = fault(|authority, options| *key(options) = authority.client().key.into());
    assert_eq!(
        mismatch.to_string(),
        "the private key in `device.key` does not match the certificate in `device.pem`"
    );
}

#[test]
fn a_certificate_outside_of_its_time_is_named_with_the_dates() {
    let expired = fault(|authority, options| {
        let issued = authority.issue(&[], |parameters| parameters.not_after = date_time_ymd(2026, 11, 22));
        *certificate(options) = issued.certificate.into();
    });
    assert_eq!(
        expired.to_string(),
        "the certificate in `device.pem` expired on 2026-11-22 00:00:00 UTC (it is 2026-11-23 13:26:07 UTC now)"
    );
    let early = fault(|authority, options| {
        let issued = authority.issue(&[], |parameters| parameters.not_before = date_time_ymd(2027, 1, 2));
        *certificate(options) = issued.certificate.into();
    });
    assert_eq!(
        early.to_string(),
        "the certificate in `device.pem` is not valid before 2027-01-02 00:00:00 UTC (it is 2026-11-23 13:26:07 UTC now)"
    );
}

#[test]
fn a_certificate_for_another_purpose_is_noticed() {
    let server = fault(|authority, options| {
        let issued = authority.issue(&[], |parameters| {
            parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        });
        *certificate(options) = issued.certificate.into();
    });
    assert_eq!(server, TlsError::NotForClients { file: "device.pem".to_owned() });
    let authority = fault(|authority, options| {
        let issued =
            authority.issue(&[], |parameters| parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
        *certificate(options) = issued.certificate.into();
    });
    assert_eq!(authority, TlsError::IsAuthority { file: "device.pem".to_owned() });
}

#[test]
fn a_server_name_that_is_none_is_named() {
    let fault = fault(|_, options| options.server_name = Some("not a name".to_owned()));
    assert_eq!(fault, TlsError::ServerName { name: "not a name".to_owned() });
}

#[test]
fn a_key_is_not_printed() {
    let authority = Authority::new("ours");
    let issued = authority.client();
    let printed = format!("{:?}", tls(&authority, Some(&issued)));
    assert!(printed.contains("device.key") && !printed.contains("PRIVATE"), "{printed}");
}
