//! From the `tests:` of a pipeline to its cases.

use std::time::Duration;

use compact_str::CompactString;
use fieldline_core::suggest::nearest;
use fieldline_core::{Period, TimeForm};
use indexmap::IndexMap;

use super::{Account, Action, Step, TestCase, When};
use crate::diagnostics::Diagnostics;
use crate::nodes::spec::PipelineSpec;
use crate::params::Param;
use crate::params::template::overlay;
use crate::request::Overrides;
use crate::text::files::FileSet;
use crate::text::node::{Content, Members, Node};

const FIELDS: [&str; 10] =
    ["name", "at", "params", "env", "run", "feed", "steps", "expect", "ledger", "each"];
const STEP_FIELDS: [&str; 7] = ["at", "after", "advance", "feed", "connection", "down", "fail"];
const DOORS: [&str; 9] = [
    "received",
    "created",
    "delivered",
    "filtered",
    "absorbed",
    "dead_lettered",
    "dropped",
    "expired",
    "lost",
];

/// The cases of a pipeline. What is wrong with one is complained about; it is still in the list as far as it goes.
pub(crate) fn lower(
    spec: &PipelineSpec,
    declared: &IndexMap<CompactString, Param>,
    file: &std::path::Path,
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) -> Vec<TestCase> {
    let Some(tests) = &spec.tests else { return Vec::new() };
    let Some(list) = tests.as_list() else {
        diagnostics.wrong_type(tests, "a list of test cases");
        return Vec::new();
    };
    let mut lowerer = Lowerer { spec, declared, files, diagnostics };
    let mut cases: Vec<TestCase> = Vec::new();
    for node in list {
        for (name, fields, span) in lowerer.rows(node) {
            let mut case = lowerer.case(&fields, node);
            case.span = span;
            case.file = file.to_owned();
            if let Some(first) = cases.iter().find(|other| other.name == name) {
                lowerer.diagnostics.duplicate_id(span, &name, first.span);
            }
            case.name = name;
            cases.push(case);
        }
    }
    cases
}

pub(super) struct Lowerer<'s> {
    spec: &'s PipelineSpec,
    declared: &'s IndexMap<CompactString, Param>,
    pub(super) files: &'s FileSet,
    pub(super) diagnostics: &'s mut Diagnostics,
}

