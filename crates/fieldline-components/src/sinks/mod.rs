//! Where events go. A sink writes what it is given and says truthfully what was not written.

mod blackhole;
mod file;
mod log_file;
mod mqtt;
mod rows;
mod shadow;
mod stdout;
mod target;

use fieldline_core::Definition;

/// Every sink.
pub(crate) const ALL: &[Definition] = &[
    Definition::of::<blackhole::BlackholeConfig>(),
    Definition::of::<file::FileConfig>(),
    Definition::of::<mqtt::MqttSinkConfig>(),
    Definition::of::<shadow::ShadowSinkConfig>(),
    Definition::of::<stdout::StdoutConfig>(),
];
