//! [`Filters`]: topic filters, kept so that those which have a topic in common with another are found fast.

use std::collections::HashMap;

/// Topic filters with a number each; `+` and `#` as in MQTT, section 4.7.
pub(super) struct Filters {
    /// A tree by the levels of the filters; the first is its root.
    levels: Vec<Level>,
}

#[derive(Default)]
struct Level {
    /// What follows, by the text of the level, `+` among them.
    below: HashMap<String, usize>,
    /// Filters that end here.
    end: Vec<usize>,
    /// Filters that go on with `#`.
    any: Vec<usize>,
}

impl Filters {
    pub(super) fn new() -> Self {
        Filters { levels: vec![Level::default()] }
    }

    /// Adds `filter`, to be found as `number`.
    pub(super) fn insert(&mut self, filter: &str, number: usize) {
        let mut at = 0;
        for level in filter.split('/') {
            if level == "#" {
                self.levels[at].any.push(number);
                return;
            }
            let next = self.levels.len();
            at = *self.levels[at].below.entry(level.to_owned()).or_insert(next);
            if at == next {
                self.levels.push(Level::default());
            }
        }
        self.levels[at].end.push(number);
    }

    /// The numbers of all filters that match a topic which `filter` matches too, in order.
    pub(super) fn overlapping(&self, filter: &str) -> Vec<usize> {
        let levels: Vec<&str> = filter.split('/').collect();
        let mut found = Vec::new();
        // Where in the tree, and how many levels of `filter` lie behind.
        let mut next = vec![(0, 0)];
        while let Some((at, depth)) = next.pop() {
            let here = &self.levels[at];
            // A wildcard at the beginning does not match a topic that begins with `$`.
            let hidden = |level: &str| at == 0 && level.starts_with('$');
            if !levels.get(depth).is_some_and(|level| hidden(level)) {
                found.extend(&here.any);
            }
            match levels.get(depth) {
                None => found.extend(&here.end),
                Some(&"#") => {
                    found.extend(&here.end);
                    let below = here.below.iter().filter(|(level, _)| !hidden(level));
                    // The `#` stands for what lies below as well.
                    next.extend(below.map(|(_, below)| (*below, depth)));
                }
                Some(&"+") => {
                    let below = here.below.iter().filter(|(level, _)| !hidden(level));
                    next.extend(below.map(|(_, below)| (*below, depth + 1)));
                }
                Some(level) => {
                    next.extend(here.below.get(*level).map(|below| (*below, depth + 1)));
                    let wild = here.below.get("+").filter(|_| !hidden(level));
                    next.extend(wild.map(|below| (*below, depth + 1)));
                }
            }
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::Filters;

    #[test]
    fn filters_overlap_when_a_topic_matches_both() {
        for (left, right, expected) in [
            ("a/b", "a/b", true),
            ("a/b", "a/+", true),
            ("a/+/c", "a/b/+", true),
            ("+/b", "a/+", true),
            ("a/#", "a", true),
            ("a/#", "a/b/c", true),
            ("a/#", "+/b/#", true),
            ("#", "a/b", true),
            ("a/b", "a/b/c", false),
            ("a/+", "a/b/c", false),
            ("+/x", "a/y", false),
            ("a/#", "b/#", false),
            ("#", "$aws/x", false),
            ("+/x", "$aws/x", false),
            ("$aws/#", "$aws/x", true),
            ("$aws/+", "$aws/x", true),
        ] {
            for (one, other) in [(left, right), (right, left)] {
                let mut filters = Filters::new();
                filters.insert("something/else", 1);
                filters.insert(one, 7);
                assert_eq!(filters.overlapping(other).contains(&7), expected, "{one} {other}");
            }
        }
    }
}
