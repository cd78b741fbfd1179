//! The `mqtt` connection: one session with a broker, shared by every node that names it.

mod blame;

mod embedded;

mod running;

mod session_file;

mod settings;

mod tls;

use fieldline_core::EventError;
use fieldline_mqtt::Message;

pub(crate) use settings::{MqttConnectionConfig, check_topic};

/// What nodes hold of an `mqtt` connection.
pub(crate) type MqttHandle = fieldline_mqtt::Connection;

/// Why a message cannot be read that is larger than the connection takes; only its beginning is there.
pub(crate) fn too_large(message: &Message) -> Option<EventError> {
    let size = message.oversized?;
    let text = format!(
        "the message has {size} bytes, more than `max_packet_size` of its connection; the rest is cut off"
    );
    Some(EventError::new("packet_too_large", text))
}
