//! How large documents, their nesting and client tokens may be: what a request is checked for, and what a rejection
//! names.

/// Levels of containers in a section, the section itself the first; an empty innermost one is not counted.
pub const MAX_NESTING: usize = 6;
/// Bytes a document may have unless configured otherwise.
pub const DEFAULT_DOCUMENT_BYTES: usize = 8192;
/// The most the size limit can be raised to.
pub const MAX_DOCUMENT_BYTES: usize = 30_720;
/// Bytes a `clientToken` may have.
pub const MAX_CLIENT_TOKEN: usize = 64;

/// How large a document may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    document_bytes: usize,
}

impl Limits {
    /// The limit of AWS.
    pub const DEFAULT: Limits = Limits { document_bytes: DEFAULT_DOCUMENT_BYTES };

    /// A limit of `document_bytes`, no more than [`MAX_DOCUMENT_BYTES`].
    pub fn new(document_bytes: usize) -> Self {
        Limits { document_bytes: document_bytes.min(MAX_DOCUMENT_BYTES) }
    }

    /// The limit on [`Document::size`](crate::document::Document::size).
    pub fn document_bytes(self) -> usize {
        self.document_bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits::DEFAULT
    }
}
