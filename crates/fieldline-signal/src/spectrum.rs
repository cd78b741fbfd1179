//! [`Spectrum`]: how the power of a signal is spread over its frequencies; [`Band`]: a part of them.

use crate::sum::Sum;

/// Frequencies from `from`, included, up to `to`, not included, in hertz.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The lowest frequency.
    pub from: f64,
    /// The frequency behind the highest.
    pub to: f64,
}

impl Band {
    /// Whether the frequency lies in the band.
    pub fn contains(self, frequency: f64) -> bool {
        self.from <= frequency && frequency < self.to
    }
}

/// A one-sided power spectrum: all power is at frequencies from 0 to half of the sampling rate.
///
/// The density and the power of a line are what `scipy.signal.welch` calls `scaling="density"` and
/// `scaling="spectrum"`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spectrum {
    /// The distance of two lines, in hertz; the first line is at 0.
    pub resolution: f64,
    /// The width of the band whose noise a line collects, in hertz.
    pub noise_bandwidth: f64,
    /// The power density at each line, in the square of the samples' unit per hertz.
    pub density: Vec<f64>,
}

impl Spectrum {
    /// The frequency of a line, in hertz.
    pub fn frequency(&self, line: usize) -> f64 {
        line as f64 * self.resolution
    }

    /// The power of a line, in the square of the samples' unit: half of the square of its amplitude for a sine.
    pub fn power(&self, line: usize) -> Option<f64> {
        self.density.get(line).map(|density| density * self.noise_bandwidth)
    }

    /// The energy in a band: the mean square of that part of the signal, in the square of the samples' unit.
    pub fn energy(&self, band: Band) -> f64 {
        let lines = self.density.iter().enumerate();
        let inside =
            lines.filter(|(line, _)| band.contains(self.frequency(*line))).map(|(_, density)| *density);
        inside.collect::<Sum>().value() * self.resolution
    }
}
