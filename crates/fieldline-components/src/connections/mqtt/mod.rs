//! The `mqtt` connection: one session with a broker, shared by every node that names it.

mod blame;

mod embedded;

mod running;

mod session_file;

mod settings;

mod tls;

pub(crate) use settings::{MqttConnectionConfig, check_topic};

/// What nodes hold of an `mqtt` connection.
pub(crate) type MqttHandle = fieldline_mqtt::Connection;
