//! [`WindowFunction`]: how a piece of a signal is faded in and out before its spectrum is taken, so that what does
//! not fit into the piece a whole number of times leaks less into other frequencies.

use std::f64::consts::TAU;

/// A window function; each is a sum of cosines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WindowFunction {
    /// None: the piece as it is.
    Rectangular,
    /// A good compromise of resolution and leakage.
    #[default]
    Hann,
    /// Less leakage nearby than Hann, more far away.
    Hamming,
    /// Little leakage, wider peaks.
    Blackman,
    /// Right amplitudes wherever a frequency lies, at the price of the widest peaks.
    FlatTop,
}

impl WindowFunction {
    /// The weights of a piece of `length` samples, in the periodic form that spectra want
    /// (`scipy.signal.get_window` with `fftbins=True`), with SciPy's coefficients.
    pub fn weights(self, length: usize) -> Vec<f64> {
        if length == 1 {
            return vec![1.0];
        }
        let weight = |place: usize| {
            let angle = TAU * place as f64 / length as f64;
            let terms = (0..).zip(self.coefficients()).zip([1.0, -1.0].into_iter().cycle());
            terms.map(|((order, share), sign)| sign * share * (f64::from(order) * angle).cos()).sum()
        };
        (0..length).map(weight).collect()
    }

    /// The shares of the cosines of order 0, 1, 2 and so on; their signs alternate.
    fn coefficients(self) -> &'static [f64] {
        match self {
            WindowFunction::Rectangular => &[1.0],
            WindowFunction::Hann => &[0.5, 0.5],
            WindowFunction::Hamming => &[0.54, 0.46],
            WindowFunction::Blackman => &[0.42, 0.5, 0.08],
            WindowFunction::FlatTop => {
                &[0.215_578_95, 0.416_631_58, 0.277_263_158, 0.083_578_947, 0.006_947_368]
            }
        }
    }
}
