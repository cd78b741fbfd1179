//! `cargo xtask new`: one file and two lines, which is all a component takes. What comes out compiles and keeps
//! the contract of components; what it does is then yours to write.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::files::{read_text, write_text};

/// What can be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentKind {
    /// Where events come from.
    Source,
    /// What works on events.
    Transform,
    /// Where events go.
    Sink,
}

impl ComponentKind {
    /// Reads `source`, `transform` or `sink`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Source, Self::Transform, Self::Sink].into_iter().find(|kind| kind.to_string() == text)
    }

    fn folder(self) -> String {
        format!("{self}s")
    }

    fn template(self) -> &'static str {
        match self {
            ComponentKind::Source => include_str!("source.txt"),
            ComponentKind::Transform => include_str!("transform.txt"),
            ComponentKind::Sink => include_str!("sink.txt"),
        }
    }
}

impl fmt::Display for ComponentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ComponentKind::Source => "source",
            ComponentKind::Transform => "transform",
            ComponentKind::Sink => "sink",
        })
    }
}

/// Writes the component's file and registers it, in the tree under `root`. Returns the files written, relative to
/// `root`. Fails without writing when the name is no snake_case word or is taken.
pub fn create(root: &Path, kind: ComponentKind, name: &str) -> anyhow::Result<Vec<PathBuf>> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts_well || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        bail!("`{name}` is no name: use small letters, digits and `_`, such as `moving_average`");
    }
    let folder = Path::new("crates/fieldline-components/src").join(kind.folder());
    let (file, list) = (folder.join(format!("{name}.rs")), folder.join("mod.rs"));
    if root.join(&file).exists() || root.join(&folder).join(name).exists() {
        bail!("`{}` is there already", file.display());
    }
    let registered = register(&read_text(&root.join(&list))?, name)
        .with_context(|| format!("`{}` has no list of `mod` lines and definitions", list.display()))?;
    write_text(&root.join(&file), &component(kind, name))?;
    write_text(&root.join(&list), &registered)?;
    Ok(vec![file, list])
}

fn component(kind: ComponentKind, name: &str) -> String {
    kind.template().replace("@name@", name).replace("@Name@", &type_name(name))
}

/// `moving_average` is the type `MovingAverage`.
fn type_name(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    name.split('_').map(capital).collect()
}

/// Adds the two lines to the `mod.rs` of a folder of components, each in its alphabetical place.
fn register(list: &str, name: &str) -> Option<String> {
    let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
    insert_sorted(&mut lines, "mod ", format!("mod {name};"))?;
    let definition = format!("    Definition::of::<{name}::{}Config>(),", type_name(name));
    insert_sorted(&mut lines, "    Definition::of::<", definition)?;
    Some(lines.join("\n") + "\n")
}

/// Puts `line` among the lines that begin with `prefix`; attributes stay with the line below them.
fn insert_sorted(lines: &mut Vec<String>, prefix: &str, line: String) -> Option<()> {
    let last = lines.iter().rposition(|other| other.starts_with(prefix))?;
    let mut place =
        lines.iter().position(|other| other.starts_with(prefix) && *other > line).unwrap_or(last + 1);
    while place > 0 && lines[place - 1].trim_start().starts_with("#[") {
        place -= 1;
    }
    lines.insert(place, line);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
//! What works on events.

mod filter;
#[cfg(feature = \"script\")]
mod script;

/// Every transform.
pub(crate) const ALL: &[Definition] = &[
    Definition::of::<filter::FilterConfig>(),
    #[cfg(feature = \"script\")]
    Definition::of::<script::ScriptConfig>(),
];
";

    fn place_of(name: &str) -> (Option<usize>, Option<usize>) {
        let registered = register(LIST, name).expect("the list has both parts");
        let place = |start: String| registered.lines().position(|line| line.starts_with(&start));
        (place(format!("mod {name};")), place(format!("    Definition::of::<{name}::")))
    }

    #[test]
    fn both_lines_are_in_alphabetical_order_and_attributes_stay_where_they_belong() {
        assert_eq!(place_of("average"), (Some(2), Some(9)));
        assert_eq!(place_of("map"), (Some(3), Some(10)));
        assert_eq!(place_of("throttle"), (Some(5), Some(12)));
    }

    #[test]
    fn a_list_that_is_none_is_left_alone() {
        assert_eq!(register("//! Nothing yet.\n", "map"), None);
    }

    #[test]
    fn a_type_is_named_after_its_component() {
        assert_eq!(type_name("moving_average"), "MovingAverage");
        assert_eq!(type_name("bme680"), "Bme680");
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        assert_eq!(ComponentKind::parse("sink"), Some(ComponentKind::Sink));
        assert_eq!(ComponentKind::parse("sinks"), None);
    }
}
