//! From a node's raw config to its component's typed one. Everything wrong with a node is reported at once: what
//! does not fit is complained about, taken out, and the rest read again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fieldline_core::context::Origin;
use fieldline_core::path::Step;
use fieldline_core::policy::{SinkPolicy, SourcePolicy};
use fieldline_core::read::{Mismatch, ReadCx, ReadError, read};
use fieldline_core::report::{Place, Problem, Report};
use fieldline_core::suggest::nearest;
use fieldline_core::{CheckCx, Facts, FieldPath, Kind, Memory, Prepared, Value};

use crate::load::session::{ComponentFiles, Session, resolve};
use crate::nodes::control::{self, Right};
use crate::nodes::spec::{NodeSpec, POLICY};
use crate::text::files::{FileSet, Span};
use crate::text::node::{Content, Node};
use crate::text::origin;

/// How often a node is read again after something was taken out of it.
const MAX_READS: usize = 32;

/// What a node's config has become.
pub(crate) struct Resolved {
    pub(crate) prepared: Prepared,
    pub(crate) facts: Facts,
    pub(crate) memory: Option<Memory>,
    pub(crate) policy: SinkPolicy,
    pub(crate) source: SourcePolicy,
    /// Who may set what, one for each input of commands.
    pub(crate) rights: Vec<Right>,
    /// The paths of files as they were joined, by field; part of the fingerprint.
    pub(crate) paths: BTreeMap<String, PathBuf>,
}

/// Reads and checks a node; `None` when it has errors.
pub(crate) fn resolve_node(
    spec: &NodeSpec,
    session: &mut Session<'_>,
    files: &ComponentFiles<'_>,
) -> Option<Resolved> {
    let definition = spec.definition?;
    let errors = session.diagnostics.errors();
    let cx = Fields::of(&spec.config, &session.files);
    let what = format!("{} `{}`", spec.kind.word(), definition.name);
    let prepared = read_all(spec, &spec.config, &what, &cx, &mut session.diagnostics, |value| {
        (definition.read)(value, &cx)
    });
    let paths = cx.paths.into_inner();
    let policy = policy(spec, session);
    let source = source_policy(spec, session);
    if session.diagnostics.errors() > errors {
        return None;
    }
    let prepared = prepared?;
    let mut report = Report::default();
    prepared.check(&mut CheckCx::new(&mut report, files).beside(spec.beside()).reading(spec.reading()));
    for problem in report.problems() {
        complain(spec, problem, session, files);
    }
    let mut facts = prepared.facts();
    if facts.outputs.is_empty() {
        facts.outputs.push("main".into());
    }
    let rights = control::read(spec, &facts, &session.files, &mut session.diagnostics).unwrap_or_default();
    if !rights.is_empty() {
        facts.outputs.push(control::RESPONSE.into());
    }
    (session.diagnostics.errors() == errors).then(|| Resolved {
        memory: prepared.memory(files),
        prepared,
        facts,
        policy: policy.unwrap_or_default(),
        source: source.unwrap_or_default(),
        rights,
        paths,
    })
}

fn policy(spec: &NodeSpec, session: &mut Session<'_>) -> Option<SinkPolicy> {
    if spec.kind != Kind::Sink {
        return None;
    }
    let cx = Fields::of(&spec.policy, &session.files);
    let diagnostics = &mut session.diagnostics;
    let policy =
        read_all(spec, &spec.policy, "a sink", &cx, diagnostics, |value| read::<SinkPolicy>(value, &cx))?;
    crate::check::policy::check(spec, &policy, diagnostics);
    Some(policy)
}

fn source_policy(spec: &NodeSpec, session: &mut Session<'_>) -> Option<SourcePolicy> {
    if spec.kind != Kind::Source {
        return None;
    }
    let cx = Fields::of(&spec.policy, &session.files);
    let diagnostics = &mut session.diagnostics;
    read_all(spec, &spec.policy, "a source", &cx, diagnostics, |value| read::<SourcePolicy>(value, &cx))
}

