//! What can be wrong with TLS material before any connection is made, each with a sentence that names the
//! file and a hint.

/// A fault in the certificates or the key the user gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file holds no certificate in PEM form.
    #[error("`{file}` contains no PEM certificate")]
    NoCertificate {
        /// The file's name as the user wrote it.
        file: String,
    },
    /// A file is damaged or not what it should be.
    #[error("`{file}` cannot be read as a certificate: {reason}")]
    CertificateUnreadable {
        /// The file's name as the user wrote it.
        file: String,
        /// What the parser found.
        reason: String,
    },
    /// The key file holds no private key in PEM form.
    #[error("`{file}` contains no PEM private key")]
    NoKey {
        /// The file's name as the user wrote it.
        file: String,
    },
    /// The private key is protected by a pass phrase.
    #[error("the private key in `{file}` is encrypted")]
    KeyEncrypted {
        /// The file's name as the user wrote it.
        file: String,
    },
    /// The private key is damaged or of a kind that is not supported.
    #[error("the private key in `{file}` cannot be used: {reason}")]
    KeyUnusable {
        /// The file's name as the user wrote it.
        file: String,
        /// What the parser found.
        reason: String,
    },
    /// The private key belongs to another certificate.
    #[error("the private key in `{key}` does not match the certificate in `{certificate}`")]
    KeyMismatch {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
    },
    /// The client certificate is past its end.
    #[error("the certificate in `{file}` expired on {not_after} (it is {now} now)")]
    Expired {
        /// The file's name as the user wrote it.
        file: String,
        /// The last moment at which it was valid.
        not_after: String,
        /// The moment of the check.
        now: String,
    },
    /// The client certificate is before its beginning.
    #[error("the certificate in `{file}` is not valid before {not_before} (it is {now} now)")]
    NotYetValid {
        /// The file's name as the user wrote it.
        file: String,
        /// The first moment at which it is valid.
        not_before: String,
        /// The moment of the check.
        now: String,
    },
    /// The certificate was issued for something else than a client.
    #[error("the certificate in `{file}` was not issued for client authentication")]
    NotForClients {
        /// The file's name as the user wrote it.
        file: String,
    },
    /// The certificate given as the client's is that of an authority.
    #[error("the certificate in `{file}` is that of an authority, not of a client")]
    IsAuthority {
        /// The file's name as the user wrote it.
        file: String,
    },
    /// The name to expect in the broker's certificate is neither a host name nor an address.
    #[error("`{name}` is not a name a certificate can be checked against")]
    ServerName {
        /// The name.
        name: String,
    },
}

impl TlsError {
    /// What the user can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoCertificate { .. } | Self::CertificateUnreadable { .. } => {
                "the file must contain `-----BEGIN CERTIFICATE-----` blocks, not DER and not a key"
            }
            Self::NoKey { .. } => {
                "the file must contain a `-----BEGIN PRIVATE KEY-----` block (PKCS#8, RSA or EC)"
            }
            Self::KeyEncrypted { .. } => {
                "store it without pass phrase: `openssl pkey -in KEY -out KEY.plain`, mode 0600"
            }
            Self::KeyUnusable { .. } => {
                "RSA of 2048 bits or more, ECDSA P-256 and P-384, and Ed25519 are supported"
            }
            Self::KeyMismatch { .. } => {
                "use the key that was downloaded or made together with this certificate"
            }
            Self::Expired { .. } => "renew the certificate, or check the clock of this machine",
            Self::NotYetValid { .. } => {
                "check the clock of this machine; without a battery it starts in the past"
            }
            Self::NotForClients { .. } => "issue it with the extended key usage `clientAuth`",
            Self::IsAuthority { .. } => {
                "give the certificate of this device here and the authority's as the CA"
            }
            Self::ServerName { .. } => "give a host name or an IP address without port",
        }
    }
}
