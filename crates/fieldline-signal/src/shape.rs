//! [`Shape`]: what a piece of a vibration looks like over time, in a handful of numbers.

use crate::sum::Sum;

/// Numbers over a piece of a signal. Where the formula divides by 0, as for a signal that stands still, there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// The root of the mean square, in the samples' unit.
    pub rms: f64,
    /// The greatest distance from 0, in the samples' unit.
    pub peak: f64,
    /// From the least to the greatest sample, in the samples' unit.
    pub peak_to_peak: f64,
    /// Peak by RMS: 1.41 for a sine, more where there are impacts.
    pub crest_factor: Option<f64>,
    /// The third moment about the mean by the deviation cubed, as `scipy.stats.skew(bias=True)`: 0 if symmetric.
    pub skewness: Option<f64>,
    /// The fourth moment about the mean by the variance squared, as `scipy.stats.kurtosis(fisher=False)`: 3 for
    /// Gaussian noise, 1.5 for a sine, more where there are impacts.
    pub kurtosis: Option<f64>,
    /// How often one sample was below 0 and the next was not, or the other way round.
    pub zero_crossings: usize,
}

impl Shape {
    /// The shape of the samples; `None` of nothing.
    pub fn of(samples: &[f64]) -> Option<Shape> {
        let least = samples.iter().copied().min_by(f64::total_cmp)?;
        let greatest = samples.iter().copied().max_by(f64::total_cmp)?;
        let mean = mean(samples)?;
        let about = |center: f64, power: i32| mean_of(samples, |value| (value - center).powi(power));
        let rms = about(0.0, 2).sqrt();
        let peak = greatest.abs().max(least.abs());
        let variance = about(mean, 2);
        Some(Shape {
            rms,
            peak,
            peak_to_peak: greatest - least,
            crest_factor: (rms > 0.0).then(|| peak / rms),
            skewness: (variance > 0.0).then(|| about(mean, 3) / variance.powf(1.5)),
            kurtosis: (variance > 0.0).then(|| about(mean, 4) / (variance * variance)),
            zero_crossings: samples.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count(),
        })
    }
}

/// The arithmetic mean; `None` of nothing.
pub fn mean(samples: &[f64]) -> Option<f64> {
    (!samples.is_empty()).then(|| mean_of(samples, |value| value))
}

fn mean_of(samples: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    samples.iter().map(|value| term(*value)).collect::<Sum>().value() / samples.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_stands_still_has_no_ratios() {
        let still = Shape::of(&[0.0; 4]).expect("there are samples");
        assert_eq!((still.rms, still.crest_factor, still.kurtosis, still.skewness), (0.0, None, None, None));
        assert_eq!(Shape::of(&[]), None);
    }

    #[test]
    fn a_square_wave_is_its_own_peak() {
        let square = Shape::of(&[2.0, 2.0, -2.0, -2.0, 2.0]).expect("there are samples");
        assert_eq!((square.rms, square.peak, square.peak_to_peak), (2.0, 2.0, 4.0));
        assert_eq!((square.crest_factor, square.zero_crossings), (Some(1.0), 2));
    }
}
