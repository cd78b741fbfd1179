//! The certificates in the fields of an `mqtt` connection.

use fieldline_core::{CheckCx, FilePath};
use fieldline_mqtt::tls::{Identity, PemFile, TlsOptions};
use schemars::JsonSchema;
use serde::Deserialize;

/// Certificates and what belongs to them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    /// The certificates of the authorities that may have signed the broker's (PEM).
    pub(super) ca: FilePath,
    /// This device's certificate (PEM), for a broker that demands one.
    cert: Option<FilePath>,
    /// The private key of `cert` (PEM).
    key: Option<FilePath>,
    /// Application protocols to ask for: `[x-amzn-mqtt-ca]` for AWS IoT on port 443.
    #[serde(default)]
    alpn: Vec<String>,
    /// The name the broker's certificate must carry, if it is not the host in `url`.
    server_name: Option<String>,
}

/// The certificate of the embedded broker.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListenTls {
    /// The broker's certificate (PEM), such as the `server.pem` of `fieldline certs`.
    pub(super) cert: FilePath,
    /// The private key of `cert` (PEM).
    pub(super) key: FilePath,
}

/// Reads the certificates; `None` if something is wrong with them, which has been complained about.
pub(super) fn check(
    tls: Option<&Tls>,
    listen_tls: Option<&ListenTls>,
    cx: &mut CheckCx<'_>,
) -> Option<Option<TlsOptions>> {
    let mut whole = true;
    if let Some(listen_tls) = listen_tls {
        if tls.is_none_or(|tls| tls.cert.is_none()) {
            cx.error("incomplete-tls", "listen_tls", "`listen_tls` needs `tls` with `ca`, `cert` and `key` beside it")
                .help("add `tls: { ca: ca.pem, cert: device.pem, key: device.key }`; `fieldline certs` makes them all");
            return None;
        }
        for (field, path) in [("listen_tls.cert", &listen_tls.cert), ("listen_tls.key", &listen_tls.key)] {
            whole &= cx.file(field, path).is_some();
        }
    }
    let Some(tls) = tls else { return Some(None) };
    if tls.cert.is_some() != tls.key.is_some() {
        let (there, missing) = if tls.cert.is_some() { ("cert", "key") } else { ("key", "cert") };
        cx.error("incomplete-tls", &format!("tls.{there}"), format!("`{there}` needs `{missing}` beside it"))
            .help(format!("add `{missing}`"));
        return None;
    }
    for (field, path) in
        [("tls.ca", Some(&tls.ca)), ("tls.cert", tls.cert.as_ref()), ("tls.key", tls.key.as_ref())]
    {
        if let Some(path) = path {
            whole &= cx.file(field, path).is_some();
        }
    }
    let read = |path: &FilePath| cx.file("tls", path).map(|content| content.to_vec()).ok_or(());
    if whole { tls.options(read).ok().map(Some) } else { None }
}

impl Tls {
    /// The options, with the content of the files.
    pub(super) fn options<E>(
        &self,
        mut read: impl FnMut(&FilePath) -> Result<Vec<u8>, E>,
    ) -> Result<TlsOptions, E> {
        let mut pem =
            |path: &FilePath| Ok(PemFile { name: path.0.display().to_string(), bytes: read(path)? });
        let identity = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some(Identity { certificate: pem(cert)?, key: pem(key)? }),
            _ => None,
        };
        let authorities = pem(&self.ca)?;
        Ok(TlsOptions {
            authorities,
            identity,
            alpn: self.alpn.clone(),
            server_name: self.server_name.clone(),
        })
    }

    /// The files it names.
    pub(super) fn files(&self) -> impl Iterator<Item = &FilePath> {
        [Some(&self.ca), self.cert.as_ref(), self.key.as_ref()].into_iter().flatten()
    }
}

impl ListenTls {
    /// The files it names.
    pub(super) fn files(&self) -> impl Iterator<Item = &FilePath> {
        [&self.cert, &self.key].into_iter()
    }
}
