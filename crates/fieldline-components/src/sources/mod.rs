//! Where events come from. A source opens its origin in `connect` and hands over what is there in `next`.

mod cpu_temperature;
mod file;
mod lines;
mod pace;
mod records;
mod stdin;
mod ticker;
mod timer;

use fieldline_core::Definition;

/// Every source.
pub(crate) const ALL: &[Definition] = &[
    Definition::of::<cpu_temperature::CpuTemperatureConfig>(),
    Definition::of::<file::FileConfig>(),
    Definition::of::<stdin::StdinConfig>(),
    Definition::of::<timer::TimerConfig>(),
];
