//! All wording of the compiler, one method per complaint, so that the words can be read and weighed together.

mod control;
mod fields;
mod graph;
pub(crate) mod params;
mod program;
mod text;

/// `name` in backticks, or several: "`a`, `b` or `c`".
fn listed<'n>(names: impl IntoIterator<Item = &'n str>, word: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "none".into(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} {word} {last}", all.join(", ")),
    }
}

/// The usual help for a wrong name.
fn meant(nearest: Option<&str>) -> Option<String> {
    nearest.map(|name| format!("did you mean `{name}`?"))
}
