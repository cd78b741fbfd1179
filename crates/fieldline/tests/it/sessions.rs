//! A session at mosquitto over the starts and stops of the program: its topics, and what others are told of its client.

use std::path::Path;

use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};
use serde_json::Value;

use crate::mosquitto;
use crate::program::{folder, read, write};
use crate::shadow::await_true;
use crate::station::Station;

/// What comes for some topics.
const PIPELINE: &str = r#"pipeline: p
connections:
  plant: { type: mqtt, url: "mqtt://127.0.0.1:PORT", client_id: station, operation_timeout: 60s }
sources:
  in: { type: mqtt, connection: plant, topics: TOPICS }
sinks:
  print: { type: stdout, inputs: in }
"#;

/// Another client of the broker.
struct Other {
    client: Client,
    connection: Connection,
}

impl Other {
    fn connect(port: u16) -> Self {
        let (client, connection) = Client::new(MqttOptions::new("other", "127.0.0.1", port), 10_000);
        Other { client, connection }
    }

    fn until(&mut self, mut is_wanted: impl FnMut(&Packet) -> bool) {
        let packets = self.connection.iter().map(|event| event.expect("the broker is there"));
        for event in packets {
            if let Event::Incoming(packet) = event
                && is_wanted(&packet)
            {
                return;
            }
        }
    }

    /// Publishes and waits until the broker has all.
    fn publish(&mut self, messages: &[(&str, String)]) {
        for (topic, payload) in messages {
            self.client.try_publish(*topic, QoS::AtLeastOnce, false, payload.as_str()).expect("room");
        }
        let mut acknowledged = 0;
        self.until(|packet| {
            acknowledged += usize::from(matches!(packet, Packet::PubAck(_)));
            acknowledged == messages.len()
        });
    }

    /// Waits for a message.
    fn hears(&mut self, payload: &str) {
        self.until(|packet| matches!(packet, Packet::Publish(publish) if publish.payload == payload));
    }
}

fn listening(folder: &Path, port: u16, topics: &str) -> Station {
    let pipeline = PIPELINE.replace("PORT", &port.to_string()).replace("TOPICS", topics);
    write(&folder.join("p.yaml"), &pipeline);
    let station = Station::start(folder, &["--no-watch", "--data-dir", "data"]);
    station.logs(|line| line["message"] == "connected");
    station
}

#[test]
fn a_topic_removed_while_the_program_is_stopped_is_unsubscribed_from_and_takes_nothing_from_the_others() {
    let Some(program) = mosquitto::find() else { return };
    let folder = folder(&[]);
    let (_broker, port) = mosquitto::start(&program, folder.path(), "max_queued_messages 0\n");
    let mut other = Other::connect(port);
    let station = listening(folder.path(), port, "[fast/#, keep]");
    let fast = |topic| (topic, "{}".to_owned());
    let keep = |number: i64| ("keep", format!("{{\"number\":{number}}}"));
    // The program may not have subscribed yet.
    other.client.publish("keep", QoS::AtLeastOnce, true, "{\"number\":-1}").expect("room");
    other.until(|packet| matches!(packet, Packet::PubAck(_)));
    station.until(|line| line["number"] == -1);
    station.stop();
    for number in 0..30 {
        let mut messages = vec![fast("fast/1"); 25];
        messages.extend(vec![fast("fast/2"); 25]);
        messages.push(keep(number));
        other.publish(&messages);
    }

    let station = listening(folder.path(), port, "[keep]");
    let lines = station.until(|line| line["number"] == 29);
    let numbers = lines.iter().filter_map(|line| line["number"].as_i64()).filter(|number| *number >= 0);
    assert_eq!(numbers.collect::<Vec<_>>(), (0..30).collect::<Vec<_>>());
    let told = station.log_to_the_end();
    for topic in ["fast/1", "fast/2"] {
        let warned: Vec<_> = told.iter().filter(|line| line["topic"] == topic).collect();
        assert!(matches!(warned[..], [line] if line["level"] == "WARN"), "one line: {warned:?}");
    }

    other.publish(&[fast("fast/1"), keep(30)]);
    let station = listening(folder.path(), port, "[keep]");
    station.until(|line| line["number"] == 30);
    let told = station.log_to_the_end();
    assert!(!told.iter().any(|line| line["topic"] == "fast/1"), "the broker has forgotten it: {told:?}");
}

