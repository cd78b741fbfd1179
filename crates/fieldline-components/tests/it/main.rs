//! What every component promises, tested over all of them.

mod air_quality;
mod bench;
mod bme680;
mod checks;
mod cleaning;
mod contract;
mod features;
mod file_sink;
mod harness;
mod join;
mod less_data;
mod map;
mod memory;
#[cfg(feature = "broker")]
mod plant;
mod properties;
mod reference;
mod script;
#[cfg(feature = "broker")]
mod shadow;
#[cfg(feature = "broker")]
mod shadow_outage;
mod sources;
mod transform_checks;
mod twin;
#[cfg(feature = "json-schema")]
mod validate_schema;
mod window;
mod wording;
