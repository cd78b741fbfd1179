//! Calls that have named homes: what starts tasks and threads, and what asks a clock. The homes are the tables in
//! `crates/README.md`, so the page cannot say anything else than what is checked. Tests, examples, and tools of
//! developers are free.

use crate::finding::Finding;
use crate::tidy::code::product_code;
use crate::tidy::paths::mentions;
use crate::tidy::table::{README, rows};
use crate::workspace::SourceFile;

/// Crates that are no part of the product.
const TOOLS: &[&str] = &["crates/fieldline-trials/", "crates/xtask/"];

/// Calls, and the table of the files that may make them.
pub struct Homes {
    /// The first line of the table: this and `Why`.
    header: &'static str,
    calls: &'static [&'static str],
    instead: &'static str,
}

/// Whatever starts something that runs by itself.
pub const STARTS: Homes = Homes {
    header: "Starts tasks or threads",
    calls: &[
        "tokio::spawn",
        "task::spawn",
        "spawn_blocking",
        "spawn_local",
        ".spawn(",
        ".spawn_on(",
        "JoinSet",
        "block_in_place",
        "thread::spawn",
        "thread::scope",
        "thread::Builder",
        "runtime::Builder",
    ],
    instead: "let the runtime's `supervise.rs` start it",
};

/// Whatever finds out what time it is.
pub const CLOCKS: Homes = Homes {
    header: "Asks a clock",
    calls: &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "Utc::now", ".elapsed()"],
    instead: "take the time, or a `Clock`, as an argument",
};

/// Finds calls outside their homes, and homes without a call.
pub fn check(readme: &str, sources: &[SourceFile], homes: &Homes) -> Vec<Finding> {
    let rows = rows(readme, &[homes.header, "Why"]);
    if rows.is_empty() {
        let problem = format!("has no table that begins with `| {} | Why |`", homes.header);
        return vec![Finding::new(README, problem)];
    }
    let mut findings = Vec::new();
    let mut is_home = vec![false; rows.len()];
    let is_tool = |source: &&SourceFile| TOOLS.iter().any(|tool| source.path.starts_with(tool));
    let is_product = |source: &&SourceFile| source.path.contains("/src/") && !is_tool(source);
    for source in sources.iter().filter(is_product) {
        let found = calls(source, homes.calls);
        let home = rows.iter().position(|(_, cells)| is_in(&source.path, cells.first().copied()));
        match home {
            Some(row) => is_home[row] |= !found.is_empty(),
            None => findings.extend(found.into_iter().map(|(line, call)| {
                let (instead, header) = (homes.instead, homes.header);
                let problem = format!(
                    "`{call}` has no home here: {instead}, or add the file to `{header}` in {README}"
                );
                Finding::at(&source.path, line, problem)
            })),
        }
    }
    for ((line, cells), _) in rows.iter().zip(is_home).filter(|(_, is_home)| !is_home) {
        let path = cells.first().copied().unwrap_or_default();
        let problem = format!("`{path}` is no home of `{}` any more: take out its row", homes.header);
        findings.push(Finding::at(README, *line, problem));
    }
    findings
}

/// Whether `path` is the file that `row` names, or is in the folder.
fn is_in(path: &str, row: Option<&str>) -> bool {
    let inside = row.and_then(|row| path.strip_prefix("crates/")?.strip_prefix(row).map(|rest| (row, rest)));
    inside.is_some_and(|(row, rest)| rest.is_empty() || row.ends_with('/'))
}

/// The lines with one of these calls, each with the first of them. Imports of a tree are read part by part.
fn calls(source: &SourceFile, calls: &[&'static str]) -> Vec<(usize, &'static str)> {
    let code = product_code(&source.text);
    let named = |text: &str| calls.iter().find(|call| text.contains(*call)).copied();
    let lines = code.lines().zip(1..).filter_map(|(line, number)| Some((number, named(line)?)));
    let mentions = mentions(&code);
    let imports =
        mentions.iter().filter_map(|mention| Some((mention.line, named(&mention.path.join("::"))?)));
    let mut found: Vec<(usize, &str)> = lines.chain(imports).collect();
    found.sort_unstable();
    found.dedup_by_key(|(line, _)| *line);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "5. All is well:

   | Starts tasks or threads | Why |
   |---|---|
   | `a/src/supervise.rs` | tasks |
   | `a/src/threads/` | threads |

6. So it is.
";

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let homes =
            [("src/supervise.rs", "tokio::spawn(a)"), ("src/threads/one.rs", "std::thread::scope(a)")];
        let file = |(path, text): &(&str, &str)| SourceFile {
            path: format!("crates/a/{path}"),
            text: (*text).to_owned(),
        };
        let sources: Vec<SourceFile> = homes.iter().chain(files).map(file).collect();
        check(PAGE, &sources, &STARTS).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_task_started_outside_its_home_is_found() {
        let wanted = "crates/a/src/a.rs:2: `tokio::spawn` has no home here: let the runtime's `supervise.rs` start \
                      it, or add the file to `Starts tasks or threads` in crates/README.md";
        assert_eq!(found(&[("src/a.rs", "fn a() {\n    tokio::spawn(b());\n}")]), [wanted]);
    }

    #[test]
    fn every_call_is_found_on_its_line() {
        for homes in [STARTS, CLOCKS] {
            for call in homes.calls {
                let source =
                    SourceFile { path: "crates/a/src/a.rs".to_owned(), text: format!("fn a() {{\n b{call}") };
                assert_eq!(calls(&source, homes.calls).len(), 1, "{call}");
            }
        }
    }

    #[test]
    fn an_import_of_a_tree_hides_nothing() {
        for text in ["use tokio::{select, spawn};", "use tokio::{task::{spawn_local as start}};"] {
            assert_eq!(found(&[("src/a.rs", text)]).len(), 1, "{text}");
        }
    }

    #[test]
    fn comments_tests_and_tools_are_free() {
        let text = "// tokio::spawn(a)\n\n#[cfg(test)]\nmod tests {\n    use tokio::spawn;\n}\n";
        let files = [("src/a.rs", text), ("tests/it/a.rs", "JoinSet"), ("examples/a.rs", "JoinSet")];
        assert_eq!(found(&files), [""; 0]);
        let tool = SourceFile { path: "crates/xtask/src/a.rs".to_owned(), text: "JoinSet".to_owned() };
        assert_eq!(check(PAGE, &[tool], &STARTS).len(), 2);
    }

    #[test]
    fn a_home_without_a_call_is_found() {
        let wanted = "crates/README.md:6: `a/src/threads/` is no home of `Starts tasks or threads` any more: take out its row";
        let sources =
            SourceFile { path: "crates/a/src/supervise.rs".to_owned(), text: "tokio::spawn(a)".to_owned() };
        let findings = check(PAGE, &[sources], &STARTS);
        assert_eq!(findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [wanted]);
    }

    #[test]
    fn a_page_without_the_table_is_found() {
        assert_eq!(check("# Page\n", &[], &CLOCKS).len(), 1);
    }
}
