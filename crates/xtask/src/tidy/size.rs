//! No file grows beyond what one reads in one go. Tests at the end of a file do not count.

use crate::finding::Finding;
use crate::workspace::SourceFile;

const MOST_LINES: usize = 400;
const MOST_LINES_OF_TESTS: usize = 600;

/// Files that may be longer, with the lines they may have. The list only shrinks: a number above what the file
/// has is a finding.
pub const EXCEPTIONS: &[(&str, usize)] = &[];

/// Finds files that are too long, and exceptions that are no longer needed.
pub fn check(sources: &[SourceFile], exceptions: &[(&str, usize)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = product_lines(source);
        let cap = if source.is_test() { MOST_LINES_OF_TESTS } else { MOST_LINES };
        match exceptions.iter().find(|(path, _)| *path == source.path) {
            None if lines > cap => {
                findings
                    .push(Finding::new(&source.path, format!("{lines} lines, {cap} are enough: split it")));
            }
            Some((_, most)) if lines > *most => {
                findings
                    .push(Finding::new(&source.path, format!("grew from {most} lines to {lines}: split it")));
            }
            Some((_, most)) if lines <= cap || lines < *most => {
                findings.push(Finding::new(&source.path, format!("has {lines} lines: lower its exception")));
            }
            _ => {}
        }
    }
    for (path, _) in exceptions.iter().filter(|(path, _)| sources.iter().all(|source| source.path != *path)) {
        findings.push(Finding::new(*path, "is gone: take out its exception"));
    }
    findings
}

/// How long the files of the product are, in one line.
pub fn summary(sources: &[SourceFile]) -> String {
    let mut lines: Vec<usize> =
        sources.iter().filter(|source| !source.is_test()).map(product_lines).collect();
    lines.sort_unstable();
    let at = |percent: usize| lines.get(lines.len().saturating_sub(1) * percent / 100).copied().unwrap_or(0);
    format!(
        "{} product files: median {} lines, 90 % up to {}, longest {}",
        lines.len(),
        at(50),
        at(90),
        at(100)
    )
}

fn product_lines(source: &SourceFile) -> usize {
    source.product().trim_end().lines().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, lines: usize) -> SourceFile {
        SourceFile { path: path.to_owned(), text: "x\n".repeat(lines) }
    }

    fn found(file: SourceFile, exceptions: &[(&str, usize)]) -> Vec<String> {
        check(&[file], exceptions).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_at_the_cap_passes_and_one_line_more_does_not() {
        assert_eq!(found(file("a/src/a.rs", 400), &[]), [""; 0]);
        assert_eq!(found(file("a/src/a.rs", 401), &[]), ["a/src/a.rs: 401 lines, 400 are enough: split it"]);
    }

    #[test]
    fn tests_may_be_longer() {
        assert_eq!(found(file("a/tests/it/a.rs", 600), &[]), [""; 0]);
        assert_eq!(found(file("a/tests/it/a.rs", 601), &[]).len(), 1);
    }

    #[test]
    fn tests_at_the_end_of_a_file_do_not_count() {
        let tests = format!("\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    x\n".repeat(100));
        let text = "x\n".repeat(399) + &tests;
        assert_eq!(found(SourceFile { path: "a/src/a.rs".to_owned(), text }, &[]), [""; 0]);
    }

    #[test]
    fn an_exception_holds_exactly_what_the_file_has() {
        let exceptions = [("a/src/a.rs", 450)];
        assert_eq!(found(file("a/src/a.rs", 450), &exceptions), [""; 0]);
        assert_eq!(
            found(file("a/src/a.rs", 451), &exceptions),
            ["a/src/a.rs: grew from 450 lines to 451: split it"]
        );
        assert_eq!(
            found(file("a/src/a.rs", 449), &exceptions),
            ["a/src/a.rs: has 449 lines: lower its exception"]
        );
        assert_eq!(
            found(file("a/src/b.rs", 1), &exceptions),
            ["a/src/a.rs: is gone: take out its exception"]
        );
    }

    #[test]
    fn the_summary_is_over_product_files() {
        let files = [
            file("a/src/a.rs", 10),
            file("a/src/b.rs", 20),
            file("a/src/c.rs", 60),
            file("a/tests/it/d.rs", 500),
        ];
        assert_eq!(summary(&files), "3 product files: median 20 lines, 90 % up to 20, longest 60");
    }
}
