//! Ranges of sequences that were stored once and can't be read any more.

use std::ops::Range;

/// Sorted, disjoint ranges of lost sequences at or after the head of the log.
#[derive(Debug, Default)]
pub(crate) struct Holes {
    ranges: Vec<Range<u64>>,
}

impl Holes {
    /// Adds a range that doesn't overlap a known one; returns how many sequences that adds.
    pub(crate) fn add(&mut self, range: Range<u64>) -> u64 {
        let lost = range.end.saturating_sub(range.start);
        if lost > 0 {
            let at = self.ranges.partition_point(|known| known.start < range.start);
            self.ranges.insert(at, range);
        }
        lost
    }

    /// How many lost sequences lie in `range`.
    pub(crate) fn count(&self, range: &Range<u64>) -> u64 {
        self.ranges
            .iter()
            .map(|hole| hole.end.min(range.end).saturating_sub(hole.start.max(range.start)))
            .sum()
    }

    /// The first sequence at or after `sequence` that isn't in a hole.
    pub(crate) fn skip(&self, sequence: u64) -> u64 {
        self.ranges.iter().fold(sequence, |at, hole| if hole.contains(&at) { hole.end } else { at })
    }

    /// The start of the first hole after `sequence`.
    pub(crate) fn next_start(&self, sequence: u64) -> Option<u64> {
        self.ranges.iter().map(|hole| hole.start).find(|start| *start > sequence)
    }

    /// Forgets what lies before `sequence`.
    pub(crate) fn forget_before(&mut self, sequence: u64) {
        self.ranges.retain(|hole| hole.end > sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjacent_holes_are_skipped_and_counted_as_one() {
        let mut holes = Holes::default();
        assert_eq!(holes.add(10..12), 2);
        assert_eq!(holes.add(5..10), 5);
        assert_eq!(holes.add(7..7), 0);
        assert_eq!(holes.skip(4), 4);
        assert_eq!(holes.skip(6), 12);
        assert_eq!(holes.count(&(8..11)), 3);
        assert_eq!(holes.next_start(4), Some(5));
        holes.forget_before(10);
        assert_eq!(holes.skip(6), 6);
        assert_eq!(holes.skip(10), 12);
    }
}
