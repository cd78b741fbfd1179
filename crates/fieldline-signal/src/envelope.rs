//! [`Envelope`]: how strongly a band of frequencies swings, over time. A bearing with a fault rings each time a ball
//! passes it; the ringing's envelope shows how often that is.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::spectrum::Band;

/// Takes one envelope after the other. The plans and buffers are kept as long as the signals stay of one length.
#[derive(Default)]
pub struct Envelope {
    plan: Option<Plan>,
}

struct Plan {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    samples: Vec<f64>,
    lines: Vec<Complex<f64>>,
    /// The band's lines, a quarter of a turn later.
    turned: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    in_phase: Vec<f64>,
    quadrature: Vec<f64>,
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
            Some(plan) if plan.samples.len() == samples.len() => plan,
            _ => Plan::new(samples.len()),
        };
        let plan = self.plan.insert(plan);
        plan.transform(samples, rate, band);
        Some(&plan.envelope)
    }
}

impl Plan {
    fn new(length: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Plan {
            samples: forward.make_input_vec(),
            lines: forward.make_output_vec(),
            turned: forward.make_output_vec(),
            scratch: vec![Complex::default(); scratch],
            in_phase: inverse.make_output_vec(),
            quadrature: inverse.make_output_vec(),
            envelope: vec![0.0; length],
            forward,
            inverse,
        }
    }

    fn transform(&mut self, samples: &[f64], rate: f64, band: Band) {
        self.samples.copy_from_slice(samples);
        self.forward
            .process_with_scratch(&mut self.samples, &mut self.lines, &mut self.scratch)
            .expect("the buffers were made by this plan");
        let length = samples.len();
        for (number, (line, turned)) in self.lines.iter_mut().zip(&mut self.turned).enumerate() {
            if !band.contains(number as f64 * rate / length as f64) {
                *line = Complex::default();
            }
            // What is at 0 or at half of the rate has no direction in which to turn.
            let turns = number > 0 && 2 * number != length;
            *turned = if turns { Complex::new(line.im, -line.re) } else { Complex::default() };
        }
        for (lines, output) in
            [(&mut self.lines, &mut self.in_phase), (&mut self.turned, &mut self.quadrature)]
        {
            self.inverse
                .process_with_scratch(lines, output, &mut self.scratch)
                .expect("the buffers were made by this plan, and the lines at both ends are real");
        }
        for ((envelope, real), imaginary) in
            self.envelope.iter_mut().zip(&self.in_phase).zip(&self.quadrature)
        {
            *envelope = real.hypot(*imaginary) / length as f64;
        }
    }
}
