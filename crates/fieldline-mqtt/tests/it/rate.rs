//! A broker that hangs up on who sends too much in a second, as AWS IoT does on more than 100 messages.

use std::collections::{BTreeSet, VecDeque};

use fieldline_mqtt::{Connection, Options, Publish, QoS};
use rumqttc::mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet};
use tokio::select;
use tokio::time::{Duration, Instant, sleep_until};

use crate::broker::{Broker, Peer, start};

const SECOND: Duration = Duration::from_secs(1);

/// What the broker does.
#[derive(Clone, Copy)]
struct Limits {
    /// The messages that it takes in a second.
    per_second: usize,
    /// How long an acknowledgement takes.
    delay: Duration,
    /// Until when nobody is let in.
    away: Duration,
}

/// What came to the broker, and when.
#[derive(Default)]
struct Log {
    taken: BTreeSet<u64>,
    new: Vec<Duration>,
    hang_ups: Vec<Duration>,
}

impl Log {
    /// How many messages came for the first time in this stretch of time.
    fn between(&self, from: u64, to: u64) -> usize {
        let stretch = Duration::from_secs(from)..Duration::from_secs(to);
        self.new.iter().filter(|at| stretch.contains(*at)).count()
    }
}

/// Serves one client after another.
async fn serve(broker: &Broker, limits: Limits, began: Instant, log: &mut Log) {
    loop {
        let mut peer = broker.accept().await;
        if began.elapsed() < limits.away {
            continue;
        }
        peer.connect().await;
        peer.write(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))).await;
        converse(&mut peer, limits, began, log).await;
        log.hang_ups.push(began.elapsed());
    }
}

/// Takes messages until there are too many of them in a second.
async fn converse(peer: &mut Peer, limits: Limits, began: Instant, log: &mut Log) {
    let mut owed: VecDeque<(Instant, u16)> = VecDeque::new();
    let mut last_second: VecDeque<Instant> = VecDeque::new();
    loop {
        let due = owed.front().copied();
        let packet = select! {
            biased;
            () = sleep_until(due.map_or_else(Instant::now, |(at, _)| at)), if due.is_some() => {
                let (_, packet_id) = owed.pop_front().expect("one is owed");
                peer.acknowledge(packet_id).await;
                continue;
            }
            packet = peer.read() => packet,
        };
        match packet {
            Some(Packet::Publish(publish)) => {
                let now = Instant::now();
                last_second.push_back(now);
                while last_second.front().is_some_and(|at| *at + SECOND <= now) {
                    last_second.pop_front();
                }
                if last_second.len() > limits.per_second {
                    return;
                }
                let number = std::str::from_utf8(&publish.payload).expect("text").parse();
                if log.taken.insert(number.expect("a number")) {
                    log.new.push(began.elapsed());
                }
                if publish.pkid != 0 {
                    owed.push_back((now + limits.delay, publish.pkid));
                }
            }
            Some(Packet::PingReq) => peer.write(Packet::PingResp).await,
            Some(_) => {}
            None => return,
        }
    }
}

/// Publishes without end, and catches up once there is room.
async fn publish(connection: &Connection, per_second: u32, qos: QoS, began: Instant) {
    for number in 0_u32.. {
        sleep_until(began + SECOND * number / per_second).await;
        let publish = Publish { qos, ..Publish::new("a", number.to_string()) };
        connection.enqueue(publish).await.expect("room");
    }
}

/// Plays `seconds` of a source of fifty a second.
async fn play(limits: Limits, qos: QoS, seconds: u64) -> (Log, Connection) {
    let broker = Broker::bind().await;
    let standard = Options::new(broker.options().address, "device");
    let waits = Options {
        backoff_initial: standard.backoff_initial,
        backoff_maximum: standard.backoff_maximum,
        ..broker.options()
    };
    let connection = start(waits);
    let began = Instant::now();
    let mut log = Log::default();
    select! {
        () = serve(&broker, limits, began, &mut log) => {}
        () = publish(&connection, 50, qos, began) => {}
        () = sleep_until(began + Duration::from_secs(seconds)) => {}
    }
    (log, connection)
}

async fn recovers(qos: QoS) {
    for delay in [5, 150] {
        let limits = Limits { per_second: 100, delay: Duration::from_millis(delay), away: 12 * SECOND };
        let (log, connection) = play(limits, qos, 120).await;
        let arrived: Vec<usize> = (9..12).map(|ten| log.between(ten * 10, ten * 10 + 10)).collect();
        assert!(arrived.iter().all(|arrived| (495..=505).contains(arrived)), "{delay}: {arrived:?}");
        let hang_ups = &log.hang_ups;
        assert!(hang_ups.len() < 12 && hang_ups.iter().all(|at| *at < 90 * SECOND), "{delay}: {hang_ups:?}");
        let counters = connection.counters();
        assert_eq!(counters.failed, 0, "{delay}: no message is blamed");
        assert!(counters.queued < 20, "{delay}: {counters:?}");
    }
}

/// Fault E4: each connection lived for a hundred messages, and the waits between them were the longest there are.
#[tokio::test(start_paused = true)]
async fn a_source_recovers_from_an_outage_though_the_broker_hangs_up_on_more_than_a_hundred_a_second() {
    recovers(QoS::AtLeastOnce).await;
}

#[tokio::test(start_paused = true)]
async fn so_does_a_source_of_messages_at_most_once() {
    recovers(QoS::AtMostOnce).await;
}

/// It hangs up on a forbidden message, time and again, with others before and behind it.
#[tokio::test(start_paused = true)]
async fn a_forbidden_message_in_a_fast_stream_is_given_up_and_slows_nothing_down() {
    let broker = Broker::bind().await;
    let connection = start(broker.options());
    let mut receipts = Vec::new();
    for number in 0..600 {
        let topic = if number == 150 { "forbidden" } else { "good" };
        receipts.push(connection.enqueue(Publish::new(topic, number.to_string())).await.expect("room"));
    }
    let began = Instant::now();
    let serve = async {
        loop {
            let mut peer = broker.welcome(false).await;
            while let Some(Packet::Publish(publish)) = peer.read().await {
                if publish.topic == "forbidden" {
                    break;
                }
                peer.acknowledge(publish.pkid).await;
            }
        }
    };
    let outcomes = select! {
        () = serve => unreachable!("it serves without end"),
        outcomes = futures::future::join_all(receipts) => outcomes,
    };
    let failed: Vec<usize> = (0..600).filter(|number| outcomes[*number].is_err()).collect();
    assert_eq!(failed, [150]);
    assert!(began.elapsed() < 2 * SECOND, "{:?}", began.elapsed());
}
