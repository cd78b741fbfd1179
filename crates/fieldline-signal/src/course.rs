//! What follows from the course of the values over time. All functions want their samples in the order of
//! time, as [`known`](crate::known) leaves them, and answer `None` of too few.

use crate::moments::Moments;
use crate::sample::Sample;
use crate::sum::Sum;

/// The change from the first sample to the last, per second; `None` where no time passes.
pub fn rate(samples: &[Sample]) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let span = first.seconds_to(last);
    (span > 0.0).then(|| (last.value - first.value) / span)
}

/// The slope of the straight line with the least squared distances, per second; `None` where no time passes.
pub fn slope(samples: &[Sample]) -> Option<f64> {
    let first = samples.first()?;
    let times = || samples.iter().map(|sample| first.seconds_to(sample));
    let middle = times().collect::<Moments>().mean()?;
    let mean = samples.iter().map(|sample| sample.value).collect::<Moments>().mean()?;
    let (mut joint, mut squares) = (Sum::default(), Sum::default());
    for (time, sample) in times().zip(samples) {
        joint.add((time - middle) * (sample.value - mean));
        squares.add((time - middle) * (time - middle));
    }
    (squares.value() > 0.0).then(|| joint.value() / squares.value())
}

/// The area under the straight lines between samples, in the values' unit times seconds (trapezoid rule);
/// 0 of a single sample.
pub fn integral(samples: &[Sample]) -> Option<f64> {
    samples.first()?;
    let areas = samples.windows(2).map(|pair| {
        let width = pair[0].seconds_to(&pair[1]);
        width * (pair[0].value / 2.0 + pair[1].value / 2.0)
    });
    Some(areas.collect::<Sum>().value())
}

/// The mean of the straight lines between samples, so that readings that came close together do not count for
/// more; the plain mean where no time passes.
pub fn time_weighted_mean(samples: &[Sample]) -> Option<f64> {
    let span = samples.first()?.seconds_to(samples.last()?);
    if span > 0.0 {
        integral(samples).map(|area| area / span)
    } else {
        samples.iter().map(|sample| sample.value).collect::<Moments>().mean()
    }
}

/// The share of time, 0 to 1, in which the value was not 0. Each value holds until the next one; the last has
/// no length. Where no time passes, the share of samples.
pub fn duty(samples: &[Sample]) -> Option<f64> {
    let span = samples.first()?.seconds_to(samples.last()?);
    if span > 0.0 {
        let on = samples.windows(2).filter(|pair| pair[0].value != 0.0);
        Some(on.map(|pair| pair[0].seconds_to(&pair[1])).collect::<Sum>().value() / span)
    } else {
        let on = samples.iter().filter(|sample| sample.value != 0.0).count();
        Some(on as f64 / samples.len() as f64)
    }
}
