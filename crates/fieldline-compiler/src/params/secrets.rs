//! [`Secrets`]: what no diagnostic and no file that is shown may say.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use fieldline_core::{Redactor, url_password};

use crate::text::files::{FileSet, Span};
use crate::text::node::{Content, Node};

/// The fewest bytes of a secret that is looked for in messages although nobody called it one.
const SHORTEST: usize = 4;

/// The secrets that a compilation has met.
#[derive(Default)]
pub(crate) struct Secrets {
    texts: BTreeSet<String>,
    written: Vec<Span>,
    /// Where fields stand whose type is a secret.
    fields: BTreeSet<Span>,
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

    /// Adds the value of a field whose type is a secret, wherever it comes from. A very short one would make every message
    /// illegible.
    pub(crate) fn add_field(&mut self, node: &Node) {
        if node.is_secret() || node.filled.as_ref().is_some_and(|filled| filled.missing) {
            return;
        }
        self.fields.insert(node.span);
        if node.filled.is_none() {
            self.add_written(node.span);
        }
        if let Some(text) = node.as_text() {
            self.add_long(text);
        }
    }

    fn add_long(&mut self, text: &str) {
        if text.len() >= SHORTEST {
            self.add(text);
        }
    }

    /// Adds the passwords of URLs, `scheme://user:password@host`, wherever they stand in `node`.
    pub(crate) fn add_urls(&mut self, node: &Node, files: &FileSet) {
        match &node.content {
            Content::Text(text, _) => {
                let Some(password) = url_password(text) else { return };
                self.add_long(&text[password]);
                if let Some(written) = url_password(files.text(node.span)) {
                    let start = node.span.start;
                    let place = |at: usize| start + u32::try_from(at).unwrap_or(0);
                    let (start, end) = (place(written.start), place(written.end));
                    self.add_written(Span { start, end, ..node.span });
                }
            }
            Content::List(list) => list.iter().for_each(|element| self.add_urls(element, files)),
            Content::Map(members) => {
                members.values().for_each(|member| self.add_urls(&member.value, files));
            }
            _ => {}
        }
    }

    /// Takes the secrets out of what a running program says.
    pub(crate) fn redactor(&self) -> Redactor {
        Redactor::new(self.texts.iter().cloned())
    }

    /// Whether nobody may be shown the value of `node`.
    pub(crate) fn hold(&self, node: &Node) -> bool {
        node.filled.as_ref().is_some_and(|filled| filled.secret)
            || (node.as_text().is_some() && self.fields.contains(&node.span))
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
