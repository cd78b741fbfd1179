//! [`Welch`]: the spectrum of a signal as the mean of the spectra of pieces that overlap (P. D. Welch, 1967).
//!
//! It gives what `scipy.signal.welch` gives with `detrend="constant"`. The plan of the transform and all buffers are
//! kept as long as the pieces stay of one length.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftDirection};

use crate::fourier;
use crate::shape::mean;
use crate::spectrum::Spectrum;
use crate::window_function::WindowFunction;

/// Estimates one spectrum after the other.
pub struct Welch {
    window: WindowFunction,
    segment: usize,
    overlap: f64,
    plan: Option<Plan>,
}

/// What depends on the length of the pieces.
struct Plan {
    weights: Vec<f64>,
    transform: Arc<dyn Fft<f64>>,
    /// A piece, and then its lines.
    lines: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    spectrum: Spectrum,
}

impl Welch {
    /// Pieces of `segment` samples, of which the share `overlap`, from 0 to less than 1, is also in the next piece.
    pub fn new(window: WindowFunction, segment: usize, overlap: f64) -> Self {
        Welch { window, segment, overlap, plan: None }
    }

    /// The spectrum of samples taken `rate` times a second; `None` of fewer than two. A signal shorter than a
    /// piece is one piece; samples at the end that do not fill a piece are not looked at.
    pub fn estimate(&mut self, samples: &[f64], rate: f64) -> Option<&Spectrum> {
        let length = self.segment.min(samples.len());
        if length < 2 {
            return None;
        }
        let plan = match self.plan.take() {
            Some(plan) if plan.lines.len() == length => plan,
            _ => Plan::new(self.window, length),
        };
        let plan = self.plan.insert(plan);
        let step = length - ((length as f64 * self.overlap) as usize).min(length - 1);
        plan.begin(rate);
        let mut pieces = 0;
        for piece in samples.windows(length).step_by(step) {
            plan.add(piece);
            pieces += 1;
        }
        plan.scale(pieces, rate);
        Some(&plan.spectrum)
    }
}

impl Plan {
    fn new(window: WindowFunction, length: usize) -> Self {
        let transform = fourier::plan(length, FftDirection::Forward);
        // The lines above half of the rate are those below it, mirrored.
        let spectrum = Spectrum { density: vec![0.0; length / 2 + 1], ..Spectrum::default() };
        Plan {
            weights: window.weights(length),
            lines: vec![Complex::default(); length],
            scratch: vec![Complex::default(); transform.get_inplace_scratch_len()],
            transform,
            spectrum,
        }
    }

    fn begin(&mut self, rate: f64) {
        let sum: f64 = self.weights.iter().sum();
        self.spectrum.resolution = rate / self.lines.len() as f64;
        self.spectrum.noise_bandwidth = rate * self.weight_squares() / (sum * sum);
        self.spectrum.density.fill(0.0);
    }

    /// Adds the squared magnitudes of a piece.
    fn add(&mut self, samples: &[f64]) {
        let mean = mean(samples).unwrap_or(0.0);
        for ((place, sample), weight) in self.lines.iter_mut().zip(samples).zip(&self.weights) {
            *place = Complex::from((sample - mean) * weight);
        }
        self.transform.process_with_scratch(&mut self.lines, &mut self.scratch);
        for (sum, line) in self.spectrum.density.iter_mut().zip(&self.lines) {
            *sum += line.norm_sqr();
        }
    }

    /// Makes a density of the sums. Each line but that at 0, and that at half of the rate, stands for two.
    fn scale(&mut self, pieces: usize, rate: f64) {
        let single = 1.0 / (pieces as f64 * rate * self.weight_squares());
        let length = self.lines.len();
        for (line, density) in self.spectrum.density.iter_mut().enumerate() {
            *density *= if line == 0 || 2 * line == length { single } else { 2.0 * single };
        }
    }

    fn weight_squares(&self) -> f64 {
        self.weights.iter().map(|weight| weight * weight).sum()
    }
}
