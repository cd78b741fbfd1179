//! The PKI as a directory: `ca.pem`, `ca.key`, `server.pem`, `server.key` and a pair per device.
//!
//! A file appears whole or not at all, keys are readable by their owner only, and nothing is ever
//! overwritten.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::certs::authority::{Authority, CertificatePair, Validity, check_device};
use crate::certs::error::CertificateError;

const AUTHORITY: &str = "ca";
const SERVER: &str = "server";
const AUTHORITY_NAME: &str = "Fieldline development CA";
const CERTIFICATE_MODE: u32 = 0o644;
const KEY_MODE: u32 = 0o600;
/// What is read of a file at most; what is cut off is no PEM.
const MAX_PEM: u64 = 1 << 20;

/// What [`create_pki`] is to put into a new directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkiFiles {
    /// DNS names and IP addresses of the server, beyond those of the local host.
    pub server_names: Vec<String>,
    /// Devices that get a certificate.
    pub devices: Vec<String>,
    /// How long all of them are valid.
    pub validity: Validity,
}

/// Makes an authority with a server certificate and the devices' certificates, and returns the
/// files in the order they were written. The directory is made if need be.
///
/// The machine's host name is among the server's names if it is known and a DNS name.
///
/// # Errors
/// If one of the files exists (then none is written), a name is invalid, or writing fails.
pub fn create_pki(directory: &Path, wanted: &PkiFiles) -> Result<Vec<PathBuf>, CertificateError> {
    let validity = wanted.validity;
    let authority = Authority::create(AUTHORITY_NAME, validity)?;
    let mut pairs = vec![(AUTHORITY, authority.pair().clone())];
    pairs.push((SERVER, authority.server(&with_host_name(&wanted.server_names), validity)?));
    for device in &wanted.devices {
        pairs.push((device, authority.device(device, validity)?));
    }
    write(directory, &pairs)
}

/// Issues a certificate for one more device with the authority in `directory`, and returns the
/// two new files.
///
/// # Errors
/// If the device has a file already, its name is invalid, the authority cannot be read, or
/// writing fails.
pub fn add_device(
    directory: &Path,
    device: &str,
    validity: Validity,
) -> Result<Vec<PathBuf>, CertificateError> {
    check_device(device)?;
    let authority = Authority::from_pem(
        &read(&certificate_path(directory, AUTHORITY))?,
        &read(&key_path(directory, AUTHORITY))?,
    )?;
    write(directory, &[(device, authority.device(device, validity)?)])
}

fn with_host_name(names: &[String]) -> Vec<String> {
    let host_name = read(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
    let host_name = host_name.trim();
    let mut names = names.to_vec();
    if rustls::pki_types::DnsName::try_from(host_name).is_ok() {
        names.push(host_name.to_owned());
    }
    names
}

fn certificate_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.pem"))
}

fn key_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.key"))
}

fn write(directory: &Path, pairs: &[(&str, CertificatePair)]) -> Result<Vec<PathBuf>, CertificateError> {
    let files: Vec<_> = pairs
        .iter()
        .flat_map(|(name, pair)| {
            [
                (key_path(directory, name), &pair.key, KEY_MODE),
                (certificate_path(directory, name), &pair.certificate, CERTIFICATE_MODE),
            ]
        })
        .collect();
    if let Some((path, ..)) = files.iter().find(|(path, ..)| path.exists()) {
        return Err(CertificateError::Exists(path.clone()));
    }
    fs::create_dir_all(directory)
        .map_err(|source| CertificateError::Write { path: directory.to_owned(), source })?;
    for (path, content, mode) in &files {
        write_new(directory, path, content, *mode)?;
    }
    Ok(files.into_iter().map(|(path, ..)| path).collect())
}

/// Writes a temporary file beside `path` and links it into place, which fails if `path` exists.
fn write_new(directory: &Path, path: &Path, content: &str, mode: u32) -> Result<(), CertificateError> {
    let failed = |source| CertificateError::Write { path: path.to_owned(), source };
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory)
        .map_err(failed)?;
    file.write_all(content.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(CertificateError::Exists(path.to_owned()))
        }
        Err(error) => Err(failed(error.error)),
    }
}

fn read(path: &Path) -> Result<String, CertificateError> {
    let read = || io::read_to_string(fieldline_files::open(path)?.take(MAX_PEM));
    read().map_err(|source| CertificateError::Read { path: path.to_owned(), source })
}
