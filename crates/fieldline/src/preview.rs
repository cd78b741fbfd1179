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
    /// `keep`, `rewire`, `restart`, `start` or `stop`.
    pub(crate) action: &'static str,
    /// Why.
    pub(crate) reasons: Vec<String>,
    /// What becomes of what it holds.
    pub(crate) notes: Vec<String>,
    /// Whether something is lost.
    pub(crate) loses: bool,
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
        let mut notes = Vec::new();
        let ends = matches!(change.action, Action::Restart | Action::Stop);
        let mut loses = false;
        if let (true, Some(old)) = (ends, old) {
            match old.kind {
                Kind::Transform if keeps_state(old) => {
                    notes.push("what it remembers is lost".to_owned());
                    loses = true;
                }
                Kind::Sink if old.policy.buffer.kind == BufferKind::Disk => {
                    notes.push("its disk buffer stays on disk".to_owned());
                }
                Kind::Sink => notes.push("its buffer is drained first".to_owned()),
                Kind::Source => notes.push("it is stopped first, and what it sent is delivered".to_owned()),
                _ => {}
            }
        }
        notes.extend(topics(old, new));
        Line {
            node: change.id.as_str().to_owned(),
            action: word(change.action),
            reasons: change.reasons.clone(),
            notes,
            loses,
        }
    };
    Preview { lines: diff(running, next).iter().map(line).collect() }
}

/// Whether a transform remembers anything from one event to the next.
fn keeps_state(node: &Node) -> bool {
    !matches!(node.component, "filter" | "map" | "route" | "convert" | "validate")
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
        Action::Restart => "restart",
        Action::Start => "start",
        Action::Stop => "stop",
    }
}

impl Preview {
    /// Whether something that is remembered gets lost.
    pub(crate) fn loses(&self) -> bool {
        self.lines.iter().any(|line| line.loses)
    }

    /// As data.
    pub(crate) fn to_json(&self) -> Value {
        let line = |line: &Line| json!({ "node": line.node, "action": line.action, "reasons": line.reasons, "notes": line.notes, "loses": line.loses });
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
