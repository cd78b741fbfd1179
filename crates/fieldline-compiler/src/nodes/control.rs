//! The `control:` of a node: which node steers it, what that may set, and for how long.

use std::time::Duration;

use fieldline_core::suggest::nearest;
use fieldline_core::{Facts, FieldPath, Period};
use serde::Deserialize;

use crate::diagnostics::Diagnostics;
use crate::nodes::fields::Fields;
use crate::nodes::spec::NodeSpec;
use crate::nodes::typed::read_all;
use crate::text::files::FileSet;
use crate::text::node::Node;

/// The output that every steered node has, with an answer to each command.
pub(crate) const RESPONSE: &str = "response";

/// One input of commands, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// The settings that may be set.
    pub(crate) allow: Vec<&'static str>,
    /// Whether what is set outlives the program.
    pub(crate) persist: bool,
    /// How long what is set holds, and the longest that a command may ask for.
    pub(crate) expires: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    control: Vec<Written>,
}

/// One input as it is written; its `from` is found by [`sources`], with its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[expect(dead_code, reason = "it is only asked for; `sources` has it with its place")]
    from: String,
    allow: Option<Vec<String>>,
    #[serde(default)]
    persist: bool,
    expires: Option<Period>,
}

/// The name of the node that each input of commands comes from, as it is written.
pub(crate) fn sources(spec: &NodeSpec) -> impl Iterator<Item = &Node> {
    let list = spec.control.as_ref().and_then(|control| control.get("control")?.as_list());
    list.unwrap_or_default().iter().filter_map(|block| block.get("from"))
}

/// Reads the inputs of commands of a node, and checks them against the settings it has.
pub(crate) fn read(
    spec: &NodeSpec,
    facts: &Facts,
    files: &FileSet,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Right>> {
    let Some(control) = &spec.control else { return Some(Vec::new()) };
    let cx = Fields::of(control, files);
    let read = |value: &_| fieldline_core::read::read::<Block>(value, &cx);
    let blocks = read_all(spec, control, "`control`", &cx, diagnostics, read)?.control;
    let known: Vec<&'static str> = facts.settings.0.keys().copied().collect();
    if known.is_empty() {
        let component = spec.definition.map_or("", |definition| definition.name);
        diagnostics.no_settings(control.span, spec.kind.word(), component);
        return None;
    }
    let list = FieldPath::root().key("control");
    let mut rights = Vec::with_capacity(blocks.len());
    for (index, block) in blocks.into_iter().enumerate() {
        let place = list.index(index);
        if block.expires.is_some_and(|period| period.0.is_zero()) {
            let node = control.at(&place.key("expires"));
            node.inspect(|node| {
                diagnostics.bad_value(
                    node,
                    "a setting must hold for longer than no time; write for example `expires: 10m`",
                )
            });
        }
        let mut allow = Vec::new();
        for (position, name) in block.allow.iter().flatten().enumerate() {
            match known.iter().find(|setting| *setting == name) {
                Some(setting) => allow.push(*setting),
                None => {
                    let span = cx.value(spec, &place.key("allow").index(position)).0;
                    diagnostics.unknown_setting(span, name, nearest(name, known.iter().copied()), &known);
                }
            }
        }
        if block.allow.is_none() {
            allow.clone_from(&known);
        }
        rights.push(Right { allow, persist: block.persist, expires: block.expires.map(|period| period.0) });
    }
    Some(rights)
}
