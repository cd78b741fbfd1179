//! [`preview`]: the effect of a reload, told before it is done.

use std::collections::BTreeSet;

use fieldline_api::{Change, Fate, NodeChange};
use fieldline_compiler::plan::{Node, Plan};
use fieldline_compiler::{Action, diff};
use fieldline_core::Kind;
use fieldline_core::policy::BufferKind;

/// The effect of replacing `running` by `next`.
pub fn preview(running: &Plan, next: &Plan) -> Change {
    let line = |change: &fieldline_compiler::Change| {
        let (old, new) = (running.node(&change.id), next.node(&change.id));
        let ends = matches!(change.action, Action::Restart | Action::Stop);
        let ending = old.filter(|_| ends);
        let mut notes: Vec<String> = ending.and_then(|old| end(old, new)).into_iter().collect();
        let lost = ending.and_then(|old| lost(old, new));
        notes.extend(topics(old, new));
        NodeChange {
            node: change.id.as_str().to_owned(),
            fate: fate(change.action),
            reasons: change.reasons.clone(),
            notes,
            lost: lost.map(str::to_owned),
            waiting: None,
        }
    };
    let nodes: Vec<NodeChange> = diff(running, next).iter().map(line).collect();
    Change { loses: nodes.iter().any(|node| node.lost.is_some()), nodes }
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

fn fate(action: Action) -> Fate {
    match action {
        Action::Keep => Fate::Keep,
        Action::Rewire => Fate::Rewire,
        Action::Renew => Fate::Renew,
        Action::Restart => Fate::Restart,
        Action::Start => Fate::Start,
        Action::Stop => Fate::Stop,
    }
}

#[cfg(test)]
mod tests {
    use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
    use fieldline_core::Registry;

    use super::*;

    fn plan(transform: &str) -> Plan {
        let text = format!(
            "pipeline: p\nsources:\n  in: {{ type: timer, every: 1s }}\ntransforms:\n  t: {{ inputs: in, {transform} }}\nsinks:\n  out: {{ type: blackhole, inputs: t }}\n"
        );
        let request = Request {
            roots: &["p.yaml".into()],
            files: &MemoryFiles::default().with("p.yaml", text),
            variables: &MemoryVariables::default(),
            registry: &Registry::new(fieldline_components::all()),
            overrides: Overrides::default(),
        };
        let compiled = compile(&request);
        assert!(compiled.is_ok(), "{:?}", compiled.diagnostics);
        compiled.plan
    }

    /// What is told of the transform when it is edited from `before` to `after`, and whether anything is lost.
    fn told(before: &str, after: &str) -> (String, bool) {
        let preview = preview(&plan(before), &plan(after));
        let line = preview.nodes.iter().find(|line| line.node == "p/t").expect("it is there");
        (line.notes.join("; "), preview.loses)
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
