//! Wording about fields, their types, and components.

use std::path::Path;

use fieldline_core::Kind;
use fieldline_core::report::{Problem, Severity};

use super::super::{Diagnostic, Diagnostics};
use super::{listed, meant};
use crate::names;
use crate::text::files::Span;
use crate::text::node::Node;

/// Above this many names a list helps nobody.
const MAX_LISTED: usize = 16;

/// The names that there are, as help.
fn all_names(intro: &str, names: &[&str]) -> Option<String> {
    let mut names = names.to_vec();
    names.sort_unstable();
    (!names.is_empty() && names.len() <= MAX_LISTED).then(|| format!("{intro} {}", listed(names, "and")))
}

/// Adds where a substituted value came from and went to.
pub(super) fn trace<'d>(diagnostic: &'d mut Diagnostic, node: &Node) -> &'d mut Diagnostic {
    if let Some(filled) = &node.filled {
        if let Some(used) = filled.used {
            diagnostic.related(used, "used here");
        }
        for (name, span) in &filled.set {
            diagnostic.related(*span, format!("`{name}` is set here"));
        }
    }
    diagnostic
}

impl Diagnostics {
    pub(crate) fn no_pipeline_file(&mut self, span: Span, kind: &str) {
        self.error("wrong-type", span, format!("a pipeline file is a map of fields; found {kind}"))
            .help("begin with `pipeline: NAME`, or in a station file with `use: TEMPLATE`");
    }

    pub(crate) fn missing_pipeline(&mut self, span: Span) {
        self.error("missing-field", span, "the field `pipeline` is missing")
            .help("begin with `pipeline: NAME`; the name is unique in the program");
    }

    pub(crate) fn wrong_shape(&mut self, span: Span, name: &str, expected: &str, found: &str) {
        self.error("wrong-type", span, format!("`{name}` is {expected}; found {found}"))
            .help(format!("write `{name}:` and below it, indented, a line that begins with a name and `:`"));
    }

    pub(crate) fn unknown_field(
        &mut self,
        span: Span,
        name: &str,
        of: &str,
        nearest: Option<&str>,
        known: &[&str],
    ) {
        let diagnostic = self.error("unknown-field", span, format!("{of} has no field `{name}`"));
        let help = meant(nearest).or_else(|| all_names("its fields are", known));
        diagnostic.help(help.unwrap_or_else(|| "take it out, or look its name up in the reference".into()));
    }

    /// `with` in a transform that reads no values of other nodes; `users` are those that do.
    pub(crate) fn unused_with(&mut self, span: Span, component: &str, users: &[&str]) {
        let message = format!("transform `{component}` does not use the values of other nodes");
        let users = listed(users.iter().copied(), "or");
        self.error("unknown-field", span, message).help(format!(
            "take `with` out, or read the values in a {users} that writes them into the body, and read that here"
        ));
    }

    pub(crate) fn missing_field(&mut self, span: Span, name: &str, container: &str) {
        self.error("missing-field", span, format!("the field `{name}` of {container} is missing"))
            .help(format!("add `{name}:`"));
    }

    pub(crate) fn wrong_type(&mut self, node: &Node, expected: &str) {
        self.mismatched(node.span, Some(node), node.kind(), expected);
    }

    pub(crate) fn mismatched(&mut self, span: Span, node: Option<&Node>, found: &str, expected: &str) {
        let diagnostic =
            self.error("wrong-type", span, format!("expected {}, found {found}", wanted(expected, found)));
        let text = node.and_then(Node::as_text).unwrap_or_default();
        if let Some(node) = node {
            trace(diagnostic, node);
        }
        if expected.contains("bool")
            && ["yes", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str())
        {
            diagnostic.help("YAML 1.2 knows `true` and `false` only");
        } else if text.parse::<f64>().is_ok() && node.is_some_and(|node| node.filled.is_none()) {
            diagnostic.help("write it without quotes");
        } else if expected.contains("string")
            && node.is_some_and(|node| node.as_list().is_none() && node.as_map().is_none())
        {
            diagnostic.help("put quotes around it");
        } else {
            diagnostic.help(format!("write {}", in_yaml(expected, found)));
        }
    }

    pub(crate) fn unknown_variant(
        &mut self,
        span: Span,
        node: Option<&Node>,
        word: &str,
        nearest: Option<&str>,
        known: &[&str],
    ) {
        let word = if node.is_some() { format!("`{word}`") } else { "this".to_owned() };
        let message = format!("{word} is none of {}", listed(known.iter().copied(), "and"));
        let diagnostic = self.error("bad-value", span, message);
        if let Some(node) = node {
            trace(diagnostic, node);
        }
        diagnostic.help(meant(nearest).unwrap_or_else(|| "write one of these".into()));
    }

    pub(crate) fn bad_value(&mut self, node: &Node, message: &str) {
        // The types of units put the fix behind a semicolon.
        let (message, help) =
            message.split_once("; ").map_or((message, None), |(what, fix)| (what, Some(fix)));
        let diagnostic = trace(self.error("bad-value", node.span, message), node);
        if let Some(help) = help {
            diagnostic.help(help);
        }
    }

