//! Wording about connections, topics, resources, buffers: what concerns more than one node.

use super::super::Diagnostics;
use crate::files::Span;

impl Diagnostics {
    pub(crate) fn unknown_connection(&mut self, span: Span, name: &str, similar: Option<(&str, Span)>) {
        let diagnostic = self.error("unknown-connection", span, format!("there is no connection `{name}`"));
        match similar {
            Some((meant, at)) => {
                diagnostic
                    .related(at, "a connection with a similar name")
                    .help(format!("did you mean `{meant}`?"));
            }
            None => {
                diagnostic.help(format!("add `{name}` under `connections:`"));
            }
        }
    }

    pub(crate) fn wrong_connection(&mut self, span: Span, name: &str, kind: &str, at: Span) {
        self.error("wrong-connection", span, format!("`{name}` is a {kind} and no connection"))
            .related(at, format!("this {kind}"))
            .help("name one from `connections:`");
    }

    pub(crate) fn self_feeding_topic(
        &mut self,
        span: Span,
        topic: &str,
        source: &str,
        filter: &str,
        fed: Span,
    ) {
        let message =
            format!("`{topic}` comes back to `{source}`, which feeds this sink: a loop that never ends");
        self.error("self-feeding-topic", span, message)
            .related(fed, format!("`{source}` subscribes to `{filter}`"))
            .help("publish under another topic, or subscribe to less");
    }

    pub(crate) fn resource_clash(
        &mut self,
        span: Span,
        resource: &str,
        node: &str,
        owner: &str,
        first: Span,
    ) {
        let diagnostic =
            self.error("resource-clash", span, format!("{resource} has two owners: `{owner}` and `{node}`"));
        if first != span {
            diagnostic.related(first, format!("`{owner}` has it"));
        }
        diagnostic.help("only one can have it; change one of the two");
    }

    pub(crate) fn duplicate_pipeline(&mut self, span: Span, name: &str, first: Span) {
        self.error("duplicate-pipeline", span, format!("there are two pipelines `{name}`"))
            .related(first, "the other one")
            .help("rename one; a template can make its name of params: `pipeline: drying-${params.station}`");
    }

    pub(crate) fn unbounded_disk_buffer(&mut self, span: Span) {
        self.error("unbounded-disk-buffer", span, "a disk buffer without `max_size` could fill the disk")
            .help("add `max_size:`, such as `64MiB`");
    }

    pub(crate) fn buffer_too_small(&mut self, span: Span, size: &str) {
        self.error("buffer-too-small", span, format!("a buffer of {size} holds nothing"))
            .help("give a disk buffer at least `1MiB`");
    }

    pub(crate) fn not_of_this_buffer(&mut self, span: Span, field: &str, kind: &str) {
        self.error("bad-value", span, format!("`{field}` belongs to a {kind} buffer"))
            .help(format!("take it out, or write `type: {kind}`"));
    }

    pub(crate) fn at_least_one(&mut self, span: Span, field: &str) {
        self.error("bad-value", span, format!("`{field}` must be at least 1"));
    }

    pub(crate) fn retry_reversed(&mut self, span: Span, initial: &str, max: &str) {
        self.error(
            "bad-value",
            span,
            format!("the first wait, {initial}, is longer than the longest, {max}"),
        )
        .help("raise `max` or lower `initial`");
    }
}
