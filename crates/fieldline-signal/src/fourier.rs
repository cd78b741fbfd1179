//! [`plan`]: Fourier transforms of any length, put together from few of rustfft's algorithms. A planner chooses from all
//! of them, so that all are in the program, which they make 0.2 MB larger.

use std::sync::Arc;

use rustfft::algorithm::butterflies::{Butterfly3, Butterfly5, Butterfly7};
use rustfft::algorithm::{BluesteinsAlgorithm, MixedRadix, Radix4};
use rustfft::{Fft, FftDirection};

/// The transform of signals of `length`, which is not 0. Fast are lengths that only 2, 3, 5 and 7 divide; any other is
/// made with transforms of more than twice the length.
pub(crate) fn plan(length: usize, direction: FftDirection) -> Arc<dyn Fft<f64>> {
    if length.is_power_of_two() {
        return Arc::new(Radix4::new(length, direction));
    }
    let factor: Arc<dyn Fft<f64>> = match length {
        _ if length.is_multiple_of(7) => Arc::new(Butterfly7::new(direction)),
        _ if length.is_multiple_of(5) => Arc::new(Butterfly5::new(direction)),
        _ if length.is_multiple_of(3) => Arc::new(Butterfly3::new(direction)),
        _ => {
            let longer = Radix4::new((2 * length - 1).next_power_of_two(), direction);
            return Arc::new(BluesteinsAlgorithm::new(length, Arc::new(longer)));
        }
    };
    let rest = plan(length / factor.len(), direction);
    Arc::new(MixedRadix::new(factor, rest))
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use rustfft::num_complex::Complex;

    use super::*;

    /// The sum that defines the transform.
    fn defined(signal: &[Complex<f64>], line: usize, sign: f64) -> Complex<f64> {
        let turn = |place: usize| sign * TAU * ((line * place) % signal.len()) as f64 / signal.len() as f64;
        signal.iter().enumerate().map(|(place, value)| value * Complex::cis(turn(place))).sum()
    }

    #[test]
    fn a_transform_of_any_length_is_the_sum_that_defines_it() {
        for length in (1..=130).chain([210, 243, 343, 640, 997]) {
            let signal: Vec<Complex<f64>> =
                (0..length).map(|n| Complex::new((n * n % 17) as f64, (n % 5) as f64 - 2.0)).collect();
            for (direction, sign) in [(FftDirection::Forward, -1.0), (FftDirection::Inverse, 1.0)] {
                let mut lines = signal.clone();
                plan(length, direction).process(&mut lines);
                for (number, line) in lines.iter().enumerate() {
                    let apart = (line - defined(&signal, number, sign)).norm();
                    assert!(apart < 1e-9 * length as f64, "{length}, {direction}, line {number}: {apart}");
                }
            }
        }
    }
}
