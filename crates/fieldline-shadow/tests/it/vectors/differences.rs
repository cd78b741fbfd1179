//! Where this crate follows AWS and a peer does something else: the table in `DIFFERENCES.md`.

const TABLE: &str = include_str!("../../../DIFFERENCES.md");

/// What differs in the vector `name`, and nothing else may: the part of each mismatch before the colon.
pub(super) fn stated(name: &str) -> Option<Vec<&'static str>> {
    rows().find(|row| row.name == name).map(|row| row.subjects)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    rows().map(|row| row.name)
}

struct Row {
    name: &'static str,
    subjects: Vec<&'static str>,
}

/// The rows whose first cell is a name in backticks: all but the head of the table.
fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.trim_end_matches('`');
        let subjects = cells.next()?.split(", ").map(|subject| subject.trim_matches('`')).collect();
        Some(Row { name, subjects })
    })
}

/// Why an operation of the vectors is not run.
pub(super) fn out_of_scope(operation: &str) -> Option<&'static str> {
    (operation.starts_with("sync.") && operation != "sync.merge3")
        .then_some("when to synchronise with a cloud is the gateway's, not the document's or the service's")
}
