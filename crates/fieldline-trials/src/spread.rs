//! [`Spread`]: what repeated measurements say, without a mean that one disturbance would spoil.

use std::fmt;

/// The middle of some figures, and how far they go.
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) greatest: f64,
}

impl Spread {
    pub(super) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        Spread {
            median: (at(figures.len().saturating_sub(1) / 2) + at(figures.len() / 2)) / 2.0,
            least: at(0),
            greatest: at(figures.len().saturating_sub(1)),
        }
    }

    /// The middle and how far they go, each with so many digits behind the point.
    pub(super) fn rounded(&self, digits: usize) -> String {
        format!("{:.digits$} ({:.digits$}-{:.digits$})", self.median, self.least, self.greatest)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rounded(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_its_middle_two() {
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).to_string(), "2.50 (1.00-4.00)");
    }
}
