//! One entry of `with:`: the name of a node, or a map that says how old its latest value may be, and what happens to an
//! event where there is none.

use std::time::Duration;

use fieldline_core::Period;
use fieldline_core::suggest::nearest;

use crate::diagnostics::Diagnostics;
use crate::plan::{Freshness, Missing};
use crate::text::node::{Content, Members, Node};

/// The fields of the map.
const FIELDS: [&str; 4] = ["from", "max_age", "missing", "max_wait"];

/// What `missing` may be.
const RULES: [&str; 3] = ["null", "drop", "wait"];

/// How long an event waits for a value where nothing else is said.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The name of the node that `entry` means, and how fresh its value must be. What is wrong is complained about.
pub(crate) fn read<'n>(entry: &'n Node, diagnostics: &mut Diagnostics) -> Option<(&'n Node, Freshness)> {
    let Content::Map(members) = &entry.content else { return Some((entry, Freshness::default())) };
    for (name, member) in members {
        if !FIELDS.contains(&name.as_str()) {
            let meant = nearest(name, FIELDS);
            diagnostics.unknown_field(member.key, name, "a value of `with`", meant, &FIELDS);
        }
    }
    let max_age = period(members, "max_age", diagnostics);
    let freshness = Freshness { max_age, missing: missing(members, diagnostics) };
    let Some(from) = members.get("from") else {
        diagnostics.missing_field(entry.span, "from", "a value of `with`");
        return None;
    };
    Some((&from.value, freshness))
}

fn missing(members: &Members, diagnostics: &mut Diagnostics) -> Missing {
    let max_wait = period(members, "max_wait", diagnostics);
    let rule = members.get("missing").map(|member| &member.value);
    let missing = match rule.map(|node| (node, &node.content)) {
        None | Some((_, Content::Null)) => Missing::Null,
        Some((_, Content::Text(word, _))) if word == "null" => Missing::Null,
        Some((_, Content::Text(word, _))) if word == "drop" => Missing::Drop,
        Some((_, Content::Text(word, _))) if word == "wait" => Missing::Wait(max_wait.unwrap_or(MAX_WAIT)),
        Some((node, Content::Text(word, _))) => {
            diagnostics.unknown_variant(node.span, Some(node), word, nearest(word, RULES), &RULES);
            return Missing::Null;
        }
        Some((node, _)) => {
            diagnostics.wrong_type(node, "`null`, `drop` or `wait`");
            return Missing::Null;
        }
    };
    if let (Some(member), Missing::Null | Missing::Drop) = (members.get("max_wait"), missing) {
        let message = "`max_wait` belongs to `missing: wait`; take it out, or write `missing: wait`";
        diagnostics.bad_value(&member.value, message);
    }
    missing
}

/// A span of time that is not zero.
fn period(members: &Members, name: &str, diagnostics: &mut Diagnostics) -> Option<Duration> {
    let node = &members.get(name)?.value;
    let Some(text) = node.as_text() else {
        diagnostics.wrong_type(node, "a duration such as `10s`");
        return None;
    };
    match text.parse::<Period>() {
        Ok(Period(Duration::ZERO)) => {
            let message = format!("`{name}` must be more than nothing; write for example `10s`");
            diagnostics.bad_value(node, &message);
            None
        }
        Ok(period) => Some(period.0),
        Err(error) => {
            diagnostics.bad_value(node, &error.to_string());
            None
        }
    }
}
