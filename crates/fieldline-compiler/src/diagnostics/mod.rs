//! [`Diagnostic`]: one problem, with its place, and what to do about it. All wording is in `messages`.

pub mod codes;
pub mod data;
pub(crate) mod messages;
pub mod render;

use fieldline_core::Redactor;
use fieldline_core::report::Severity;

use crate::text::files::{FileSet, Span};

/// The most diagnostics that are shown; files with more have one cause, not thousands.
const MAX_SHOWN: usize = 1_000;

/// The most that are kept until those that say the same of several stations are joined.
const MAX_KEPT: usize = 20_000;

/// One problem in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable name of the rule: `fieldline explain CODE` tells more.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, names in backticks.
    pub message: String,
    /// Where it is.
    pub span: Span,
    /// A few words for the place itself; empty without.
    pub label: String,
    /// Other places that have to do with it, and what.
    pub related: Vec<(Span, String)>,
    /// What to do about it; where the fix depends on too much, where an example stands.
    pub help: String,
    /// In how many more pipelines the same is wrong, because they share a file.
    pub repeated: usize,
}

impl Diagnostic {
    fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    pub(crate) fn related(&mut self, span: Span, label: impl Into<String>) -> &mut Self {
        self.related.push((span, label.into()));
        self
    }

    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }
}

/// Collects what is wrong; never stops at the first.
#[derive(Default)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    /// The places of values that could not be filled in, and how many diagnostics there were by then.
    unfilled: Vec<(Span, usize)>,
}

impl Diagnostics {
    /// How many errors there were so far, so that a step can tell whether it has added one.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Takes note that the value at `span` is not what was meant: what else is said of it follows from that alone.
    pub(crate) fn unfilled(&mut self, span: Span) {
        self.unfilled.push((span, self.list.len()));
    }

    /// Takes out what follows from values that could not be filled in. They count as errors all the same.
    pub(crate) fn forget_consequences(&mut self) {
        let unfilled = std::mem::take(&mut self.unfilled);
        let follows = |position: usize, at: Span| {
            let within = |span: &Span| span.file == at.file && (span.start..=span.end).contains(&at.start);
            unfilled.iter().any(|(span, before)| position >= *before && within(span))
        };
        let mut position = 0;
        self.list.retain(|diagnostic| {
            position += 1;
            unfilled.is_empty() || !follows(position - 1, diagnostic.span)
        });
    }

    /// How many diagnostics there were so far, for [`Self::keep`].
    pub(crate) fn mark(&self) -> usize {
        self.list.len()
    }

    /// Takes out those since `mark` that are not to be told. They count as errors all the same.
    pub(crate) fn keep(&mut self, mark: usize, is_told: impl Fn(&Diagnostic) -> bool) {
        let since = self.list.split_off(mark.min(self.list.len()));
        self.list.extend(since.into_iter().filter(is_told));
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.errors += 1;
        self.add(code, Severity::Error, span, message.into())
    }

    fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.add(code, Severity::Warning, span, message.into())
    }

    /// An error if it is `certain`, and a warning otherwise.
    fn certain(&mut self, code: &'static str, certain: bool, span: Span, message: String) -> &mut Diagnostic {
        match certain {
            true => self.error(code, span, message),
            false => self.warning(code, span, message),
        }
    }

    fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        span: Span,
        message: String,
    ) -> &mut Diagnostic {
        self.list.truncate(MAX_KEPT);
        self.list.push(Diagnostic {
            code,
            severity,
            message,
            span,
            label: String::new(),
            related: Vec::new(),
            help: format!("`fieldline explain {code}` shows an example"),
            repeated: 0,
        });
        self.list.last_mut().expect("one was pushed just above")
    }

    /// All of them: by file and place, each once, without the text of any of `secrets`.
    pub(crate) fn finish(self, files: &FileSet, secrets: &[String]) -> Vec<Diagnostic> {
        let mut list = self.list;
        for diagnostic in &mut list {
            hide(diagnostic, secrets);
        }
        let path = |span: Span| files.path(span.file);
        list.sort_by(|left, right| {
            (path(left.span), left.span.start, left.code).cmp(&(
                path(right.span),
                right.span.start,
                right.code,
            ))
        });
        list.dedup_by(|next, kept| {
            let same = (next.code, next.span, &next.message) == (kept.code, kept.span, &kept.message);
            if same {
                kept.repeated += 1;
            }
            same
        });
        list.truncate(MAX_SHOWN);
        list
    }
}

/// Replaces every secret in the texts of a diagnostic.
fn hide(diagnostic: &mut Diagnostic, secrets: &[String]) {
    let labels = diagnostic.related.iter_mut().map(|(_, label)| label);
    let texts = [&mut diagnostic.message, &mut diagnostic.label, &mut diagnostic.help];
    for text in texts.into_iter().chain(labels) {
        for secret in secrets.iter().filter(|secret| text.contains(secret.as_str())).collect::<Vec<_>>() {
            *text = text.replace(secret.as_str(), "***");
        }
        Redactor::default().clean(text);
    }
}
