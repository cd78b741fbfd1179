//! A sink that publishes what a source of the same pipeline, from which it is reached, subscribes to: a loop that
//! never ends, through the broker.

use fieldline_core::FieldPath;

use crate::diagnostics::Diagnostics;
use crate::files::FileSet;
use crate::resolve::{Fields, Resolved};
use crate::spec::PipelineSpec;
use crate::wire::Wiring;

/// Checks the topics of one pipeline.
pub(super) fn check(
    spec: &PipelineSpec,
    resolved: &[Option<Resolved>],
    wiring: &Wiring,
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) {
    let facts = |node: usize| resolved[node].as_ref().map(|resolved| &resolved.facts);
    for sink in 0..spec.nodes.len() {
        let Some(publisher) = facts(sink).filter(|facts| !facts.publishes.is_empty()) else { continue };
        for source in upstream(sink, wiring) {
            let Some(subscriber) = facts(source).filter(|facts| !facts.subscribes.is_empty()) else {
                continue;
            };
            if !same_broker(spec, &publisher.connection, &subscriber.connection) {
                continue;
            }
            for (field, topic) in &publisher.publishes {
                let Some((other, filter)) =
                    subscriber.subscribes.iter().find(|(_, filter)| overlap(topic, filter))
                else {
                    continue;
                };
                let span = Fields::of(&spec.nodes[sink].config, files).value(&spec.nodes[sink], field).0;
                let fed = Fields::of(&spec.nodes[source].config, files).value(&spec.nodes[source], other).0;
                diagnostics.self_feeding_topic(span, topic, &spec.nodes[source].id, filter, fed);
            }
        }
    }
}

/// Every node from which `sink` is reached, itself included.
fn upstream(sink: usize, wiring: &Wiring) -> Vec<usize> {
    let mut seen = vec![false; wiring.inputs.len()];
    let mut next = vec![sink];
    let mut found = Vec::new();
    while let Some(node) = next.pop() {
        if !std::mem::replace(&mut seen[node], true) {
            found.push(node);
            next.extend(wiring.into(node).map(|edge| edge.from));
        }
    }
    found
}

type Named = Option<(FieldPath, String)>;

/// Whether two nodes speak to one broker: through one connection, or through two of one address.
fn same_broker(spec: &PipelineSpec, left: &Named, right: &Named) -> bool {
    let (Some((_, left)), Some((_, right))) = (left, right) else { return false };
    let address = |name: &str| {
        let node = spec.nodes.iter().find(|node| node.id == name)?;
        let key = ["url", "host", "listen"].into_iter().find_map(|key| node.config.get(key))?;
        Some((node.definition.as_ref()?.name, key.as_text()?.to_owned()))
    };
    left == right || address(left).is_some_and(|address_of_left| Some(address_of_left) == address(right))
}

/// Whether some topic matches both filters; `+` and `#` as in MQTT, section 4.7.
fn overlap(left: &str, right: &str) -> bool {
    // A filter that begins with a wildcard does not match a topic that begins with `$`.
    let wild = |filter: &str| filter.starts_with(['+', '#']);
    if (wild(left) && right.starts_with('$')) || (wild(right) && left.starts_with('$')) {
        return false;
    }
    let (mut left, mut right) = (left.split('/'), right.split('/'));
    loop {
        match (left.next(), right.next()) {
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some(one), Some(other)) if one == other || one == "+" || other == "+" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::overlap;

    #[test]
    fn filters_overlap_when_a_topic_matches_both() {
        for (left, right, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/+", true),
            ("a/+/c", "a/b/+", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b/c", false),
            ("+/x", "a/y", false),
            ("#", "$aws/x", false),
            ("$aws/#", "$aws/x", true),
        ] {
            assert_eq!(overlap(left, right), expected, "{left} {right}");
            assert_eq!(overlap(right, left), expected, "{right} {left}");
        }
    }
}
