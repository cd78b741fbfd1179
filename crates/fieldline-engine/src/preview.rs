//! [`preview`]: the effect of a reload, told before it is done.

use std::collections::BTreeSet;

use fieldline_api as api;
use fieldline_compiler::change::{Backlog, Change, Fate, NodeChange, Refusal, State};
use fieldline_compiler::{Node, NodeId, Plan};
use fieldline_core::{Kind, amount};

use crate::outcome;

/// The effect of replacing `running` by `next`; nothing is known of events that wait.
pub fn preview(running: &Plan, next: &Plan) -> api::Change {
    tell(&Change::between(running, next), &[], |_| 0, running, next)
}

/// A change from `running` to `next`, and why it would be refused, in the words of the API. `waiting` tells how many
/// events a sink holds, 0 if nothing is known of that.
pub(crate) fn tell(
    change: &Change,
    refusals: &[Refusal],
    waiting: impl Fn(&NodeId) -> u64,
    running: &Plan,
    next: &Plan,
) -> api::Change {
    let (before, after) = (running.by_id(), next.by_id());
    let node = |change: &NodeChange| {
        let (old, new) = (before.get(&change.id).copied(), after.get(&change.id).copied());
        let refusal = refusals.iter().find(|refusal| refusal.node == change.id);
        let remark = remark(change, old, refusal, waiting(&change.id));
        let mut notes: Vec<String> = remark.into_iter().collect();
        notes.extend(topics(old, new));
        api::NodeChange {
            node: change.id.as_str().to_owned(),
            fate: fate(change.fate),
            reasons: change.reasons.clone(),
            notes,
            lost: match change.state {
                Some(State::Lost(what)) => Some(what.to_owned()),
                _ => None,
            },
            waiting: refusal.map(|refusal| refusal.events),
        }
    };
    let nodes = change.nodes.iter().map(node).collect();
    let mut told = api::Change {
        loses: change.loses_state() || !refusals.is_empty(),
        nodes,
        notes: change.dead_letters.iter().map(|name| dead_letter(name, running, next)).collect(),
        errors: Vec::new(),
    };
    let texts = told.nodes.iter_mut().flat_map(|node| node.notes.iter_mut().chain(&mut node.reasons));
    texts.for_each(|text| {
        running.redactor.clean(text);
        next.redactor.clean(text);
    });
    told
}

/// Where the failed events of a pipeline go after the change.
fn dead_letter(pipeline: &str, running: &Plan, next: &Plan) -> String {
    match (running.dead_letter(pipeline), next.dead_letter(pipeline)) {
        (old, new) if old == new => {
            format!("the dead letter file of pipeline `{pipeline}` has other settings")
        }
        (_, Some(sink)) => format!("failed events of pipeline `{pipeline}` go to `{sink}`"),
        (_, None) => format!("failed events of pipeline `{pipeline}` go to its dead letter file"),
    }
}

/// What becomes of the state and the events of a node that ends, and in which `waiting` events wait.
fn remark(
    change: &NodeChange,
    old: Option<&Node>,
    refusal: Option<&Refusal>,
    waiting: u64,
) -> Option<String> {
    if let Some(refusal) = refusal {
        return Some(outcome::refused(refusal));
    }
    Some(match (&change.state, &change.backlog) {
        (Some(State::Inherited(what)), _) => format!("carried over: {what}"),
        (Some(State::Sent(what)), _) => format!("sent on first: {what}"),
        (Some(State::Lost(what)), _) => format!("lost: {what}"),
        (None, Some(backlog)) => {
            let becomes = match backlog {
                Backlog::CarriedOver => "the next version sends the events that wait",
                Backlog::StaysOnDisk => "its disk buffer stays on disk",
                Backlog::Redirected { .. } | Backlog::Abandoned => "it sends the events that wait first",
            };
            match waiting {
                0 => becomes.to_owned(),
                _ => format!("{becomes}: {}", amount(waiting, "event", "events")),
            }
        }
        (None, None) => {
            let ends = matches!(change.fate, Fate::Restart | Fate::Stop);
            old.filter(|old| ends && old.kind == Kind::Source)?;
            "it is stopped first, and what it sent is delivered".to_owned()
        }
    })
}

