//! [`preview`]: what a change would do, told before it is done.

use std::collections::BTreeSet;

use fieldline_compiler::plan::{Node, Plan};
use fieldline_compiler::{Action, diff};
use fieldline_core::Kind;
use fieldline_core::policy::BufferKind;
use serde_json::{Value, json};

/// What a change does to one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The node.
    pub(crate) node: String,
    /// `keep`, `rewire`, `renew`, `restart`, `start` or `stop`.
    pub(crate) action: &'static str,
    /// Why.
    pub(crate) reasons: Vec<String>,
    /// What becomes of what it holds.
    pub(crate) notes: Vec<String>,
    /// What it remembers that is lost.
    pub(crate) lost: Option<&'static str>,
}

/// What a change does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preview {
    pub(crate) lines: Vec<Line>,
}

/// Compares what runs with what would.
pub(crate) fn preview(running: &Plan, next: &Plan) -> Preview {
    let line = |change: &fieldline_compiler::Change| {
        let (old, new) = (running.node(&change.id), next.node(&change.id));
        let ends = matches!(change.action, Action::Restart | Action::Stop);
        let ending = old.filter(|_| ends);
        let mut notes: Vec<String> = ending.and_then(|old| end(old, new)).into_iter().collect();
        let lost = ending.and_then(|old| lost(old, new));
        notes.extend(topics(old, new));
        Line {
            node: change.id.as_str().to_owned(),
            action: word(change.action),
            reasons: change.reasons.clone(),
            notes,
            lost,
        }
    };
    Preview { lines: diff(running, next).iter().map(line).collect() }
}

/// What becomes of what a node holds when it ends, and `new` comes in its place.
fn end(old: &Node, new: Option<&Node>) -> Option<String> {
    match old.kind {
        Kind::Transform => {
            let memory = old.memory.as_ref()?;
            let fate = match lost(old, new) {
                Some(_) => "lost",
                None if new.is_some_and(|new| new.takes_over(old)) => "carried over",
                None => "sent on first",
            };
            Some(format!("{fate}: {}", memory.what))
        }
        Kind::Sink if old.policy.buffer.kind == BufferKind::Disk => {
            Some("its disk buffer stays on disk".to_owned())
        }
        Kind::Sink => Some("its buffer is drained first".to_owned()),
        Kind::Source => Some("it is stopped first, and what it sent is delivered".to_owned()),
        Kind::Connection => None,
    }
}

/// What a transform remembers and `new`, in its place, will not know.
fn lost(old: &Node, new: Option<&Node>) -> Option<&'static str> {
    let memory = old.memory.as_ref().filter(|memory| !memory.is_sent)?;
    (!new.is_some_and(|new| new.takes_over(old))).then_some(memory.what)
}

/// Topics that are used before the change and not after it, or the reverse.
fn topics(old: Option<&Node>, new: Option<&Node>) -> Vec<String> {
    let all = |node: Option<&Node>| -> BTreeSet<String> {
        let facts = node.map(|node| &node.facts);
        facts
            .into_iter()
            .flat_map(|facts| facts.publishes.iter().chain(&facts.subscribes))
            .map(|(_, topic)| topic.clone())
            .collect()
    };
    let (before, after) = (all(old), all(new));
    let gone = before.difference(&after).map(|topic| format!("topic `{topic}` is not used any more"));
    let new = after.difference(&before).map(|topic| format!("topic `{topic}` is new"));
    gone.chain(new).collect()
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Keep => "keep",
        Action::Rewire => "rewire",
        Action::Renew => "renew",
        Action::Restart => "restart",
        Action::Start => "start",
        Action::Stop => "stop",
    }
}

impl Preview {
    /// Whether something that is remembered gets lost.
    pub(crate) fn loses(&self) -> bool {
        self.lines.iter().any(|line| line.lost.is_some())
    }

    /// As data.
    pub(crate) fn to_json(&self) -> Value {
        let line = |line: &Line| json!({ "node": line.node, "action": line.action, "reasons": line.reasons, "notes": line.notes, "lost": line.lost });
        json!({ "loses": self.loses(), "nodes": self.lines.iter().map(line).collect::<Vec<_>>() })
    }
}

