//! Any bytes from a broker, to the reader and the state of the MQTT library, in both versions: it panics nowhere, and
//! takes no more from the stream than it has.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use rumqttc::{mqttbytes, v5};

/// The largest packet in bytes, more than an input has.
const MOST: usize = 64 << 10;
/// The messages under way, as `inflight` has it.
const INFLIGHT: u16 = 20;
/// What the broker may acknowledge.
const UNDER_WAY: [&str; 3] = ["1", "2", "3"];

fuzz_target!(|bytes: &[u8]| {
    let Some((&version, stream)) = bytes.split_first() else { return };
    let stream = BytesMut::from(stream);
    if version % 2 == 0 { version_4(stream) } else { version_5(stream) }
});

fn version_4(mut stream: BytesMut) {
    let mut state = rumqttc::MqttState::new(INFLIGHT, true);
    for payload in UNDER_WAY {
        let publish = rumqttc::Publish::new("t", rumqttc::QoS::AtLeastOnce, payload);
        state.handle_outgoing_packet(rumqttc::Request::Publish(publish)).expect("there is room");
    }
    loop {
        let before = stream.len();
        let Ok(packet) = mqttbytes::v4::Packet::read(&mut stream, MOST) else { return };
        assert!(stream.len() < before);
        if state.handle_incoming_packet(packet).is_err() {
            return;
        }
    }
}

fn version_5(mut stream: BytesMut) {
    let mut state = v5::MqttState::new(INFLIGHT, true);
    for payload in UNDER_WAY {
        let publish = v5::mqttbytes::v5::Publish::new("t", v5::mqttbytes::QoS::AtLeastOnce, payload, None);
        state.handle_outgoing_packet(v5::Request::Publish(publish)).expect("there is room");
    }
    loop {
        let before = stream.len();
        let Ok(packet) = v5::mqttbytes::v5::Packet::read(&mut stream, Some(MOST as u32)) else { return };
        assert!(stream.len() < before);
        if state.handle_incoming_packet(packet).is_err() {
            return;
        }
    }
}
