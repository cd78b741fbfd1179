//! From the `expect:` of a case to what must have come out.

use std::time::Duration;

use fieldline_core::condition::Condition;

use super::lower::Lowerer;
use super::{Expectation, Expected, Pattern};
use crate::nodes::fields::Fields;
use crate::text::node::{Content, Node};

impl Lowerer<'_> {
    /// What must have come out, by node and port.
    pub(super) fn expect(&mut self, node: &Node) -> Vec<Expectation> {
        let mut expectations = Vec::new();
        for (name, member) in self.map(node).into_iter().flatten() {
            let (node, port) =
                name.split_once('.').map_or((name.as_str(), None), |(node, port)| (node, Some(port)));
            self.node_named(node, member.key);
            if let Some((events, times)) = self.expected(&member.value) {
                let (node, port) = (node.to_owned(), port.map(str::to_owned));
                expectations.push(Expectation { node, port, span: member.key, events, times });
            }
        }
        expectations
    }

    /// What is expected, and when if that is said.
    fn expected(&mut self, node: &Node) -> Option<(Expected, Vec<Duration>)> {
        let events = match &node.content {
            Content::List(list) => Expected::Patterns(self.patterns(list)),
            Content::Text(word, _) if word == "absent" => Expected::Patterns(Vec::new()),
            Content::Map(fields) if fields.len() == 1 && fields.contains_key("count") => {
                Expected::Count(self.count(&fields["count"].value))
            }
            Content::Map(fields) if fields.len() == 1 && fields.contains_key("file") => {
                Expected::Golden(self.path(&fields["file"].value)?)
            }
            Content::Map(fields) if fields.contains_key("events") => return self.timed(node),
            _ => {
                let wanted = "a list of patterns, `{ count: 3 }`, `{ file: golden.jsonl }` or `absent`";
                self.diagnostics.wrong_type(node, wanted);
                return None;
            }
        };
        Some((events, Vec::new()))
    }

    /// A list of patterns, and the time of each.
    fn timed(&mut self, node: &Node) -> Option<(Expected, Vec<Duration>)> {
        let fields = self.fields(node, "`expect`", &["events", "at"])?;
        let Some(events) = fields["events"].value.as_list() else {
            self.diagnostics.wrong_type(&fields["events"].value, "a list of patterns");
            return None;
        };
        let patterns = Expected::Patterns(self.patterns(events));
        let Some(at) = fields.get("at").map(|member| &member.value) else {
            return Some((patterns, Vec::new()));
        };
        let Some(times) = at.as_list() else {
            self.diagnostics.wrong_type(at, "a list of durations");
            return None;
        };
        if times.len() != events.len() {
            self.diagnostics.bad_value(at, "there must be as many times as events");
        }
        Some((patterns, times.iter().map(|time| self.duration(time)).collect()))
    }

    fn patterns(&mut self, list: &[Node]) -> Vec<Pattern> {
        list.iter().filter_map(|node| self.pattern(node)).collect()
    }

    fn pattern(&mut self, node: &Node) -> Option<Pattern> {
        let value = node.to_value();
        let fields = Fields::of(node, self.files);
        match Condition::pattern_with(&value, &fields) {
            Ok(condition) => Some(Pattern { condition, value, span: node.span }),
            Err(problems) => {
                for problem in &problems {
                    let (span, node) = fields.place(node.span, &problem.place);
                    self.diagnostics.component_problem(span, node, problem);
                }
                None
            }
        }
    }
}
