//! The least a program between two topics can do, to compare Fieldline with: rumqttc alone receives `TOPIC/in` and
//! publishes the payload again to `TOPIC/out/0` and further copies. `cargo trials bench` runs it.
//!
//! `bare_loop PORT TOPIC QOS COPIES automatic|after`: acknowledges what it received at once, which may lose it, or
//! after the broker has acknowledged all copies, as Fieldline does.

use std::collections::{HashMap, VecDeque};

use rumqttc::{AsyncClient, Event, MqttOptions, Outgoing, Packet, Publish, QoS};

/// Requests that may wait: twice what the load has under way at most.
const REQUESTS: usize = 8192;

/// Messages received whose copies are not all acknowledged.
#[derive(Default)]
struct Unacknowledged {
    /// One entry for each copy that was requested and has no packet identifier yet.
    requested: VecDeque<u64>,
    /// The message of each copy that is on its way.
    sent: HashMap<u16, u64>,
    /// Each message, and how many of its copies are not acknowledged.
    open: HashMap<u64, (Publish, usize)>,
    next: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, topic, qos, copies, acknowledges] = arguments.as_slice() else {
        return Err("bare_loop PORT TOPIC QOS COPIES automatic|after".into());
    };
    let qos = if qos == "0" { QoS::AtMostOnce } else { QoS::AtLeastOnce };
    let is_after = acknowledges == "after";
    let outputs: Vec<String> =
        (0..copies.parse::<usize>()?).map(|copy| format!("{topic}/out/{copy}")).collect();
    let mut options = MqttOptions::new(topic.replace('/', "-"), "127.0.0.1", port.parse()?);
    options.set_manual_acks(is_after);
    let (client, mut connection) = AsyncClient::new(options, REQUESTS);
    connection.network_options.set_tcp_nodelay(true);
    client.subscribe(format!("{topic}/in"), qos).await?;
    let mut unacknowledged = Unacknowledged::default();
    loop {
        match connection.poll().await? {
            Event::Incoming(Packet::Publish(message)) => {
                for output in &outputs {
                    client.try_publish(output, qos, false, message.payload.clone())?;
                }
                if is_after {
                    unacknowledged.receive(message, outputs.len());
                }
            }
            Event::Outgoing(Outgoing::Publish(id)) if is_after => unacknowledged.send(id),
            Event::Incoming(Packet::PubAck(acknowledgement)) if is_after => {
                if let Some(message) = unacknowledged.acknowledge(acknowledgement.pkid) {
                    client.try_ack(&message)?;
                }
            }
            _ => {}
        }
    }
}

impl Unacknowledged {
    fn receive(&mut self, message: Publish, copies: usize) {
        self.requested.extend(std::iter::repeat_n(self.next, copies));
        self.open.insert(self.next, (message, copies));
        self.next += 1;
    }

    fn send(&mut self, id: u16) {
        if let Some(message) = self.requested.pop_front() {
            self.sent.insert(id, message);
        }
    }

    /// The message, once all its copies are acknowledged.
    fn acknowledge(&mut self, id: u16) -> Option<Publish> {
        let message = self.sent.remove(&id)?;
        let (_, copies) = self.open.get_mut(&message)?;
        *copies -= 1;
        if *copies > 0 {
            return None;
        }
        self.open.remove(&message).map(|(message, _)| message)
    }
}
