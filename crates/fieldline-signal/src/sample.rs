//! [`Sample`]: a number and when it was taken.

/// A number and when it was taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Nanoseconds since any fixed moment.
    pub nanos: i64,
    /// The number, in whatever unit the readings have.
    pub value: f64,
}

impl Sample {
    /// Seconds from this sample to `later`; negative if that one is earlier.
    pub fn seconds_to(&self, later: &Sample) -> f64 {
        (i128::from(later.nanos) - i128::from(self.nanos)) as f64 / 1e9
    }
}

/// The samples that are known, in the order of time: what is null, NaN or infinite is left out, and samples
/// of the same time stay in the order in which they came.
pub fn known(readings: impl IntoIterator<Item = (i64, Option<f64>)>) -> Vec<Sample> {
    let finite = readings
        .into_iter()
        .filter_map(|(nanos, value)| Some(Sample { nanos, value: value.filter(|value| value.is_finite())? }));
    let mut samples: Vec<Sample> = finite.collect();
    samples.sort_by_key(|sample| sample.nanos);
    samples
}
