//! [`OutlierDetector`]: tells readings that do not fit to those before them.

use std::collections::VecDeque;

use crate::moments::{Moments, Spread};
use crate::rank::median;

/// The factor that makes a median absolute deviation comparable with a standard deviation of normally
/// distributed readings: 1 over the 75 % quantile of the normal distribution.
const NORMAL: f64 = 1.482_602_218_505_602;

/// What a reading is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The median of the readings before it, in median absolute deviations scaled by 1.4826 (F. R. Hampel, 1974). One wild
    /// reading among them does not move it.
    Hampel,
    /// The mean of the readings before it, in standard deviations.
    ZScore,
}

/// A rule, and the readings it remembers.
#[derive(Clone, Debug)]
pub struct OutlierDetector {
    rule: Rule,
    length: usize,
    limit: f64,
    tolerance: f64,
    recent: VecDeque<f64>,
}

impl OutlierDetector {
    /// Compares with the `length` readings before (at least 2); an outlier is further than `limit` deviations off,
    /// and further than `tolerance` in the readings' unit.
    pub fn new(rule: Rule, length: usize, limit: f64, tolerance: f64) -> Self {
        OutlierDetector { rule, length: length.max(2), limit, tolerance, recent: VecDeque::new() }
    }

    /// The same detector, which has seen these readings, oldest first.
    #[must_use]
    pub fn with_readings(self, readings: &[f64]) -> Self {
        let surplus = readings.len().saturating_sub(self.length);
        OutlierDetector { recent: readings[surplus..].iter().copied().collect(), ..self }
    }

    /// The readings that it compares with, oldest first.
    pub fn readings(&self) -> impl Iterator<Item = f64> {
        self.recent.iter().copied()
    }

    /// Whether `reading` is an outlier. It is remembered either way, so that a lasting change of level is
    /// accepted in time; nothing is an outlier before enough readings were seen.
    pub fn is_outlier(&mut self, reading: f64) -> bool {
        let full = self.recent.len() == self.length;
        let outlier = full
            && self.centre_and_deviation().is_some_and(|(centre, deviation)| {
                let distance = (reading - centre).abs();
                distance > self.limit * deviation && distance > self.tolerance
            });
        if full {
            self.recent.pop_front();
        }
        self.recent.push_back(reading);
        outlier
    }

    fn centre_and_deviation(&self) -> Option<(f64, f64)> {
        let readings = || self.recent.iter().copied();
        match self.rule {
            Rule::Hampel => {
                let centre = median(readings())?;
                let deviation = median(readings().map(|reading| (reading - centre).abs()))?;
                Some((centre, NORMAL * deviation))
            }
            Rule::ZScore => {
                let moments: Moments = readings().collect();
                Some((moments.mean()?, moments.deviation(Spread::Sample)?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outliers(rule: Rule, tolerance: f64, readings: &[f64]) -> Vec<usize> {
        let mut detector = OutlierDetector::new(rule, 5, 3.0, tolerance);
        (0..readings.len()).filter(|place| detector.is_outlier(readings[*place])).collect()
    }

    #[test]
    fn a_spike_is_found_and_the_readings_after_it_are_not() {
        let readings = [1.0, 2.0, 1.0, 2.0, 1.0, 90.0, 2.0, 1.0, 2.0];
        assert_eq!(outliers(Rule::Hampel, 0.0, &readings), [5]);
        assert_eq!(outliers(Rule::ZScore, 0.0, &readings), [5]);
    }

    #[test]
    fn a_second_spike_hides_behind_the_first_from_the_z_score_only() {
        let readings = [1.0, 2.0, 1.0, 2.0, 1.0, 90.0, 80.0];
        assert_eq!(outliers(Rule::Hampel, 0.0, &readings), [5, 6]);
        assert_eq!(outliers(Rule::ZScore, 0.0, &readings), [5]);
    }

    #[test]
    fn a_step_of_a_coarse_sensor_is_tolerated() {
        let readings = [20.0, 20.0, 20.0, 20.0, 20.0, 20.5];
        assert_eq!(outliers(Rule::Hampel, 0.0, &readings), [5]);
        assert_eq!(outliers(Rule::Hampel, 0.5, &readings), [] as [usize; 0]);
    }
}
