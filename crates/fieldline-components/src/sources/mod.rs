//! Where events come from. A source opens its origin in `connect` and hands over what is there in `next`.

mod bme680;
mod bme680_sensor;
mod bme680_settings;
mod cpu_temperature;
mod file;
mod mqtt;
mod pace;
mod records;
#[cfg(test)]
mod rubbish;
mod shadow;
mod stdin;
mod ticker;
mod timer;

use fieldline_core::Definition;

/// Every source.
pub(crate) const ALL: &[Definition] = &[
    Definition::of::<bme680::Bme680Config>(),
    Definition::of::<cpu_temperature::CpuTemperatureConfig>(),
    Definition::of::<file::FileConfig>(),
    Definition::of::<mqtt::MqttSourceConfig>(),
    Definition::of::<shadow::ShadowSourceConfig>(),
    Definition::of::<stdin::StdinConfig>(),
    Definition::of::<timer::TimerConfig>(),
];
