//! Wording about nodes and the edges between them.

use super::super::Diagnostics;
use super::fields::trace;
use super::{listed, meant};
use crate::text::files::Span;
use crate::text::node::Node;

impl Diagnostics {
    pub(crate) fn unknown_input(
        &mut self,
        name: &Node,
        node: &str,
        similar: Option<(&str, Span)>,
        all: &[&str],
    ) {
        let diagnostic =
            self.error("unknown-input", name.span, format!("there is no source or transform `{node}`"));
        trace(diagnostic, name);
        match similar {
            Some((meant, span)) => {
                diagnostic.label("no node has this name").related(span, "a node with a similar name");
                diagnostic.help(format!("did you mean `{meant}`?"));
            }
            None if all.is_empty() => {
                diagnostic.help("add a source first");
            }
            None => {
                diagnostic
                    .help(format!("what can be read is {}", listed(all.iter().copied().take(16), "and")));
            }
        }
    }

    /// A name in a test case.
    pub(crate) fn unknown_node(&mut self, span: Span, name: &str, nearest: Option<&str>, all: &[&str]) {
        let diagnostic = self.error("unknown-input", span, format!("there is no node `{name}`"));
        let listed = || format!("the nodes are {}", listed(all.iter().copied().take(16), "and"));
        diagnostic.help(meant(nearest).unwrap_or_else(listed));
    }

    pub(crate) fn input_has_no_output(&mut self, name: &Node, node: &str, kind: &str, at: Span) {
        trace(
            self.error(
                "unknown-input",
                name.span,
                format!("`{node}` is a {kind}, which nothing can read from"),
            ),
            name,
        )
        .related(at, format!("this {kind}"))
        .help("name a source or a transform");
    }

    pub(crate) fn unknown_port(
        &mut self,
        name: &Node,
        node: &str,
        port: Option<&str>,
        nearest: Option<&str>,
        outputs: &[&str],
        at: Span,
    ) {
        let message = match port {
            Some(port) => format!("`{node}` has no output `{port}`"),
            None => format!("`{node}` has several outputs and none is called `main`, so one must be named"),
        };
        let all = outputs.iter().map(|output| format!("{node}.{output}")).collect::<Vec<_>>();
        let help = match nearest {
            Some(near) => format!("did you mean `{node}.{near}`?"),
            None if outputs == ["main"] => format!("it has one output; write `{node}`"),
            None => format!("write {}", listed(all.iter().map(String::as_str), "or")),
        };
        let diagnostic = self.error("unknown-port", name.span, message);
        trace(diagnostic, name).related(at, "the node").help(help);
    }

    pub(crate) fn missing_inputs(&mut self, span: Span, kind: &str, id: &str) {
        self.error("missing-field", span, format!("the {kind} `{id}` has no `inputs`"))
            .help("add `inputs: [NODE]` with the nodes it reads");
    }

    pub(crate) fn no_inputs(&mut self, span: Span, id: &str) {
        self.error("unreachable", span, format!("nothing reaches `{id}`: its list of inputs is empty"))
            .help("name the nodes it reads");
    }

    pub(crate) fn input_twice(&mut self, span: Span, name: &str, first: Span) {
        self.error("duplicate-id", span, format!("`{name}` is listed twice"))
            .related(first, "first listed here")
            .help("take one of the two out");
    }

    pub(crate) fn cycle(&mut self, span: Span, names: &[&str]) {
        self.error("cycle", span, format!("events would run in a circle: {}", names.join(" -> ")))
            .help("let a node read only what comes before it");
    }

    pub(crate) fn unreachable(&mut self, span: Span, id: &str) {
        self.error("unreachable", span, format!("no source reaches `{id}`"))
            .help("name the nodes it reads in `inputs`");
    }

    pub(crate) fn unused(&mut self, span: Span, kind: &str, id: &str) {
        let diagnostic = self.warning("unused", span, format!("nobody uses the {kind} `{id}`"));
        diagnostic.help(match kind {
            "connection" => format!("write `connection: {id}` in a node, or take it out"),
            _ => format!("write `inputs: [{id}]` in a transform or sink, or take it out"),
        });
    }

    pub(crate) fn unused_port(&mut self, span: Span, id: &str, port: &str) {
        self.warning("unused", span, format!("nobody reads the output `{id}.{port}`; its events end there"))
            .help(format!("write `inputs: [{id}.{port}]` where they are wanted"));
    }

    pub(crate) fn no_source(&mut self, span: Span, name: &str) {
        self.error("no-source", span, format!("the pipeline `{name}` has no source"))
            .help("add one under `sources:`");
    }

    pub(crate) fn no_sink(&mut self, span: Span, name: &str) {
        self.error("no-sink", span, format!("the pipeline `{name}` has no sink"))
            .help("add one under `sinks:`");
    }

    pub(crate) fn dead_letter_is_no_sink(&mut self, span: Span, name: &str, kind: &str, at: Span) {
        self.error("bad-dead-letter", span, format!("`{name}` is a {kind}; failed events go to a sink"))
            .related(at, format!("this {kind}"))
            .help("name a sink");
    }

    pub(crate) fn unknown_dead_letter(&mut self, span: Span, name: &str, nearest: Option<&str>) {
        let diagnostic =
            self.error("bad-dead-letter", span, format!("there is no sink `{name}` for failed events"));
        diagnostic
            .help(meant(nearest).unwrap_or_else(|| "add it under `sinks:`; it needs no `inputs`".into()));
    }
}
