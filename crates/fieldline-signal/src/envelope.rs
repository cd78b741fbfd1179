//! [`Envelope`]: how strongly a band of frequencies swings, over time. A bearing with a fault rings each time a ball
//! passes it; the ringing's envelope shows how often that is.

use std::sync::Arc;

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftDirection};

use crate::fourier;
use crate::spectrum::Band;

/// Takes one envelope after the other. The plans and buffers are kept as long as the signals stay of one length.
#[derive(Default)]
pub struct Envelope {
    plan: Option<Plan>,
}

struct Plan {
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    /// The samples, their lines, and then the analytic signal.
    signal: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    envelope: Vec<f64>,
}

impl Envelope {
    /// The magnitude of the analytic signal (`scipy.signal.hilbert`) of what lies in `band`, in the samples' unit, for
    /// samples taken `rate` times a second; `None` of fewer than two. Frequencies outside are cut off sharply.
    pub fn of(&mut self, samples: &[f64], rate: f64, band: Band) -> Option<&[f64]> {
        if samples.len() < 2 {
            return None;
        }
        let plan = match self.plan.take() {
            Some(plan) if plan.signal.len() == samples.len() => plan,
            _ => Plan::new(samples.len()),
        };
        let plan = self.plan.insert(plan);
        plan.transform(samples, rate, band);
        Some(&plan.envelope)
    }
}

impl Plan {
    fn new(length: usize) -> Self {
        let forward = fourier::plan(length, FftDirection::Forward);
        let inverse = fourier::plan(length, FftDirection::Inverse);
        let scratch = forward.get_inplace_scratch_len().max(inverse.get_inplace_scratch_len());
        Plan {
            forward,
            inverse,
            signal: vec![Complex::default(); length],
            scratch: vec![Complex::default(); scratch],
            envelope: vec![0.0; length],
        }
    }

    fn transform(&mut self, samples: &[f64], rate: f64, band: Band) {
        for (place, sample) in self.signal.iter_mut().zip(samples) {
            *place = Complex::from(sample);
        }
        self.forward.process_with_scratch(&mut self.signal, &mut self.scratch);
        let length = samples.len();
        for (number, line) in self.signal.iter_mut().enumerate() {
            if 2 * number > length || !band.contains(number as f64 * rate / length as f64) {
                *line = Complex::default();
            } else if number > 0 && 2 * number != length {
                // It stands for its mirror image too, which 0 and half of the rate do not have.
                *line *= 2.0;
            }
        }
        self.inverse.process_with_scratch(&mut self.signal, &mut self.scratch);
        for (envelope, value) in self.envelope.iter_mut().zip(&self.signal) {
            *envelope = value.norm() / length as f64;
        }
    }
}