/// Topics that are used before the change and not after it, or the reverse.
fn topics(old: Option<&Node>, new: Option<&Node>) -> Vec<String> {
    let all = |node: Option<&Node>| -> BTreeSet<String> {
        let facts = node.map(|node| &node.facts);
        facts.into_iter().flat_map(|facts| &facts.channels).map(|channel| channel.address.clone()).collect()
    };
    let (before, after) = (all(old), all(new));
    let gone = before.difference(&after).map(|topic| format!("topic `{topic}` is not used any more"));
    let new = after.difference(&before).map(|topic| format!("topic `{topic}` is new"));
    gone.chain(new).collect()
}

fn fate(fate: Fate) -> api::Fate {
    match fate {
        Fate::Keep => api::Fate::Keep,
        Fate::Rewire => api::Fate::Rewire,
        Fate::Renew => api::Fate::Renew,
        Fate::Move => api::Fate::Move,
        Fate::Inherit => api::Fate::Inherit,
        Fate::Restart => api::Fate::Restart,
        Fate::Start => api::Fate::Start,
        Fate::Stop => api::Fate::Stop,
    }
}

#[cfg(test)]
mod tests {
    use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
    use fieldline_core::Registry;

    use super::*;

    fn text(transform: &str) -> String {
        format!(
            "pipeline: p\nsources:\n  in: {{ type: timer, every: 1s }}\ntransforms:\n  t: {{ inputs: in, {transform} }}\nsinks:\n  out: {{ type: blackhole, inputs: t }}\n"
        )
    }

    fn plan(transform: &str) -> Plan {
        compiled(text(transform))
    }

    fn compiled(text: String) -> Plan {
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
    fn a_sink_that_ends_is_told_with_the_events_that_wait_in_it() {
        let sinks = |host: &str, sink: &str| {
            let text = format!(
                "pipeline: p\nconnections:\n  c: {{ type: mqtt, url: \"mqtt://{host}\", client_id: i }}\nsources:\n  in: {{ type: timer, every: 1s }}\nsinks:\n  {sink}: {{ type: mqtt, inputs: in, connection: c, topic: t }}\n  k: {{ type: blackhole, inputs: in }}\n"
            );
            compiled(text)
        };
        let before = sinks("a", "o");
        let note = |after: &Plan, events: u64| {
            let told = tell(&Change::between(&before, after), &[], |_| events, &before, after);
            let node = told.nodes.into_iter().find(|node| node.node == "p/o").expect("it is there");
            node.notes[0].clone()
        };
        assert_eq!(note(&sinks("b", "o"), 12), "it sends the events that wait first: 12 events");
        assert_eq!(note(&sinks("a", "other"), 1), "it sends the events that wait first: 1 event");
        assert_eq!(note(&sinks("a:1884", "o"), 12), "the next version sends the events that wait: 12 events");
        assert_eq!(note(&sinks("b", "o"), 0), "it sends the events that wait first");
    }

    #[test]
    fn another_dead_letter_is_one_note_for_its_pipeline() {
        let with = |dead_letter: &str| {
            compiled(format!("{}{dead_letter}\n", text("type: script, code: \"this.n = 1\"")))
        };
        let notes = |before: &str, after: &str| preview(&with(before), &with(after)).notes;
        let (none, sink) = ("", "dead_letter: out");
        assert_eq!(notes(none, none), [""; 0]);
        assert_eq!(notes(none, sink), ["failed events of pipeline `p` go to `p/out`"]);
        assert_eq!(notes(sink, none), ["failed events of pipeline `p` go to its dead letter file"]);
        let file = notes(none, "dead_letter: { max_size: 2MiB }");
        assert_eq!(file, ["the dead letter file of pipeline `p` has other settings"]);
    }

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
