//! Wording about params and substitution.

use fieldline_core::suggest::nearest;

use super::super::Diagnostics;
use super::{listed, meant};
use crate::request::SecretError;
use crate::text::files::Span;
use crate::text::node::{Content, Node};

/// A declared param, as messages speak of it.
#[derive(Clone, Copy)]
pub(crate) struct Declared<'p> {
    pub(crate) name: &'p str,
    /// Where its name was written.
    pub(crate) span: Span,
    /// Its type.
    pub(crate) kind: &'static str,
    /// Its value is never shown.
    pub(crate) secret: bool,
}

/// The value as it may be shown.
fn shown(value: &Node, param: Declared<'_>) -> String {
    if param.secret || value.is_secret() {
        return "this secret".into();
    }
    match &value.content {
        Content::Text(text, _) => format!("`{text}`"),
        Content::Int(number) => format!("`{number}`"),
        Content::Float(number) => format!("`{number}`"),
        Content::Bool(truth) => format!("`{truth}`"),
        _ => value.kind().into(),
    }
}

impl Diagnostics {
    pub(crate) fn undeclared_type(&mut self, span: Span, name: &str, types: &[&str]) {
        self.error("bad-param", span, format!("the param `{name}` has no type")).help(format!(
            "write `{name}: {{ type: … }}` with one of {}",
            listed(types.iter().copied(), "or")
        ));
    }

    pub(crate) fn unknown_param_type(
        &mut self,
        span: Span,
        word: &str,
        nearest: Option<&str>,
        types: &[&str],
    ) {
        let all = || format!("use one of {}", listed(types.iter().copied(), "or"));
        self.error("bad-param", span, format!("`{word}` is no type of a param"))
            .help(meant(nearest).unwrap_or_else(all));
    }

    pub(crate) fn bad_limit(&mut self, span: Span, kind: &str) {
        let diagnostic =
            self.error("bad-param", span, format!("this is no limit for a param of type {kind}"));
        diagnostic.help(match kind {
            "integer" | "number" => "write a number",
            "duration" => "write a duration, such as `100ms`",
            "size" => "write a size, such as `10MiB`",
            _ => "`min` and `max` are for integer, number, duration and size",
        });
    }

    pub(crate) fn bad_pattern(&mut self, span: Span, kind: &str) {
        let diagnostic = self.error("bad-param", span, "this is no pattern");
        diagnostic.help(match kind {
            "string" => "write a regular expression that the whole text matches, such as \"line[0-9]+\"",
            _ => "a pattern is for a param of type string",
        });
    }

    pub(crate) fn bad_choices(&mut self, span: Span, kind: &str) {
        self.error("bad-param", span, format!("these are no choices for a param of type {kind}"))
            .help("write a list of the values that are allowed");
    }

    pub(crate) fn bad_param_value(&mut self, value: &Node, param: Declared<'_>, message: &str) {
        let name = param.name;
        let (what, help) = message.split_once("; ").map_or((message, None), |(what, fix)| (what, Some(fix)));
        let what = if param.secret { "this secret does not fit" } else { what };
        let diagnostic = self.error("bad-param", value.span, format!("param `{name}`: {what}"));
        if param.span != value.span {
            diagnostic.related(param.span, format!("declared as {} here", param.kind));
        }
        if let Some(help) = help.filter(|_| !param.secret) {
            diagnostic.help(help);
        }
    }

    pub(crate) fn wrong_param_type(&mut self, value: &Node, param: Declared<'_>) {
        let name = param.name;
        let article = if param.kind.starts_with('i') { "an" } else { "a" };
        let message =
            format!("param `{name}` is {article} {}, and {} is none", param.kind, shown(value, param));
        let diagnostic = self.error("bad-param", value.span, message);
        diagnostic.related(param.span, "declared here");
        match param.kind {
            "string" => diagnostic.help("put quotes around it"),
            "duration" => diagnostic.help("write it with a unit, such as `5s`"),
            "size" => diagnostic.help("write it with a unit, such as `10MiB`"),
            "integer" => diagnostic.help("write a whole number, such as `5`"),
            "number" => diagnostic.help("write a number, such as `0.5`"),
            "boolean" => diagnostic.help("write `true` or `false`"),
            "list" => diagnostic.help("write a list, such as `[a, b]`"),
            _ => diagnostic.help("write a map, such as `{ name: value }`"),
        };
    }

    pub(crate) fn param_beyond(&mut self, value: &Node, param: Declared<'_>, bound: &str, limit: &str) {
        let name = param.name;
        let message = format!("param `{name}` must be {bound} {limit}, and {} is not", shown(value, param));
        self.error("bad-param", value.span, message)
            .related(param.span, "declared here")
            .help(format!("set it to {bound} {limit}, or move the limit where it is declared"));
    }

    pub(crate) fn param_no_match(&mut self, value: &Node, param: Declared<'_>, pattern: &str) {
        let name = param.name;
        let message = format!("param `{name}` must match `{pattern}`, and {} does not", shown(value, param));
        self.error("bad-param", value.span, message)
            .related(param.span, "declared here")
            .help("set it to a text of this pattern, or change the pattern where it is declared");
    }

