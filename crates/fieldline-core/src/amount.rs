//! [`amount`]: how many of something, in words.

use std::fmt::Display;

/// `1 event waits`, `2 events wait`: the count before `one` where it is 1, before `many` everywhere else.
///
/// ```
/// # use fieldline_core::amount;
/// assert_eq!(amount(0, "event", "events"), "0 events");
/// assert_eq!(amount(1_u64, "node runs", "nodes run"), "1 node runs");
/// assert_eq!(amount(1.5, "sample", "samples"), "1.5 samples");
/// ```
pub fn amount<N: Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    format!("{count} {}", if count == N::from(1) { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn one_is_told_apart_from_every_other_count() {
        let waiting = |count: u64| amount(count, "event waits", "events wait");
        assert_eq!(waiting(1), "1 event waits");
        assert_eq!(
            [0, 2, 11, 21, 101].map(waiting).join(", "),
            "0 events wait, 2 events wait, 11 events wait, 21 events wait, 101 events wait"
        );
        assert_eq!(amount(1.0, "sample", "samples"), "1 sample");
    }
}
