//! [`Secrets`]: what no diagnostic and no file that is shown may say.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::text::files::{FileSet, Span};

/// The secrets that a compilation has met.
#[derive(Default)]
pub(crate) struct Secrets {
    texts: BTreeSet<String>,
    written: Vec<Span>,
}

impl Secrets {
    /// Adds the text of a secret; an empty one hides nothing.
    pub(crate) fn add(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.texts.insert(text);
        }
    }

    /// Adds the place of a secret that is written in a file.
    pub(crate) fn add_written(&mut self, span: Span) {
        self.written.push(span);
    }

    /// Makes those illegible that are written in files.
    pub(crate) fn mask(&self, files: &mut FileSet) {
        for span in &self.written {
            files.mask(*span);
        }
    }

    /// The secrets as they could stand in a message, also quoted by `{:?}`; the longest first, because one may hold
    /// another.
    pub(crate) fn redactions(&self) -> Vec<String> {
        let quoted = self.texts.iter().map(|secret| secret.escape_debug().to_string());
        let mut all: Vec<String> = self.texts.iter().cloned().chain(quoted).collect();
        all.sort_by_key(|secret| Reverse(secret.len()));
        all.dedup();
        all
    }
}