    pub(crate) fn param_no_choice(&mut self, value: &Node, param: Declared<'_>, choices: &[Node]) {
        let name = param.name;
        let all: Vec<String> = choices.iter().map(|choice| shown(choice, param)).collect();
        let message =
            format!("param `{name}` must be one of {}, and {} is not", all.join(", "), shown(value, param));
        let texts: Vec<&str> = choices.iter().filter_map(Node::as_text).collect();
        let near = value.as_text().and_then(|text| nearest(text, texts));
        let diagnostic = self.error("bad-param", value.span, message);
        diagnostic.related(param.span, "declared here");
        let choose = "set it to one of these, or add to `choices` where it is declared";
        diagnostic.help(meant(near.filter(|_| !param.secret)).unwrap_or_else(|| choose.into()));
    }

    pub(crate) fn unknown_param<'n>(&mut self, span: Span, name: &str, known: impl Iterator<Item = &'n str>) {
        let known: Vec<&str> = known.collect();
        let diagnostic = self.error("unknown-param", span, format!("there is no param `{name}`"));
        diagnostic.help(meant(nearest(name, known.iter().copied())).unwrap_or_else(
            || match known.as_slice() {
                [] => format!("declare it under `params:` as `{name}: {{ type: string }}`"),
                all => format!("the params are {}", listed(all.iter().copied(), "and")),
            },
        ));
    }

    pub(crate) fn missing_param(&mut self, used: Span, name: &str, declared: Span) {
        self.error(
            "missing-param",
            used,
            format!("the template asks for the param `{name}`, which is not set"),
        )
        .related(declared, "declared here, without a default")
        .help(format!("add `{name}:` under `params:`"));
    }

    pub(crate) fn template_named(&mut self, span: Span, names: &[&str]) {
        let message =
            format!("this file is a template: nobody sets {}", listed(names.iter().copied(), "and"));
        self.error("missing-param", span, message)
            .help("name a station file that has `use:` and `params:`, or give every param a default");
    }

    /// It is checked as far as that can be done without its params.
    pub(crate) fn unused_template(&mut self, span: Span, names: &[&str]) {
        let message = format!(
            "no pipeline uses this template, which asks for {}",
            listed(names.iter().copied(), "and")
        );
        self.warning("unused", span, message).help(
            "write a station file with `use:` and `params:`; until then all is checked that does not depend on its params",
        );
    }

    pub(crate) fn unused_param(&mut self, span: Span, name: &str) {
        self.warning("unused-param", span, format!("nothing uses the param `{name}`"))
            .help(format!("write `${{params.{name}}}` where it belongs, or take it out"));
    }

    pub(crate) fn unclosed_substitution(&mut self, span: Span) {
        self.error("bad-substitution", span, "this `${` has no `}`")
            .help("write `$${` for the characters themselves");
    }

    pub(crate) fn collection_in_text(&mut self, span: Span, name: &str, kind: &str) {
        self.error(
            "bad-substitution",
            span,
            format!("the param `{name}` is {kind}, which cannot be part of a text"),
        )
        .help(format!("let `${{params.{name}}}` be the whole value of a field"));
    }

    pub(crate) fn param_in_param(&mut self, span: Span) {
        self.error("bad-substitution", span, "a param cannot be made of other params")
            .help("use `${env.NAME}` and `${secret.name}` here, and join params where they are used");
    }

    pub(crate) fn bad_substitution(&mut self, span: Span, inside: &str) {
        let kind = inside.split('.').next().unwrap_or_default();
        let known = ["params", "env", "secret"];
        if inside.contains('.') && !known.contains(&kind) {
            let diagnostic =
                self.error("unknown-variable", span, format!("there are no variables called `{kind}`"));
            let all = "use `${params.name}`, `${env.NAME}` or `${secret.name}`; write `$${` for the characters themselves";
            diagnostic.help(meant(nearest(kind, known)).unwrap_or_else(|| all.into()));
            return;
        }
        let prefix =
            if known.contains(&inside) { "a name is missing in" } else { "this is no substitution:" };
        self.error("bad-substitution", span, format!("{prefix} `${{{inside}}}`")).help(
            "write `${params.name}`, `${env.NAME}`, `${env.NAME:-default}`, `${env.NAME:?message}` or `${secret.name}`; \
             `$${` stands for the characters themselves",
        );
    }

    pub(crate) fn substitution_in_name(&mut self, span: Span, name: &str) {
        self.error("bad-substitution", span, format!("nothing is put into a name, and `{name}` is one"))
            .help("write the name itself; only values are filled in");
    }

    pub(crate) fn missing_variable(&mut self, span: Span, name: &str, message: Option<&str>) {
        let text = match message {
            Some(message) if !message.is_empty() => {
                format!("the environment variable `{name}` is not set: {message}")
            }
            _ => format!("the environment variable `{name}` is not set"),
        };
        let diagnostic = self.error("missing-variable", span, text);
        diagnostic.help(match message {
            None => format!("set it, or write `${{env.{name}:-default}}`"),
            Some(_) => format!("set `{name}` where the program is started"),
        });
    }

    pub(crate) fn variable_of_lines(&mut self, span: Span, name: &str) {
        self.error(
            "missing-variable",
            span,
            format!("the environment variable `{name}` has more than one line"),
        )
        .help("put a text of several lines into a file and name the file");
    }

    pub(crate) fn missing_secret(&mut self, span: Span, name: &str) {
        self.error("missing-secret", span, format!("there is no secret `{name}`"))
            .help("put it into a file of that name in the folder of credentials");
    }

    pub(crate) fn refused_secret(&mut self, span: Span, name: &str, reason: &SecretError) {
        self.error("missing-secret", span, format!("the secret `{name}` cannot be used: {reason}")).help(
            "the file of that name in the folder of credentials must be text that only its user may read",
        );
    }
}
