//! Tables of `crates/README.md` that are rules.

/// The page with the tables.
pub(super) const README: &str = "crates/README.md";

/// The rows of the table whose first line begins with `header`, each with its line counted from 1; empty where there
/// is no such table.
pub(super) fn rows<'a>(page: &'a str, header: &[&str]) -> Vec<(usize, Vec<&'a str>)> {
    let lines = page.lines().enumerate().map(|(index, line)| (index + 1, cells(line)));
    let table = lines.skip_while(|(_, cells)| !cells.starts_with(header)).skip(2);
    table.take_while(|(_, cells)| !cells.is_empty()).collect()
}

/// The cells of a line, without backticks around them; none where it is no row.
fn cells(line: &str) -> Vec<&str> {
    let Some(inner) = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
        return Vec::new();
    };
    inner.split('|').map(|cell| cell.trim().trim_matches('`')).collect()
}