#[test]
fn a_message_that_is_too_large_is_in_the_books_and_in_the_dead_letter_and_comes_once() {
    let Some(program) = mosquitto::find() else { return };
    let folder = folder(&[]);
    let (_broker, port) = mosquitto::start(&program, folder.path(), "");
    let pipeline = PIPELINE.replace("operation_timeout: 60s", "max_packet_size: 1KiB");
    let pipeline = pipeline.replace("PORT", &port.to_string()).replace("TOPICS", "[in/#]");
    write(&folder.path().join("p.yaml"), &pipeline);
    let mut other = Other::connect(port);
    let options = ["--no-watch", "--data-dir", "data"];
    let station = Station::start(folder.path(), &options);
    other.client.publish("in/first", QoS::AtLeastOnce, true, "{\"number\":1}").expect("room");
    other.until(|packet| matches!(packet, Packet::PubAck(_)));
    station.until(|line| line["number"] == 1);

    other.publish(&[("in/large", "°".repeat(1000)), ("in/small", "{\"number\":2}".into())]);
    station.until(|line| line["number"] == 2);
    let status = station.ask_data("status");
    let nodes = status["nodes"].as_array().expect("a list");
    let source = nodes.iter().find(|node| node["node"] == "p/in").expect("it is one of them");
    assert_eq!(source["reasons"][0]["reason"], "packet_too_large", "{source}");
    station.stop();
    let letters = read(&folder.path().join("data/dead-letter/p.jsonl"));
    let letter: Value = serde_json::from_str(letters.trim()).expect("one letter");
    assert_eq!(
        (&letter["meta"]["topic"], &letter["reason"]),
        (&"in/large".into(), &"packet_too_large".into())
    );
    assert_eq!(letter["body"]["text"], "°".repeat(512));

    let station = Station::start(folder.path(), &options);
    other.publish(&[("in/small", "{\"number\":3}".into())]);
    station.until(|line| line["number"] == 3);
    station.stop();
    assert_eq!(read(&folder.path().join("data/dead-letter/p.jsonl")), letters);
}

#[test]
fn what_is_known_of_a_session_goes_with_its_connection_and_stays_while_a_file_is_broken() {
    let Some(program) = mosquitto::find() else { return };
    let folder = folder(&[]);
    let (_broker, port) = mosquitto::start(&program, folder.path(), "");
    let file = |node: &str| folder.path().join("data/sessions/p").join(node);
    let station = listening(folder.path(), port, "[in]");
    await_true("its topics are kept", || file("plant").exists());
    let pipeline = folder.path().join("p.yaml");
    let good = read(&pipeline);
    let edit = |text: &str| {
        write(&pipeline, text);
        station.ask("reload").code
    };

    assert_ne!(edit("pipeline: p\nsources: ["), 0);
    assert!(file("plant").exists());
    let other = good.replace("plant", "hall").replace("station", "hall");
    assert_eq!(edit(&other), 0);
    await_true("the new one is kept and the old one is not", || {
        file("hall").exists() && !file("plant").exists()
    });
    station.stop();

    // A program that starts with a broken file and without its last good version.
    write(
        &folder.path().join("q.yaml"),
        "pipeline: q\nsources: { t: { type: timer, every: 1s } }\nsinks: { o: { type: stdout, inputs: t } }\n",
    );
    write(&pipeline, "pipeline: p\nsources: [");
    assert!(!folder.path().join("data/last-good").exists(), "it has not proved itself yet");
    let station = Station::start(folder.path(), &["--no-watch", "--data-dir", "data"]);
    station.next();
    assert!(file("hall").exists());
    write(&pipeline, &other);
    assert_eq!(station.ask("reload").code, 0);
    station.logs(|line| line["message"] == "connected");
    std::fs::remove_file(&pipeline).expect("it is there");
    assert_eq!(station.ask("reload").code, 0);
    assert!(!file("hall").exists());
}

/// `birth` and `will`, both retained.
const ANNOUNCED: &str = r#"pipeline: p
connections:
  plant:
    type: mqtt
    url: "mqtt://127.0.0.1:PORT"
    client_id: station
    birth: { topic: status/station, payload: online, qos: 1, retain: true }
    will: { topic: status/station, payload: offline, qos: 1, retain: true }
sources:
  in: { type: mqtt, connection: plant, topics: [in] }
sinks:
  print: { type: stdout, inputs: in }
"#;

/// What the broker tells a client that asks only now.
fn retained(port: u16) -> String {
    let (client, mut connection) = Client::new(MqttOptions::new("late", "127.0.0.1", port), 10);
    client.subscribe("status/station", QoS::AtLeastOnce).expect("room");
    let packets = connection.iter().map(|event| event.expect("the broker is there"));
    let mut published = packets.filter_map(|event| match event {
        Event::Incoming(Packet::Publish(publish)) => Some(publish),
        _ => None,
    });
    let publish = published.next().expect("the broker keeps one");
    assert!(publish.retain);
    String::from_utf8(publish.payload.to_vec()).expect("text")
}

#[test]
fn a_retained_status_is_true_while_the_program_runs_stops_is_killed_and_runs_again() {
    let Some(program) = mosquitto::find() else { return };
    let folder = folder(&[]);
    let (_broker, port) = mosquitto::start(&program, folder.path(), "");
    write(&folder.path().join("p.yaml"), &ANNOUNCED.replace("PORT", &port.to_string()));
    let mut watcher = Other::connect(port);
    watcher.client.subscribe("status/station", QoS::AtLeastOnce).expect("room");
    watcher.until(|packet| matches!(packet, Packet::SubAck(_)));

    for is_killed in [false, true, false] {
        let station = Station::start(folder.path(), &["--no-watch", "--data-dir", "data"]);
        watcher.hears("online");
        assert_eq!(retained(port), "online");
        // SIGTERM, or SIGKILL.
        let _printed = if is_killed { station.kill() } else { station.stop() };
        watcher.hears("offline");
        assert_eq!(retained(port), "offline");
    }
}
