//! The development PKI as files, judged by rustls and, where there is one, by `openssl`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fieldline_broker::{CertificateError, CertificateIdentity, PkiFiles, add_device, create_pki};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;

use crate::support::{pki, validity};

fn certificate(directory: &Path, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(directory.join(format!("{name}.pem"))).expect("the certificate is readable")
}

fn roots(directory: &Path) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(directory, "ca")).expect("the authority is one");
    Arc::new(roots)
}

fn is_client(directory: &Path, name: &str, at: UnixTime) -> bool {
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(directory), Arc::new(ring::default_provider()))
            .build()
            .expect("the verifier is made");
    verifier.verify_client_cert(&certificate(directory, name), &[], at).is_ok()
}

fn is_server(directory: &Path, name: &str, host: &str, at: UnixTime) -> bool {
    let verifier =
        WebPkiServerVerifier::builder_with_provider(roots(directory), Arc::new(ring::default_provider()))
            .build()
            .expect("the verifier is made");
    let host = ServerName::try_from(host.to_owned()).expect("the host name is one");
    verifier.verify_server_cert(&certificate(directory, name), &[], &host, &[], at).is_ok()
}

/// The time of issue, later or earlier.
fn hours(after: i64) -> UnixTime {
    let now = validity().now.duration_since(std::time::UNIX_EPOCH).expect("the clock is past 1970");
    let shift = Duration::from_secs(3600 * after.unsigned_abs());
    UnixTime::since_unix_epoch(if after < 0 { now - shift } else { now + shift })
}

fn wanted(server_names: &[&str], devices: &[&str]) -> PkiFiles {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    PkiFiles { server_names: owned(server_names), devices: owned(devices), validity: validity() }
}

#[test]
fn the_server_is_trusted_under_each_of_its_names_and_no_other() {
    let directory = tempfile::tempdir().expect("a directory is made");
    create_pki(directory.path(), &wanted(&["gateway.local", "192.0.2.7"], &[]))
        .expect("the files are written");
    for host in ["gateway.local", "192.0.2.7", "localhost", "127.0.0.1", "::1"] {
        assert!(is_server(directory.path(), "server", host, hours(0)), "{host}");
    }
    for host in ["elsewhere.local", "192.0.2.8"] {
        assert!(!is_server(directory.path(), "server", host, hours(0)), "{host}");
    }
}

#[test]
fn a_certificate_serves_its_purpose_only() {
    let directory = pki(&["pi-01"]);
    let path = directory.path();
    assert!(is_client(path, "pi-01", hours(0)));
    assert!(!is_client(path, "server", hours(0)));
    assert!(!is_server(path, "pi-01", "localhost", hours(0)));
}

#[test]
fn a_certificate_is_valid_from_a_day_ago_until_its_days_are_over() {
    let directory = pki(&["pi-01"]);
    let path = directory.path();
    for (after, expected) in [(-25, false), (-23, true), (47, true), (49, false)] {
        assert_eq!(is_client(path, "pi-01", hours(after)), expected, "{after} h");
        assert_eq!(is_server(path, "server", "localhost", hours(after)), expected, "{after} h");
    }
}

#[test]
fn names_can_be_read_back_from_a_certificate() {
    let directory = tempfile::tempdir().expect("a directory is made");
    create_pki(directory.path(), &wanted(&["gateway.local", "192.0.2.7"], &["pi-01"]))
        .expect("the files are written");
    let server = CertificateIdentity::from_der(&certificate(directory.path(), "server")).expect("it is one");
    assert_eq!(server.common_name.as_deref(), Some("gateway.local"));
    assert!(server.dns_names.contains(&"localhost".to_owned()));
    let addresses: Vec<_> = server.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["192.0.2.7", "127.0.0.1", "::1"]);
    let device = CertificateIdentity::from_der(&certificate(directory.path(), "pi-01")).expect("it is one");
    assert_eq!(device.common_name.as_deref(), Some("pi-01"));
    assert_eq!(CertificateIdentity::from_der(b"nothing"), None);
}

#[test]
fn keys_are_for_their_owner_only() {
    let directory = tempfile::tempdir().expect("a directory is made");
    let inner = directory.path().join("certs");
    let files = create_pki(&inner, &wanted(&[], &["pi-01"])).expect("the files are written");
    let names: Vec<_> = files.iter().filter_map(|file| file.file_name()?.to_str()).collect();
    assert_eq!(names, ["ca.key", "ca.pem", "server.key", "server.pem", "pi-01.key", "pi-01.pem"]);
    for file in files {
        let mode = file.metadata().expect("the file is there").permissions().mode() & 0o777;
        let is_key = file.extension().is_some_and(|extension| extension == "key");
        assert_eq!(mode & 0o077, if is_key { 0 } else { mode & 0o044 }, "{}", file.display());
        assert_eq!(mode & 0o700, 0o600, "{}", file.display());
    }
    let found = inner.read_dir().expect("the directory is readable").count();
    assert_eq!(found, 6, "no temporary file is left");
}

#[test]
fn nothing_is_overwritten_and_nothing_is_half_done() {
    let directory = pki(&["pi-01"]);
    let path = directory.path();
    let before = certificate(path, "ca");
    let refused = create_pki(path, &wanted(&[], &[])).expect_err("the authority is there");
    assert_eq!(
        refused.to_string(),
        format!("`{}` exists already and is not overwritten", path.join("ca.key").display())
    );
    assert!(matches!(add_device(path, "pi-01", validity()), Err(CertificateError::Exists(_))));
    assert_eq!(certificate(path, "ca"), before);

    let other = tempfile::tempdir().expect("a directory is made");
    std::fs::copy(path.join("ca.pem"), other.path().join("pi-02.pem")).expect("the file is copied");
    let refused = create_pki(other.path(), &wanted(&[], &["pi-02"]));
    assert!(matches!(refused, Err(CertificateError::Exists(file)) if file.ends_with("pi-02.pem")));
    assert_eq!(other.path().read_dir().expect("the directory is readable").count(), 1);
}

#[test]
fn a_device_can_be_added_later() {
    let directory = pki(&[]);
    let path = directory.path();
    let files = add_device(path, "pi-02", validity()).expect("the device is added");
    assert_eq!(files, [path.join("pi-02.key"), path.join("pi-02.pem")]);
    assert!(is_client(path, "pi-02", hours(0)));
    assert!(matches!(add_device(path, "../pi", validity()), Err(CertificateError::InvalidDevice(_))));
    let empty = tempfile::tempdir().expect("a directory is made");
    assert!(matches!(add_device(empty.path(), "pi", validity()), Err(CertificateError::Read { .. })));
}

#[test]
fn openssl_agrees() {
    let directory = pki(&["pi-01"]);
    for (purpose, name, expected) in
        [("sslserver", "server", true), ("sslclient", "pi-01", true), ("sslclient", "server", false)]
    {
        let verified = Command::new("openssl")
            .args([
                "verify",
                "-x509_strict",
                "-CAfile",
                "ca.pem",
                "-purpose",
                purpose,
                &format!("{name}.pem"),
            ])
            .current_dir(directory.path())
            .output();
        match verified {
            Ok(output) => assert_eq!(output.status.success(), expected, "{name} as {purpose}: {output:?}"),
            Err(error) => println!("skipped, there is no openssl: {error}"),
        }
    }
}