/// Reads `node` until nothing is wrong or nothing more can be learnt.
pub(crate) fn read_all<T>(
    spec: &NodeSpec,
    node: &Node,
    what: &str,
    cx: &Fields<'_>,
    diagnostics: &mut crate::diagnostics::Diagnostics,
    read: impl Fn(&Value) -> Result<T, ReadError>,
) -> Option<T> {
    let mut value = node.to_value();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut typos: Vec<(FieldPath, &'static str)> = Vec::new();
    for _ in 0..MAX_READS {
        let error = match read(&value) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let (place, stand_in) = match &error.mismatch {
            Mismatch::MissingField(name) => (error.field.key(name), true),
            _ => (error.field.clone(), false),
        };
        if seen.insert(place.to_string()) {
            let renamed = matches!(&error.mismatch, Mismatch::MissingField(name)
                if typos.iter().any(|(parent, meant)| *parent == error.field && meant == name));
            if let Mismatch::UnknownField(name, known) = &error.mismatch
                && let Some(meant) = nearest(name, known.iter().copied())
            {
                typos.push((parent(&error.field), meant));
            }
            if !renamed {
                mismatch(spec, node, what, &error, cx, diagnostics);
            }
        }
        if !mend(&mut value, &place, stand_in, &read) {
            return None;
        }
    }
    None
}

fn parent(path: &FieldPath) -> FieldPath {
    let steps = path.steps();
    steps[..steps.len().saturating_sub(1)].iter().fold(FieldPath::root(), |path, step| match step {
        Step::Key(key) => path.key(key),
        Step::Index(index) => path.index(*index),
    })
}

/// Takes what does not fit out of the value, or puts something in for what is missing, so that reading gets
/// further; `false` when it does not.
fn mend<T>(
    value: &mut Value,
    place: &FieldPath,
    stand_in: bool,
    read: &impl Fn(&Value) -> Result<T, ReadError>,
) -> bool {
    if !stand_in && place.remove(value).is_some() {
        return true;
    }
    let beyond = |value: &Value| match read(value) {
        Ok(_) => true,
        Err(error) => !error.field.steps().starts_with(place.steps()),
    };
    let stand_ins = [
        Value::from("a"),
        Value::Int(1),
        Value::from("1s"),
        Value::from("1MiB"),
        Value::Bool(true),
        Value::List(Vec::new()),
        Value::Map(fieldline_core::Map::default()),
    ];
    stand_ins.into_iter().any(|stand_in| place.set(value, stand_in) && beyond(value))
}

fn mismatch(
    spec: &NodeSpec,
    root: &Node,
    what: &str,
    error: &ReadError,
    cx: &Fields<'_>,
    diagnostics: &mut crate::diagnostics::Diagnostics,
) {
    // What is wrong with a node as a whole is shown at its name.
    let node = root.at(&error.field).filter(|_| !error.field.steps().is_empty());
    let secret = node.is_some_and(Node::is_secret);
    let within =
        if error.field.steps().len() < 2 { what.to_owned() } else { format!("`{}`", parent(&error.field)) };
    match &error.mismatch {
        Mismatch::UnknownField(name, known) => {
            let mut known = known.to_vec();
            if error.field.steps().len() == 1 {
                known.push("type");
                known.extend(matches!(spec.kind, Kind::Transform | Kind::Sink).then_some("inputs"));
                known.extend(matches!(spec.kind, Kind::Transform).then_some("with"));
                let has_settings = spec.definition.is_some_and(|definition| !definition.settings.is_empty());
                known.extend(has_settings.then_some("control"));
                known.extend(POLICY.iter().filter(|_| spec.kind == Kind::Sink));
            }
            let meant = nearest(name, known.iter().copied());
            diagnostics.unknown_field(cx.key(spec, &error.field), name, &within, meant, &known);
        }
        Mismatch::MissingField(name) => {
            let container =
                if error.field.steps().is_empty() { what.to_owned() } else { format!("`{}`", error.field) };
            diagnostics.missing_field(cx.key(spec, &error.field), name, &container);
        }
        Mismatch::UnknownVariant(word, known) => {
            let span = node.map_or(spec.span, |node| node.span);
            diagnostics.unknown_variant(
                span,
                node.filter(|_| !secret),
                word,
                nearest(word, known.iter().copied()),
                known,
            );
        }
        Mismatch::WrongType(found, expected) => {
            let span = node.map_or(spec.span, |node| node.span);
            diagnostics.mismatched(span, node, if secret { "a secret" } else { found }, expected);
        }
        Mismatch::Refused(message) if secret => {
            let _ = message;
            diagnostics.refused_secret_value(node.map_or(spec.span, |node| node.span));
        }
        Mismatch::Refused(message) => match node {
            Some(node) => diagnostics.bad_value(node, message),
            None => diagnostics.bad_node(spec.span, message),
        },
    }
}

/// Turns what a component says of a field into a diagnostic at its place.
fn complain(spec: &NodeSpec, problem: &Problem, session: &mut Session<'_>, files: &ComponentFiles<'_>) {
    let cx = Fields::of(&spec.config, &session.files);
    let (span, node) = match &problem.place {
        Place::Field(field) if field.steps().is_empty() => (spec.span, None),
        Place::Field(field) => cx.value(spec, field),
        Place::Key(field) => (cx.key(spec, field), None),
        Place::Text { field, line, column } => {
            (cx.inside(spec, field, *line, *column), spec.config.at(field))
        }
        Place::File { path, line, column } => {
            let Some(span) = session.place_in(files, path, *line, *column) else {
                session.diagnostics.component_problem(spec.span, None, problem);
                return;
            };
            (span, None)
        }
    };
    session.diagnostics.component_problem(span, node, problem);
}

/// Knows where the fields of a node were written.
pub(crate) struct Fields<'n> {
    pub(crate) node: &'n Node,
    pub(crate) files: &'n FileSet,
    pub(crate) paths: RefCell<BTreeMap<String, PathBuf>>,
}

