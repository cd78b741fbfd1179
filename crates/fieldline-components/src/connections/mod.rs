//! What several nodes share. A connection is named by the nodes that use it and run by the runtime.

#[cfg(feature = "broker")]
mod broker;

pub(crate) mod mqtt;

use fieldline_core::Definition;

/// Every connection.
pub(crate) const ALL: &[Definition] = &[Definition::of::<mqtt::MqttConnectionConfig>()];
