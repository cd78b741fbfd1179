//! The mathematics against versions so simple that they are plainly right, on random samples: any values,
//! equal times, disorder, gaps.

mod aggregates;
mod compression;
mod spectra;
mod units;
