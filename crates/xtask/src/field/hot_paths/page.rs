//! [`Page`]: the table of counts in `crates/PERFORMANCE.md`, read, compared and written anew.

use std::fmt;

use anyhow::{Context, Result};

use super::Counts;

const BEGIN: &str = "<!-- counts: written by `UPDATE=1 cargo xtask instructions` -->\n";
const END: &str = "<!-- end of counts -->";
const HEAD: &str = "| Path | Instructions | Allocations |\n|---|---:|---:|\n";

/// By how much of itself a count may differ from the page.
const TOLERANCE: f64 = 0.05;

/// The text of the page.
pub(super) struct Page(pub(super) String);

/// A path that costs something else than the page says.
#[derive(Debug, PartialEq)]
pub struct Deviation {
    path: String,
    known: Option<Counts>,
    counted: Counts,
}

impl Page {
    /// Where `counted` and the page differ by more than 5 %.
    pub(super) fn compare(&self, counted: &[(String, Counts)]) -> Result<Vec<Deviation>> {
        let (_, table, _) = self.parts()?;
        let known: Vec<(&str, Counts)> = table.lines().filter_map(row).collect();
        let deviation = |(path, counted): &(String, Counts)| {
            let known = known.iter().find(|(name, _)| name == path).map(|(_, counts)| *counts);
            let is_same = known.is_some_and(|known| {
                is_near(known.instructions, counted.instructions)
                    && is_near(known.allocations, counted.allocations)
            });
            (!is_same).then(|| Deviation { path: path.clone(), known, counted: *counted })
        };
        Ok(counted.iter().filter_map(deviation).collect())
    }

    /// The page with `counted` in the place of what it says.
    pub(super) fn with(&self, counted: &[(String, Counts)]) -> Result<String> {
        let (before, _, after) = self.parts()?;
        let rows: String = counted
            .iter()
            .map(|(path, counts)| {
                format!("| {path} | {:.0} | {:.2} |\n", counts.instructions, counts.allocations)
            })
            .collect();
        Ok(format!("{before}{BEGIN}{HEAD}{rows}{END}{after}"))
    }

    fn parts(&self) -> Result<(&str, &str, &str)> {
        let (before, rest) = self.0.split_once(BEGIN).context("the page has no table of counts")?;
        let (table, after) = rest.split_once(END).context("the table of counts has no end")?;
        Ok((before, table, after))
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { instructions, allocations } = self.counted;
        write!(
            f,
            "{}: {instructions:.0} instructions and {allocations:.2} allocations per event, ",
            self.path
        )?;
        match self.known {
            Some(known) => write!(f, "known are {:.0} and {:.2}", known.instructions, known.allocations),
            None => write!(f, "which the page does not know"),
        }
    }
}

fn row(line: &str) -> Option<(&str, Counts)> {
    let mut cells = line.trim_matches('|').split('|').map(str::trim);
    let path = cells.next()?;
    let (instructions, allocations) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
    Some((path, Counts { instructions, allocations }))
}

/// A twentieth of an allocation per event is what the growth of some vector makes.
fn is_near(known: f64, counted: f64) -> bool {
    (counted - known).abs() <= (known * TOLERANCE).max(0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(instructions: f64) -> Vec<(String, Counts)> {
        vec![("JSON decode".to_owned(), Counts { instructions, allocations: 3.0 })]
    }

    #[test]
    fn what_was_written_is_read_again_and_a_deviation_is_seen() {
        let page = Page(format!("before\n{BEGIN}old{END}\nafter\n"));
        let page = Page(page.with(&counted(2000.0)).expect("it has a table"));
        assert!(page.0.starts_with("before\n") && page.0.ends_with("\nafter\n"));
        assert_eq!(page.compare(&counted(2099.0)).expect("it has a table"), []);
        let deviations = page.compare(&counted(2101.0)).expect("it has a table");
        assert_eq!(deviations[0].known, Some(Counts { instructions: 2000.0, allocations: 3.0 }));
    }

    #[test]
    fn a_path_that_the_page_does_not_know_is_a_deviation() {
        let page = Page(format!("{BEGIN}{HEAD}{END}"));
        assert_eq!(page.compare(&counted(1.0)).expect("it has a table")[0].known, None);
    }
}
