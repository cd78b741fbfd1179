//! [`Moments`]: mean and variance in one pass.

/// What a variance is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// By n - 1: the readings are a sample of what could have been read. Unknown of fewer than two.
    #[default]
    Sample,
    /// By n: the readings are all there is.
    Population,
}

/// Count, mean and squared deviations of the numbers so far, by Welford's method (B. P. Welford, 1962), which
/// does not lose the variance of numbers that are large and close together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Adds a number.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// The mean; `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The variance, in the square of the numbers' unit; `None` where there are too few.
    pub fn variance(&self, spread: Spread) -> Option<f64> {
        let divisor = match spread {
            Spread::Sample => self.count.checked_sub(1)?,
            Spread::Population => self.count,
        };
        (divisor > 0).then(|| self.squares / divisor as f64)
    }

    /// The standard deviation, in the numbers' unit; `None` where there are too few.
    pub fn deviation(&self, spread: Spread) -> Option<f64> {
        self.variance(spread).map(f64::sqrt)
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Moments::default();
        values.into_iter().for_each(|value| moments.add(value));
        moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variance_of_large_numbers_close_together_is_kept() {
        let moments: Moments = [1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0].into_iter().collect();
        assert_eq!(moments.variance(Spread::Sample), Some(30.0));
        assert_eq!(moments.variance(Spread::Population), Some(22.5));
    }

    #[test]
    fn too_few_numbers_have_no_spread() {
        let one: Moments = [5.0].into_iter().collect();
        assert_eq!((one.mean(), one.variance(Spread::Sample)), (Some(5.0), None));
        assert_eq!(one.deviation(Spread::Population), Some(0.0));
        assert_eq!(Moments::default().mean(), None);
    }
}