impl<'n> Fields<'n> {
    pub(crate) fn of(node: &'n Node, files: &'n FileSet) -> Self {
        Fields { node, files, paths: RefCell::default() }
    }

    /// The value of `field`, or the nearest that was written of what should contain it.
    pub(crate) fn value(&self, spec: &NodeSpec, field: &FieldPath) -> (Span, Option<&'n Node>) {
        let mut node = self.node;
        let mut span = spec.span;
        for step in field.steps() {
            let next = match (step, &node.content) {
                (Step::Key(key), Content::Map(members)) => members.get(key).map(|member| &member.value),
                (Step::Index(index), Content::List(list)) => list.get(*index),
                _ => None,
            };
            let Some(next) = next else { return (span, None) };
            node = next;
            span = next.span;
        }
        (span, Some(node))
    }

    /// The name of `field`, or of the nearest field around it that was written.
    pub(crate) fn key(&self, spec: &NodeSpec, field: &FieldPath) -> Span {
        let mut node = self.node;
        let mut span = spec.span;
        for step in field.steps() {
            let (at, next) = match (step, &node.content) {
                (Step::Key(key), Content::Map(members)) => match members.get(key) {
                    Some(member) => (member.key, &member.value),
                    None => return span,
                },
                (Step::Index(index), Content::List(list)) => match list.get(*index) {
                    Some(element) => (element.span, element),
                    None => return span,
                },
                _ => return span,
            };
            node = next;
            span = at;
        }
        span
    }

    /// A place inside the text of `field`; line and column from 1.
    fn inside(&self, spec: &NodeSpec, field: &FieldPath, line: usize, column: usize) -> Span {
        let (span, node) = self.value(spec, field);
        let Some(Content::Text(text, style)) = node.map(|node| &node.content) else { return span };
        let file = self.files.file(span.file);
        let at = origin::locate(file, span, *style, text, line, column);
        let next = file.text[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        Span::new(span.file, at, at + next)
    }

    /// Where each text of the node was written.
    pub(crate) fn origins(&self) -> BTreeMap<FieldPath, Origin> {
        let mut origins = BTreeMap::new();
        self.collect_origins(self.node, FieldPath::root(), &mut origins);
        origins
    }

    fn collect_origins(&self, node: &Node, path: FieldPath, origins: &mut BTreeMap<FieldPath, Origin>) {
        match &node.content {
            Content::Text(text, style) => {
                let file = self.files.file(node.span.file);
                let (line, indent) = origin::start(file, node.span, *style, text);
                origins.insert(path, Origin { file: file.path.clone(), line, indent });
            }
            Content::List(list) => {
                for (index, element) in list.iter().enumerate() {
                    self.collect_origins(element, path.index(index), origins);
                }
            }
            Content::Map(members) => {
                for (key, member) in members {
                    self.collect_origins(&member.value, path.key(key), origins);
                }
            }
            _ => {}
        }
    }
}

impl ReadCx for Fields<'_> {
    fn resolve(&self, field: &FieldPath, path: &str) -> PathBuf {
        let file = self.node.at(field).unwrap_or(self.node).span.file;
        let resolved = resolve(self.files, file, path);
        self.paths.borrow_mut().insert(field.to_string(), resolved.clone());
        resolved
    }

    fn is_variable(&self, field: &FieldPath) -> bool {
        let node = self.node.at(field);
        node.and_then(|node| node.filled.as_ref()).is_some_and(|filled| filled.variable)
    }
}
