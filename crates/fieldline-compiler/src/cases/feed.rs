//! From the `feed:` of a case or step to what goes in, and when.

use std::time::Duration;

use fieldline_core::{FieldPath, Map, Value};

use super::lower::Lowerer;
use super::{Feed, Pace, Recording};
use crate::text::node::{Content, Member, Members, Node};

const FIELDS: [&str; 6] = ["events", "file", "every", "time_field", "repeat", "meta"];

impl Lowerer<'_> {
    /// What goes into each node.
    pub(super) fn feed(&mut self, node: &Node) -> Vec<Feed> {
        let mut feeds = Vec::new();
        for (name, member) in self.map(node).into_iter().flatten() {
            self.node_named(name, member.key);
            feeds.extend(self.feed_of(name, member));
        }
        feeds
    }

    fn feed_of(&mut self, name: &str, member: &Member) -> Option<Feed> {
        let (node, span) = (name.to_owned(), member.key);
        if let Content::List(list) = &member.value.content {
            let events = Recording::Bodies(list.iter().map(Node::to_value).collect());
            return Some(Feed { node, span, events, pace: Pace::AtOnce, repeat: 1, meta: Map::default() });
        }
        if member.value.as_map().is_none() {
            self.diagnostics.wrong_type(&member.value, "a list of events, or `{ file: recording.jsonl }`");
            return None;
        }
        let fields = self.fields(&member.value, "`feed`", &FIELDS)?;
        let events = self.recording(&fields, &member.value)?;
        let repeat = fields.get("repeat").map_or(1, |repeat| self.count(&repeat.value));
        let meta = match fields.get("meta").map(|meta| meta.value.to_value()) {
            Some(Value::Map(meta)) => meta,
            Some(_) => {
                self.diagnostics.wrong_type(&fields["meta"].value, "a map");
                Map::default()
            }
            None => Map::default(),
        };
        Some(Feed { node, span, events, pace: self.pace(&fields), repeat, meta })
    }

    fn recording(&mut self, fields: &Members, node: &Node) -> Option<Recording> {
        match (fields.get("events"), fields.get("file")) {
            (Some(events), None) => match events.value.as_list() {
                Some(list) => Some(Recording::Bodies(list.iter().map(Node::to_value).collect())),
                None => {
                    self.diagnostics.wrong_type(&events.value, "a list of events");
                    None
                }
            },
            (None, Some(file)) => self.path(&file.value).map(Recording::File),
            (Some(_), Some(file)) => {
                self.diagnostics.bad_value(&file.value, "`events` and `file` exclude each other; keep one");
                None
            }
            (None, None) => {
                self.diagnostics.missing_field(node.span, "events", "`feed`");
                None
            }
        }
    }

    fn pace(&mut self, fields: &Members) -> Pace {
        match (fields.get("every"), fields.get("time_field")) {
            (Some(every), None) => match self.duration(&every.value) {
                Duration::ZERO => Pace::AtOnce,
                every => Pace::Every(every),
            },
            (None, Some(field)) => match field.value.as_text().map(FieldPath::parse) {
                Some(Ok(path)) => Pace::Recorded(path),
                _ => {
                    self.diagnostics.wrong_type(&field.value, "the path of a field");
                    Pace::AtOnce
                }
            },
            (Some(_), Some(field)) => {
                let message = "`every` and `time_field` exclude each other; keep one";
                self.diagnostics.bad_value(&field.value, message);
                Pace::AtOnce
            }
            (None, None) => Pace::AtOnce,
        }
    }
}
