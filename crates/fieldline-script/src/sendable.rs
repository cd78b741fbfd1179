//! What of a script's values an event can hold. What JSON cannot say is an error that names the field.

use compact_str::{CompactString, ToCompactString, format_compact};
use rhai::Dynamic;

/// Lists and maps inside each other that leave a script; deeper ones end in an error.
const MAX_DEPTH: usize = 128;

/// A value that cannot leave the script.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unsendable {
    /// Where it is, innermost name first.
    reversed_path: Vec<CompactString>,
    /// What is wrong with it, as in `is …`.
    pub(crate) what: &'static str,
}

impl Unsendable {
    /// The path of the value under `root`, such as `this.list[2].name`.
    pub(crate) fn path(&self, root: &str) -> String {
        let mut path = root.to_owned();
        for name in self.reversed_path.iter().rev() {
            if !name.starts_with('[') {
                path.push('.');
            }
            path.push_str(name);
        }
        path
    }

    fn inside(mut self, name: CompactString) -> Self {
        self.reversed_path.push(name);
        self
    }
}

/// Makes sure that an event can hold `value`.
pub(crate) fn check(value: &Dynamic) -> Result<(), Unsendable> {
    check_within(value, MAX_DEPTH)
}

/// The questions are asked in the order of how often the answer is yes; the accessors that say no make up a message.
fn check_within(value: &Dynamic, depth: usize) -> Result<(), Unsendable> {
    if value.is_float() {
        return match value.as_float() {
            Ok(number) if number.is_nan() => refuse("not a number (`sqrt(-1.0)`, say)"),
            Ok(number) if number.is_infinite() => refuse("infinite"),
            _ => Ok(()),
        };
    }
    if value.is_int() || value.is_string() || value.is_bool() || value.is_unit() {
        return Ok(());
    }
    let is_map = value.is_map();
    if is_map || value.is_array() {
        let Some(depth) = depth.checked_sub(1) else { return refuse("nested too deeply") };
        return if is_map { check_map(value, depth) } else { check_array(value, depth) };
    }
    if value.is_blob() || value.is_char() {
        return Ok(());
    }
    refuse(if value.is_fnptr() { "a function" } else { "of a kind that no event can hold" })
}

fn check_map(value: &Dynamic, depth: usize) -> Result<(), Unsendable> {
    let Ok(map) = value.as_map_ref() else { return Ok(()) };
    map.iter().try_for_each(|(name, member)| {
        check_within(member, depth).map_err(|error| error.inside(name.to_compact_string()))
    })
}

fn check_array(value: &Dynamic, depth: usize) -> Result<(), Unsendable> {
    let Ok(list) = value.as_array_ref() else { return Ok(()) };
    list.iter().enumerate().try_for_each(|(index, element)| {
        check_within(element, depth).map_err(|error| error.inside(format_compact!("[{index}]")))
    })
}

fn refuse(what: &'static str) -> Result<(), Unsendable> {
    Err(Unsendable { reversed_path: Vec::new(), what })
}
