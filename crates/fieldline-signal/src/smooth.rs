//! [`Smoother`]: takes the noise out of readings, one at a time.

use std::collections::VecDeque;

use crate::rank::median;
use crate::sum::Sum;

/// How readings are smoothed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The mean of the last so many readings, at least one.
    Mean(usize),
    /// The median of the last so many readings, at least one.
    Median(usize),
    /// `weight` of the new reading and the rest of the result before; 0 < `weight` <= 1.
    Exponential {
        /// The weight of the new reading.
        weight: f64,
    },
    /// A Kalman filter for one value that wanders (a random walk). Both variances are in the square of the
    /// readings' unit and greater than 0.
    Kalman {
        /// How much the true value may wander from one reading to the next, as a variance.
        process: f64,
        /// How noisy a reading is, as a variance.
        measurement: f64,
    },
}

/// A method and what it remembers.
#[derive(Clone, Debug)]
pub struct Smoother {
    method: Method,
    recent: VecDeque<f64>,
    estimate: Option<Estimate>,
}

#[derive(Clone, Copy, Debug)]
struct Estimate {
    value: f64,
    variance: f64,
}

impl Smoother {
    /// A smoother that has seen nothing.
    pub fn new(method: Method) -> Self {
        Smoother { method, recent: VecDeque::new(), estimate: None }
    }

    /// Goes on with the `numbers` of another smoother of the same method; `None` if they cannot be such.
    pub fn with_numbers(method: Method, numbers: &[f64]) -> Option<Self> {
        let smoother = Smoother::new(method);
        match (method, numbers) {
            (Method::Mean(_) | Method::Median(_), readings) => {
                Some(Smoother { recent: readings.iter().copied().collect(), ..smoother })
            }
            (_, []) => Some(smoother),
            (_, &[value, variance]) => {
                Some(Smoother { estimate: Some(Estimate { value, variance }), ..smoother })
            }
            _ => None,
        }
    }

    /// What it remembers: the readings of a window, oldest first, or an estimate and its variance.
    pub fn numbers(&self) -> Vec<f64> {
        let estimate = self.estimate.iter().flat_map(|estimate| [estimate.value, estimate.variance]);
        self.recent.iter().copied().chain(estimate).collect()
    }

    /// Takes the next reading, which must be finite, and gives the smoothed value. The first reading comes out
    /// as it is; windows give what they have before they are full.
    pub fn smooth(&mut self, reading: f64) -> f64 {
        match self.method {
            Method::Mean(length) => {
                self.remember(reading, length);
                self.recent.iter().copied().collect::<Sum>().value() / self.recent.len() as f64
            }
            Method::Median(length) => {
                self.remember(reading, length);
                median(self.recent.iter().copied()).unwrap_or(reading)
            }
            Method::Exponential { weight } => self.follow(reading, |_| (weight, 0.0)),
            Method::Kalman { process, measurement } => self.follow(reading, |variance| {
                let predicted = variance + process;
                let gain = predicted / (predicted + measurement);
                (gain, (1.0 - gain) * predicted)
            }),
        }
    }

    fn remember(&mut self, reading: f64, length: usize) {
        while self.recent.len() >= length.max(1) {
            self.recent.pop_front();
        }
        self.recent.push_back(reading);
    }

    /// Moves the estimate towards the reading by a gain, which `step` gives with the variance that is left.
    fn follow(&mut self, reading: f64, step: impl FnOnce(f64) -> (f64, f64)) -> f64 {
        let estimate = match (self.estimate, self.method) {
            (None, Method::Kalman { measurement, .. }) => Estimate { value: reading, variance: measurement },
            (None, _) => Estimate { value: reading, variance: 0.0 },
            (Some(before), _) => {
                let (gain, variance) = step(before.variance);
                Estimate { value: before.value + gain * (reading - before.value), variance }
            }
        };
        self.estimate = Some(estimate);
        estimate.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smoothed(method: Method, readings: &[f64]) -> Vec<f64> {
        let mut smoother = Smoother::new(method);
        readings.iter().map(|reading| smoother.smooth(*reading)).collect()
    }

    #[test]
    fn windows_give_what_they_have_before_they_are_full() {
        assert_eq!(smoothed(Method::Mean(2), &[1.0, 3.0, 5.0]), [1.0, 2.0, 4.0]);
        assert_eq!(smoothed(Method::Median(3), &[1.0, 90.0, 2.0, 3.0]), [1.0, 45.5, 2.0, 3.0]);
    }

    #[test]
    fn the_exponential_mean_goes_a_share_of_the_way() {
        assert_eq!(smoothed(Method::Exponential { weight: 0.5 }, &[0.0, 8.0, 8.0]), [0.0, 4.0, 6.0]);
    }

    #[test]
    fn the_kalman_filter_is_the_running_mean_of_a_value_that_stands_still() {
        let readings = [4.0, 8.0, 6.0, 2.0];
        let result = smoothed(Method::Kalman { process: 0.0, measurement: 1.0 }, &readings);
        for (count, value) in (1..).zip(result) {
            let mean = readings[..count].iter().sum::<f64>() / count as f64;
            assert!((value - mean).abs() < 1e-12, "{value} {mean}");
        }
    }
}