/// The preview for people, from its data, which may have come from a running program.
pub(crate) fn text(preview: &Value) -> String {
    let lines = preview["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let changed: Vec<&Value> = lines.iter().filter(|line| line["action"] != "keep").collect();
    let mut text = String::new();
    for line in &changed {
        let words = |field: &str| {
            let list = line[field].as_array().map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let sign = match line["action"].as_str() {
            Some("start") => "+",
            Some("stop") => "-",
            _ => "~",
        };
        let (node, action) =
            (line["node"].as_str().unwrap_or_default(), line["action"].as_str().unwrap_or_default());
        text += &format!("{sign} {action:<8} {node}: {}\n", words("reasons").join("; "));
        for note in words("notes") {
            text += &format!("             {note}\n");
        }
    }
    let kept = lines.len() - changed.len();
    text += &match changed.len() {
        0 => format!("nothing changes; {kept} nodes go on"),
        changed => format!("{changed} nodes change, {kept} go on undisturbed"),
    };
    text
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use bytes::Bytes;
    use fieldline_compiler::{FileSource, Overrides, Request, compile};

    use super::*;
    use crate::disk::{self, Machine};

    /// One file, whatever its name.
    struct Only(String);

    impl FileSource for Only {
        fn read(&self, _: &Path) -> Result<Bytes, String> {
            Ok(Bytes::from(self.0.clone()))
        }

        fn list(&self, _: &Path) -> Option<Vec<PathBuf>> {
            None
        }
    }

    fn plan(transform: &str) -> Plan {
        let text = format!(
            "pipeline: p\nsources:\n  in: {{ type: timer, every: 1s }}\ntransforms:\n  t: {{ inputs: in, {transform} }}\nsinks:\n  out: {{ type: blackhole, inputs: t }}\n"
        );
        let request = Request {
            roots: &["p.yaml".into()],
            files: &Only(text),
            variables: &Machine::new(None),
            registry: &disk::registry(),
            overrides: Overrides::default(),
        };
        let compiled = compile(&request);
        assert!(compiled.is_ok(), "{:?}", compiled.diagnostics);
        compiled.plan
    }

    /// What is told of the transform when it is edited from `before` to `after`, and whether anything is lost.
    fn told(before: &str, after: &str) -> (String, bool) {
        let preview = preview(&plan(before), &plan(after));
        let line = preview.lines.iter().find(|line| line.node == "p/t").expect("it is there");
        (line.notes.join("; "), preview.loses())
    }

    const COUNTS: &str = "type: script, code: \"state.n = (state.n ?? 0) + 1; this.n = state.n\"";

    #[test]
    fn a_script_that_remembers_nothing_loses_nothing() {
        let told = told("type: script, code: \"this.n = 1\"", "type: script, code: \"this.n = 2\"");
        assert_eq!(told, (String::new(), false));
    }

    #[test]
    fn a_script_loses_its_state_unless_both_versions_say_that_it_fits() {
        let edited = COUNTS.replace("+ 1", "+ 2");
        assert_eq!(told(COUNTS, &edited), ("lost: its `state`".to_owned(), true));
        let (one, two) = (format!("{COUNTS}, state_version: 1"), format!("{edited}, state_version: 1"));
        assert_eq!(told(&one, &two), ("carried over: its `state`".to_owned(), false));
        let other = format!("{edited}, state_version: 2");
        assert_eq!(told(&one, &other), ("lost: its `state`".to_owned(), true));
    }

    #[test]
    fn open_windows_are_carried_sent_or_lost_as_they_were_told() {
        let window = |rest: &str| format!("type: window, aggregate: {{ mean: mean(n) }}, {rest}");
        let carried = told(&window("tumbling: 10s"), &window("tumbling: 20s"));
        assert_eq!(carried, ("carried over: its open windows".to_owned(), false));
        let other_kind = told(&window("tumbling: 10s"), &window("last: 10"));
        assert_eq!(other_kind, ("sent on first: its open windows".to_owned(), false));
        let dropped = told(&window("tumbling: 10s, partial: drop"), &window("tumbling: 20s"));
        assert_eq!(dropped, ("lost: its open windows".to_owned(), true));
    }
}
