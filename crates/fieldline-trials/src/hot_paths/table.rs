//! The table of counts in `crates/PERFORMANCE.md`: written, and compared with what is counted anew.

use std::fmt;

use super::Counts;

const HEAD: &str = "| Path | Instructions | Allocations |\n|---|---:|---:|\n";

/// By how much of itself a count may differ from the page.
const TOLERANCE: f64 = 0.05;

/// A path that costs something else than the page says.
#[derive(Debug, PartialEq)]
pub struct Deviation {
    path: String,
    known: Option<Counts>,
    counted: Counts,
}

/// The table of `counted`.
pub(super) fn text(counted: &[(String, Counts)]) -> String {
    let row = |(path, counts): &(String, Counts)| {
        format!("| {path} | {:.0} | {:.2} |\n", counts.instructions, counts.allocations)
    };
    HEAD.to_owned() + &counted.iter().map(row).collect::<String>()
}

/// Where `counted` and `table` differ by more than 5 %.
pub(super) fn compare(table: &str, counted: &[(String, Counts)]) -> Vec<Deviation> {
    let known: Vec<(&str, Counts)> = table.lines().filter_map(row).collect();
    let deviation = |(path, counted): &(String, Counts)| {
        let known = known.iter().find(|(name, _)| name == path).map(|(_, counts)| *counts);
        let is_same = known.is_some_and(|known| {
            is_near(known.instructions, counted.instructions)
                && is_near(known.allocations, counted.allocations)
        });
        (!is_same).then(|| Deviation { path: path.clone(), known, counted: *counted })
    };
    counted.iter().filter_map(deviation).collect()
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
        let table = text(&counted(2000.0));
        assert_eq!(compare(&table, &counted(2099.0)), []);
        let deviations = compare(&table, &counted(2101.0));
        assert_eq!(deviations[0].known, Some(Counts { instructions: 2000.0, allocations: 3.0 }));
    }

    #[test]
    fn a_path_that_the_page_does_not_know_is_a_deviation() {
        assert_eq!(compare(HEAD, &counted(1.0))[0].known, None);
    }
}