impl Lowerer<'_> {
    /// The case, or one for each row of its table: name, fields, and where the name stands.
    fn rows(&mut self, node: &Node) -> Vec<(String, Members, crate::text::files::Span)> {
        let Some(fields) = self.fields(node, "a test case", &FIELDS) else { return Vec::new() };
        let (name, span) = self.name(&fields, node);
        let Some(each) = fields.get("each").map(|member| member.value.clone()) else {
            return vec![(name, fields, span)];
        };
        let Some(rows) = each.as_list() else {
            self.diagnostics.wrong_type(&each, "a list of rows");
            return Vec::new();
        };
        let mut cases = Vec::new();
        for row in rows {
            let Some(own) = self.fields(row, "a row of a test case", &FIELDS[..FIELDS.len() - 1]) else {
                continue;
            };
            let (row_name, span) = self.name(&own, row);
            let mut merged = fields.clone();
            merged.shift_remove("each");
            overlay(&mut merged, &own);
            cases.push((format!("{name} / {row_name}"), merged, span));
        }
        cases
    }

    fn name(&mut self, fields: &Members, node: &Node) -> (String, crate::text::files::Span) {
        match fields.get("name").map(|member| &member.value) {
            Some(name) => match name.as_text() {
                Some(text) => return (text.to_owned(), name.span),
                None => self.diagnostics.wrong_type(name, "a name"),
            },
            None => self.diagnostics.missing_field(node.span, "name", "a test case"),
        }
        (String::new(), node.span)
    }

    fn case(&mut self, fields: &Members, node: &Node) -> TestCase {
        let get = |key: &str| fields.get(key).map(|member| &member.value);
        TestCase {
            pipeline: self.spec.name.to_string(),
            file: std::path::PathBuf::new(),
            name: String::new(),
            span: node.span,
            at: get("at").and_then(|at| self.time(at)),
            overrides: self.overrides(get("params"), get("env")),
            run: get("run").map(|run| self.names(run)).unwrap_or_default(),
            feed: get("feed").map(|feed| self.feed(feed)).unwrap_or_default(),
            steps: get("steps").map(|steps| self.steps(steps)).unwrap_or_default(),
            expect: get("expect").map(|expect| self.expect(expect)).unwrap_or_default(),
            ledger: get("ledger").map(|ledger| self.ledger(ledger)).unwrap_or_default(),
        }
    }

    fn time(&mut self, node: &Node) -> Option<jiff::Timestamp> {
        let time = TimeForm::default().read(&node.to_value());
        time.map_err(|error| self.diagnostics.bad_value(node, &error.to_string())).ok()
    }

    fn overrides(&mut self, params: Option<&Node>, env: Option<&Node>) -> Overrides {
        let mut overrides = Overrides::default();
        for (name, member) in params.and_then(|node| self.map(node)).into_iter().flatten() {
            if !self.declared.contains_key(name) {
                let known = self.declared.keys().map(CompactString::as_str);
                self.diagnostics.unknown_param(member.key, name, known);
            }
            overrides.params.insert(name.to_string(), member.value.to_value());
        }
        for (name, member) in env.and_then(|node| self.map(node)).into_iter().flatten() {
            match member.value.as_text() {
                Some(text) => drop(overrides.env.insert(name.to_string(), text.to_owned())),
                None => self.diagnostics.wrong_type(&member.value, "a string"),
            }
        }
        overrides
    }

    /// A list of names of nodes.
    fn names(&mut self, node: &Node) -> Vec<String> {
        let Some(list) = node.as_list() else {
            self.diagnostics.wrong_type(node, "a list of sources");
            return Vec::new();
        };
        let mut names = Vec::new();
        for entry in list {
            match entry.as_text() {
                Some(name) => {
                    self.node_named(name, entry.span);
                    names.push(name.to_owned());
                }
                None => self.diagnostics.wrong_type(entry, "the name of a source"),
            }
        }
        names
    }

    fn steps(&mut self, node: &Node) -> Vec<Step> {
        let Some(list) = node.as_list() else {
            self.diagnostics.wrong_type(node, "a list of steps");
            return Vec::new();
        };
        let mut steps = Vec::new();
        for node in list {
            let Some(fields) = self.fields(node, "a step", &STEP_FIELDS) else { continue };
            let when = self.when(&fields, node);
            let mut actions = Vec::new();
            if let Some(feed) = fields.get("feed") {
                actions.extend(self.feed(&feed.value).into_iter().map(Action::Feed));
            }
            actions.extend(self.down(&fields, node));
            actions.extend(fields.get("fail").and_then(|fail| self.fail(&fail.value)));
            steps.push(Step { span: node.span, when, actions });
        }
        steps
    }

    fn when(&mut self, fields: &Members, node: &Node) -> When {
        let given: Vec<(&str, &Node)> = ["at", "after", "advance"]
            .into_iter()
            .filter_map(|key| Some((key, &fields.get(key)?.value)))
            .collect();
        if given.len() > 1 {
            self.diagnostics.bad_value(given[1].1, "a step has one time; write `at`, `after` or `advance`");
        }
        match given.first() {
            Some(("at", time)) => When::At(self.duration(time)),
            Some((_, time)) => When::After(self.duration(time)),
            None => {
                self.diagnostics.missing_field(node.span, "at", "a step");
                When::After(Duration::ZERO)
            }
        }
    }

    fn down(&mut self, fields: &Members, node: &Node) -> Option<Action> {
        let (connection, down) = (fields.get("connection"), fields.get("down"));
        let (Some(connection), Some(down)) = (connection, down) else {
            if connection.is_some() || down.is_some() {
                let missing = if connection.is_some() { "down" } else { "connection" };
                self.diagnostics.missing_field(node.span, missing, "a step");
            }
            return None;
        };
        let Some(name) = connection.value.as_text() else {
            self.diagnostics.wrong_type(&connection.value, "the name of a connection");
            return None;
        };
        self.node_named(name, connection.value.span);
        Some(Action::Down { connection: name.to_owned(), lasts: self.duration(&down.value) })
    }

    fn fail(&mut self, node: &Node) -> Option<Action> {
        let message = "a test lets it fail".to_owned();
        if let Some(name) = node.as_text() {
            self.node_named(name, node.span);
            return Some(Action::Fail { node: name.to_owned(), times: 1, message });
        }
        let fields = self.fields(node, "`fail`", &["node", "times", "message"])?;
        let Some(name) = fields.get("node").map(|member| &member.value) else {
            self.diagnostics.missing_field(node.span, "node", "`fail`");
            return None;
        };
        let text = name.as_text().unwrap_or_default().to_owned();
        self.node_named(&text, name.span);
        let times = fields.get("times").map_or(1, |times| self.count(&times.value));
        let said = fields.get("message").and_then(|member| member.value.as_text().map(str::to_owned));
        Some(Action::Fail { node: text, times, message: said.unwrap_or(message) })
    }

    fn ledger(&mut self, node: &Node) -> Vec<Account> {
        let mut accounts = Vec::new();
        for (name, member) in self.map(node).into_iter().flatten() {
            self.node_named(name, member.key);
            let Some(fields) = self.fields(&member.value, "an account", &DOORS) else { continue };
            let known = DOORS.into_iter().filter_map(|door| Some((door, fields.get(door)?.value.clone())));
            let counts = known.map(|(door, node)| (door, self.count(&node))).collect();
            accounts.push(Account { node: name.to_string(), span: member.key, counts });
        }
        accounts
    }

    /// The members of a map that is nothing else.
    pub(super) fn map<'n>(&mut self, node: &'n Node) -> Option<&'n Members> {
        if node.as_map().is_none() {
            self.diagnostics.wrong_type(node, "a map");
        }
        node.as_map()
    }

    /// The members of a map that has only `known` fields; others are complained about.
    pub(super) fn fields(&mut self, node: &Node, what: &str, known: &[&'static str]) -> Option<Members> {
        let members = self.map(node)?;
        for (name, member) in members.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            self.diagnostics.unknown_field(
                member.key,
                name,
                what,
                nearest(name, known.iter().copied()),
                known,
            );
        }
        Some(members.clone())
    }

    pub(super) fn node_named(&mut self, name: &str, span: crate::text::files::Span) {
        if !self.spec.nodes.iter().any(|node| node.id == name) {
            let all: Vec<&str> = self.spec.nodes.iter().map(|node| node.id.as_str()).collect();
            self.diagnostics.unknown_node(span, name, nearest(name, all.iter().copied()), &all);
        }
    }

    pub(super) fn path(&mut self, node: &Node) -> Option<std::path::PathBuf> {
        if node.as_text().is_none() {
            self.diagnostics.wrong_type(node, "the path of a file");
        }
        Some(self.files.join(node.span.file, node.as_text()?))
    }

    pub(super) fn duration(&mut self, node: &Node) -> Duration {
        let Some(text) = node.as_text() else {
            self.diagnostics.wrong_type(node, "a duration, such as `5s`");
            return Duration::ZERO;
        };
        text.parse::<Period>().map(|period| period.0).unwrap_or_else(|error| {
            self.diagnostics.bad_value(node, &error.to_string());
            Duration::ZERO
        })
    }

    pub(super) fn count(&mut self, node: &Node) -> u64 {
        match node.content {
            Content::Int(number) if number >= 0 => number.unsigned_abs(),
            _ => {
                self.diagnostics.wrong_type(node, "u64");
                0
            }
        }
    }
}