    pub(crate) fn bad_node(&mut self, span: Span, message: &str) {
        self.error("bad-value", span, message);
    }

    pub(crate) fn refused_secret_value(&mut self, span: Span) {
        self.error("bad-value", span, "the field refuses this secret")
            .help("the reason would show the secret; compare it with what the field wants");
    }

    pub(crate) fn bad_name(&mut self, span: Span, what: &str, name: &str) {
        if names::RESERVED.contains(&name) {
            self.error(
                "bad-name",
                span,
                format!("`{name}` has a meaning of its own and cannot name a {what}"),
            )
            .help(format!("choose another name, such as `{name}_1`"));
            return;
        }
        let diagnostic = self.error("bad-name", span, format!("`{name}` cannot name a {what}"));
        diagnostic.help(format!(
            "use up to 64 small letters, digits and `_`, a letter first: `{}`",
            names::suggest_id(name)
        ));
    }

    pub(crate) fn bad_pipeline_name(&mut self, node: &Node, name: &str) {
        trace(self.error("bad-name", node.span, format!("`{name}` cannot name a pipeline")), node)
            .help("use up to 64 letters, digits, `_`, `-` and `.`, a letter or digit first");
    }

    pub(crate) fn node_is_no_map(&mut self, span: Span, kind: &str, id: &str, node: &Node) {
        self.error(
            "wrong-type",
            span,
            format!("the {kind} `{id}` is a map of fields; found {}", node.kind()),
        )
        .help(format!("write `{id}: {{ type: … }}`"));
    }

    pub(crate) fn missing_type(&mut self, span: Span, kind: &str, id: &str, known: &[&str]) {
        let diagnostic = self.error("missing-field", span, format!("the {kind} `{id}` has no `type`"));
        diagnostic.help(all_names("the types are", known).unwrap_or_else(|| "add `type:`".into()));
    }

    pub(crate) fn unknown_component(
        &mut self,
        node: &Node,
        kind: Kind,
        name: &str,
        nearest: Option<&str>,
        elsewhere: Option<Kind>,
        known: &[&str],
    ) {
        let message = format!("there is no {} of type `{name}`", kind.word());
        let diagnostic = trace(self.error("unknown-component", node.span, message), node);
        let elsewhere = elsewhere
            .map(|other| format!("`{name}` is a {}; move it to `{}`", other.word(), other.section()));
        if let Some(help) = elsewhere.or(meant(nearest)).or_else(|| all_names("the types are", known)) {
            diagnostic.help(help);
        }
    }

    pub(crate) fn duplicate_id(&mut self, span: Span, name: &str, first: Span) {
        self.error("duplicate-id", span, format!("the name `{name}` is taken"))
            .related(first, "taken here")
            .help("names are unique in a pipeline, whatever the section; rename one");
    }

    /// What a component said of its own config.
    pub(crate) fn component_problem(&mut self, span: Span, node: Option<&Node>, problem: &Problem) {
        let diagnostic = match problem.severity {
            Severity::Error => self.error(problem.code, span, &problem.message),
            Severity::Warning => self.warning(problem.code, span, &problem.message),
        };
        if let Some(node) = node {
            trace(diagnostic, node);
        }
        if let Some(help) = &problem.help {
            diagnostic.help(help);
        }
    }

    pub(crate) fn use_cycle(&mut self, span: Span, field: &str, path: &Path) {
        let (code, help) = match field {
            "use" => ("use-cycle", "a template must not use a file that uses it"),
            _ => ("include-cycle", "a fragment must not include a file that includes it"),
        };
        self.error(code, span, format!("`{field}` leads back to `{}`", path.display())).help(help);
    }
}

/// What serde expects instead of `found`, in a user's words.
fn wanted(expected: &str, found: &str) -> String {
    let number = found.strip_prefix("integer `");
    match expected {
        "bool" => "`true` or `false`".into(),
        // The type's limit is the machine's. What the field allows is less, and only its component knows it.
        "u8" | "u16" | "u32" | "u64" | "usize" if number.is_some_and(|number| !number.starts_with('-')) => {
            "a smaller whole number".into()
        }
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more".into(),
        "i8" | "i16" | "i32" if number.is_some() => "a whole number nearer to 0".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "string" | "str" => "a string".into(),
        "a sequence" => "a list".into(),
        other if other.starts_with("a nonzero u") => {
            let is_large = number.is_some_and(|number| !number.starts_with(['-', '0']));
            if is_large { "a smaller whole number".into() } else { "a whole number of 1 or more".into() }
        }
        other if other.starts_with("struct ") => "a map of fields".into(),
        other => other.into(),
    }
}

/// How what serde expects is written, with an example.
fn in_yaml(expected: &str, found: &str) -> String {
    match expected {
        "f32" | "f64" => "a number, such as `0.5`".into(),
        "a sequence" => "a list, such as `[a, b]`".into(),
        "a map" => "a map, such as `{ name: value }`".into(),
        other => wanted(other, found),
    }
}
