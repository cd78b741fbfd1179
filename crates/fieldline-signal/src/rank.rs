//! What follows from the order of the values or from how often they occur: median, percentiles, mode.

use std::collections::HashMap;
use std::hash::Hash;

/// The value below which `percent` of the values lie, between two of them by linear interpolation
/// (Hyndman and Fan's type 7, which NumPy takes by default); `None` of nothing. `percent` is brought into 0 to 100.
pub fn percentile(values: impl IntoIterator<Item = f64>, percent: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    let last = values.len().checked_sub(1)?;
    let place = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
    let below = (place.floor() as usize).min(last);
    let (_, lower, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let lower = *lower;
    let upper = rest.iter().copied().min_by(f64::total_cmp).unwrap_or(lower);
    let share = place - below as f64;
    Some(lower * (1.0 - share) + upper * share)
}

/// The middle value, or the mean of the two in the middle; `None` of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    percentile(values, 50.0)
}

/// The item whose key occurs most often; of several the one that occurred first. `None` of nothing.
pub fn mode<K: Eq + Hash, T>(items: impl IntoIterator<Item = (K, T)>) -> Option<T> {
    let mut counts: HashMap<K, (usize, usize, T)> = HashMap::new();
    for (position, (key, item)) in items.into_iter().enumerate() {
        counts.entry(key).or_insert((0, position, item)).0 += 1;
    }
    let most = counts.into_values().max_by_key(|(count, position, _)| (*count, usize::MAX - position));
    most.map(|(_, _, item)| item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_between_its_neighbours() {
        assert_eq!(percentile([4.0, 1.0, 3.0, 2.0], 50.0), Some(2.5));
        assert_eq!(percentile([4.0, 1.0, 3.0, 2.0], 100.0), Some(4.0));
        assert_eq!(percentile([10.0, 20.0], 25.0), Some(12.5));
        assert_eq!(percentile([], 50.0), None);
    }

    #[test]
    fn of_equally_frequent_values_the_first_is_the_mode() {
        assert_eq!(mode(["a", "b", "b", "a"].map(|text| (text, text))), Some("a"));
        assert_eq!(mode(["a", "b", "b"].map(|text| (text, text))), Some("b"));
    }
}
