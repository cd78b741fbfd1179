//! [`Aggregate`]: many readings to one number, by the name a user writes.

use crate::course;
use crate::moments::{Moments, Spread};
use crate::rank;
use crate::sample::Sample;
use crate::sum::Sum;

/// A way to make one number of many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aggregate {
    /// How many values are known.
    Count,
    /// All added up.
    Sum,
    /// The smallest.
    Min,
    /// The greatest.
    Max,
    /// The greatest less the smallest.
    Range,
    /// The arithmetic mean.
    Mean,
    /// The middle value.
    Median,
    /// The value below which so many percent lie; see [`rank::percentile`].
    Percentile(f64),
    /// The variance.
    Variance(Spread),
    /// The standard deviation.
    Deviation(Spread),
    /// The change from first to last, per second.
    Rate,
    /// The slope of the line of least squares, per second.
    Slope,
    /// The area under the values over time, times seconds.
    Integral,
    /// The mean over time.
    TimeWeightedMean,
    /// The share of time in which the value was not 0.
    Duty,
}

/// Why a name and its argument are no aggregate.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AggregateError {
    /// There is none of this name.
    #[error("`{0}` is no aggregate")]
    Unknown(String),
    /// It needs a number, and none was given.
    #[error("`percentile` needs a number from 0 to 100")]
    NoPercent,
    /// It takes no number.
    #[error("`{0}` takes no number")]
    NoNumberWanted(String),
}

const NAMED: [(&str, Aggregate); 16] = [
    ("count", Aggregate::Count),
    ("sum", Aggregate::Sum),
    ("min", Aggregate::Min),
    ("max", Aggregate::Max),
    ("range", Aggregate::Range),
    ("mean", Aggregate::Mean),
    ("median", Aggregate::Median),
    ("variance", Aggregate::Variance(Spread::Sample)),
    ("variance_population", Aggregate::Variance(Spread::Population)),
    ("stddev", Aggregate::Deviation(Spread::Sample)),
    ("stddev_population", Aggregate::Deviation(Spread::Population)),
    ("rate", Aggregate::Rate),
    ("slope", Aggregate::Slope),
    ("integral", Aggregate::Integral),
    ("time_weighted_mean", Aggregate::TimeWeightedMean),
    ("duty", Aggregate::Duty),
];

impl Aggregate {
    /// The names there are; `percentile` also wants a number.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(name, _)| *name).chain(["percentile"])
    }

    /// The aggregate called `name`; `number` is the percent of a `percentile`.
    pub fn named(name: &str, number: Option<f64>) -> Result<Self, AggregateError> {
        if name == "percentile" {
            let percent = number.filter(|percent| (0.0..=100.0).contains(percent));
            return percent.map(Aggregate::Percentile).ok_or(AggregateError::NoPercent);
        }
        let found = NAMED.iter().find(|(known, _)| *known == name);
        let (_, aggregate) = found.ok_or_else(|| AggregateError::Unknown(name.to_owned()))?;
        match number {
            None => Ok(*aggregate),
            Some(_) => Err(AggregateError::NoNumberWanted(name.to_owned())),
        }
    }

    /// The number for samples in the order of time; `None` where there are too few to say.
    pub fn of(self, samples: &[Sample]) -> Option<f64> {
        let values = || samples.iter().map(|sample| sample.value);
        let moments = || values().collect::<Moments>();
        let min = || values().min_by(f64::total_cmp);
        let max = || values().max_by(f64::total_cmp);
        match self {
            Aggregate::Count => Some(samples.len() as f64),
            Aggregate::Sum => sum_and_mean(samples).map(|(sum, _)| sum),
            Aggregate::Min => min(),
            Aggregate::Max => max(),
            Aggregate::Range => Some(max()? - min()?),
            Aggregate::Mean => sum_and_mean(samples).map(|(_, mean)| mean),
            Aggregate::Median => rank::median(values()),
            Aggregate::Percentile(percent) => rank::percentile(values(), percent),
            Aggregate::Variance(spread) => moments().variance(spread),
            Aggregate::Deviation(spread) => moments().deviation(spread),
            Aggregate::Rate => course::rate(samples),
            Aggregate::Slope => course::slope(samples),
            Aggregate::Integral => course::integral(samples),
            Aggregate::TimeWeightedMean => course::time_weighted_mean(samples),
            Aggregate::Duty => course::duty(samples),
        }
    }
}

/// The sum and the mean. Where numbers on the way to the sum are too large, their shares are added.
fn sum_and_mean(samples: &[Sample]) -> Option<(f64, f64)> {
    if samples.is_empty() {
        return None;
    }
    let (values, count) = (samples.iter().map(|sample| sample.value), samples.len() as f64);
    let sum = values.clone().collect::<Sum>().value();
    if sum.is_finite() {
        return Some((sum, sum / count));
    }
    let mean = values.map(|value| value / count).collect::<Sum>().value();
    Some((mean * count, mean))
}
