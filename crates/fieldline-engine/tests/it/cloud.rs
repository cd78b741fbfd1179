//! A cloud broker with the limits of AWS IoT for a connection, and programs that come back to it with a backlog: in
//! virtual time, at the real rates.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::front_end::{FrontEnd, run};

/// Publishes of a connection in a second. AWS IoT ends a connection that has more.
const MOST_PUBLISHES: usize = 100;
/// Their bytes.
const MOST_BYTES: usize = 512 * 1024;
const SECOND: Duration = Duration::from_secs(1);
/// How long a packet is under way.
const LATENCY: Duration = Duration::from_millis(20);

/// See the module.
struct Cloud {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    is_away: watch::Sender<bool>,
    /// Ends the broker when it is dropped.
    _running: JoinSet<()>,
}

/// What a cloud has seen.
#[derive(Clone, Default)]
struct Seen {
    connections: usize,
    /// Connections that were ended because of a limit.
    ended: usize,
    /// Each number that was acknowledged, in order.
    numbers: Vec<u64>,
    /// Those of the last second at most.
    most_in_a_second: usize,
}

impl Cloud {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (seen, is_away) = (Arc::<Mutex<Seen>>::default(), watch::Sender::new(false));
        let mut running = JoinSet::new();
        let (saw, mut away) = (seen.clone(), is_away.subscribe());
        running.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if *away.borrow_and_update() {
                    continue;
                }
                saw.lock().expect("nobody panicked").connections += 1;
                tokio::select! {
                    ended = serve(stream, &saw) => saw.lock().expect("nobody panicked").ended += usize::from(ended),
                    _changed = away.changed() => {}
                }
            }
        });
        Cloud { port, seen, is_away, _running: running }
    }

    fn seen(&self) -> Seen {
        self.seen.lock().expect("nobody panicked").clone()
    }

    /// Is away for a time, and forgets how it was before.
    async fn is_away_for(&self, time: Duration) {
        self.is_away.send_replace(true);
        sleep(time).await;
        let mut seen = self.seen.lock().expect("nobody panicked");
        (seen.connections, seen.ended, seen.most_in_a_second) = (0, 0, 0);
        self.is_away.send_replace(false);
    }
}

/// Serves a client until it goes, or has to: `true`.
async fn serve(mut stream: TcpStream, seen: &Mutex<Seen>) -> bool {
    let (mut received, mut last_second) = (Vec::with_capacity(MOST_BYTES), VecDeque::new());
    loop {
        if !matches!(stream.read_buf(&mut received).await, Ok(1..)) {
            return false;
        }
        sleep(LATENCY).await;
        let mut answers = Vec::new();
        while let Some((kind, packet)) = next_packet(&mut received) {
            match kind >> 4 {
                // CONNECT, PUBLISH at least once, PINGREQ.
                1 => answers.extend([0x20, 2, 0, 0]),
                3 => {
                    let now = Instant::now();
                    last_second.retain(|(at, _)| *at + SECOND > now);
                    last_second.push_back((now, packet.len()));
                    let bytes: usize = last_second.iter().map(|(_, bytes)| bytes).sum();
                    if last_second.len() > MOST_PUBLISHES || bytes > MOST_BYTES {
                        let _client_is_gone = stream.write_all(&answers).await;
                        return true;
                    }
                    let (topic, rest) = packet[2..].split_at(usize::from(packet[1]));
                    assert!(kind & 0b110 == 0b010 && topic.starts_with(b"bme680/"), "{kind:x} {topic:?}");
                    let body: serde_json::Value = serde_json::from_slice(&rest[2..]).expect("JSON");
                    let mut seen = seen.lock().expect("nobody panicked");
                    seen.numbers.push(body["sequence"].as_u64().expect("a number"));
                    seen.most_in_a_second = seen.most_in_a_second.max(last_second.len());
                    answers.extend([0x40, 2, rest[0], rest[1]]);
                }
                12 => answers.extend([0xd0, 0]),
                _ => {}
            }
        }
        sleep(LATENCY).await;
        if stream.write_all(&answers).await.is_err() {
            return false;
        }
    }
}

/// Takes a whole packet out of what was received: its first byte, and what follows the length.
fn next_packet(received: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let mut length = 0;
    for (index, byte) in received.iter().enumerate().skip(1).take(4) {
        length |= usize::from(byte & 0x7f) << (7 * (index - 1));
        if *byte < 0x80 {
            let end = index + 1 + length;
            let packet = received.get(index + 1..end)?.to_vec();
            let kind = received[0];
            received.drain(..end);
            return Some((kind, packet));
        }
    }
    None
}

/// All numbers up to the last are there.
fn assert_none_is_missing(seen: &Seen) {
    let numbers: BTreeSet<u64> = seen.numbers.iter().copied().collect();
    let (first, last) = (numbers.first().expect("some"), numbers.last().expect("some"));
    assert_eq!(numbers.len() as u64, last - first + 1, "none between {first} and {last} is missing");
}

/// The example for AWS IoT, without its certificates and with a simulated sensor.
fn example(port: u16) -> String {
    let text = include_str!("../../../../examples/01-publish/aws-iot.yaml");
    let cut = |text: &str, from: &str, to: &str| {
        let (before, rest) = text.split_once(from).expect("the example has it");
        let (_, after) = rest.split_once(to).expect("the example has it");
        format!("{before}{to}{after}")
    };
    let text = cut(&cut(text, "\nparams:", "\nconnections:"), "\n    tls:", "\nsources:");
    let values = [
        ("publish_aws", "p"),
        ("mqtts://${params.endpoint}:${params.port}", &format!("mqtt://127.0.0.1:{port}")),
        ("${params.client_id}", "bme680"),
        ("${params.bus}", "simulated"),
        ("${params.interval}", "5s"),
    ];
    values.into_iter().fold(text, |text, (name, value)| text.replace(name, value))
}

/// Waits until the cloud has as many numbers as `sink` was given, but for the newest.
async fn caught_up(front: &FrontEnd, cloud: &Cloud, sink: &str, within: Duration) {
    let begun = Instant::now();
    while cloud.seen().numbers.len() as u64 + 10 < front.node(sink).balance.received {
        assert!(begun.elapsed() < within, "it catches up in {within:?}: {:?}", front.node(sink).balance);
        sleep(SECOND / 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_example_drains_the_backlog_of_an_hour_on_one_connection() {
    let cloud = Cloud::start().await;
    run(&example(cloud.port), async |front| {
        front.until("temperature", |sink| sink.balance.delivered > 3).await;
        let before = cloud.seen().numbers.len();
        cloud.is_away_for(3_600 * SECOND).await;
        // 720 readings at ten a second, and those that come meanwhile, after the longest back-off.
        caught_up(front, &cloud, "temperature", (32 + 90) * SECOND).await;
        let seen = cloud.seen();
        assert_none_is_missing(&seen);
        assert!(seen.numbers.len() - before >= 720, "{}", seen.numbers.len() - before);
        assert_eq!((seen.connections, seen.ended), (1, 0));
        assert!(seen.most_in_a_second <= 10, "{}", seen.most_in_a_second);
    })
    .await;
}
