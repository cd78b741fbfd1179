//! Wording about connections, topics, resources, buffers: what concerns more than one node.

use std::path::Path;

use super::super::Diagnostics;
use super::listed;
use crate::text::files::Span;

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

    pub(crate) fn connection_of_other_type(
        &mut self,
        span: Span,
        name: &str,
        is: &str,
        node: &str,
        wanted: &str,
        at: Span,
    ) {
        let message =
            format!("`{name}` is a connection of type `{is}`, and `{node}` needs one of type `{wanted}`");
        self.error("wrong-connection", span, message)
            .related(at, format!("of type `{is}`"))
            .help(format!("name a connection with `type: {wanted}`"));
    }

    /// A topic and a filter, each with its place. What is not `certain` depends on the events.
    pub(crate) fn self_feeding_topic(
        &mut self,
        certain: bool,
        (topic, span): (&str, Span),
        source: &str,
        (filter, fed): (&str, Span),
    ) {
        let message = match certain {
            true => {
                format!("`{topic}` comes back to `{source}`, which feeds this sink: a loop that never ends")
            }
            false => format!("`{topic}` may come back to `{source}`, which feeds this sink: a loop"),
        };
        self.certain("self-feeding-topic", certain, span, message)
            .related(fed, format!("`{source}` subscribes to `{filter}`"))
            .help("publish under another topic, or subscribe to less");
    }

    /// A loop over several sources, which are shown in `places`.
    pub(crate) fn topic_loop(
        &mut self,
        certain: bool,
        (topic, span): (&str, Span),
        source: &str,
        places: Vec<(Span, String)>,
    ) {
        let message = match certain {
            true => format!("`{topic}` comes back here by way of `{source}`: a loop that never ends"),
            false => format!("`{topic}` may come back here by way of `{source}`: a loop"),
        };
        let diagnostic = self.certain("self-feeding-topic", certain, span, message);
        diagnostic.related.extend(places);
        diagnostic.help("publish one of these under another topic, or subscribe to less");
    }

    pub(crate) fn clean_session(&mut self, span: Span, connection: &str, promises: &[(&str, Span)]) {
        let names: Vec<&str> = promises.iter().map(|(node, _)| *node).collect();
        let message = format!(
            "the broker forgets `{connection}` while it is away, so QoS 1 of {} holds only while it is there",
            listed(names.iter().copied().take(8), "and")
        );
        let diagnostic = self.warning("clean-session", span, message);
        for (node, place) in promises.iter().take(8) {
            diagnostic.related(*place, format!("`{node}` has QoS 1"));
        }
        diagnostic.help(
            "give the connection a `client_id` that stays and no `clean_session`, or the nodes `qos: 0`",
        );
    }

    pub(crate) fn resource_clash(
        &mut self,
        span: Span,
        resource: &str,
        node: &str,
        (owner, first, path): (&str, Span, Option<&Path>),
    ) {
        let diagnostic =
            self.error("resource-clash", span, format!("{resource} has two owners: `{owner}` and `{node}`"));
        if first != span {
            let path = path.map(|path| format!(", as `{}`", path.display())).unwrap_or_default();
            diagnostic.related(first, format!("`{owner}` has it{path}"));
        }
        diagnostic.help("only one can have it; change one of the two");
    }

    pub(crate) fn perhaps_written_twice(
        &mut self,
        span: Span,
        document: &str,
        node: &str,
        owner: &str,
        first: Span,
    ) {
        let message = format!("`{owner}` and `{node}` both write {document}, and may overwrite each other");
        let diagnostic = self.warning("resource-clash", span, message);
        if first != span {
            diagnostic.related(first, format!("`{owner}` writes it"));
        }
        diagnostic.help("name the fields that each of them writes");
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
        self.error("bad-value", span, format!("`{field}` must be at least 1"))
            .help("write 1 or more, or leave it out");
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
