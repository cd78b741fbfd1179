//! The load of `cargo trials bench`: publishes 100-byte JSON to `TOPIC/in`, receives what a program makes of it at
//! `TOPIC/out/#`, and prints seconds and latencies as JSON. It uses the codec of rumqttc on plain sockets, so that it
//! takes little of the processor that is measured. With QoS 0 the broker may drop messages, which nobody is told: what
//! has not come when nothing has come for a while counts as dropped.
//!
//! `load PORT TOPIC QOS COPIES MESSAGES window N`: never more than N messages under way, which finds the highest rate.
//! `load PORT TOPIC QOS COPIES MESSAGES rate N`: N messages a second, to see latencies.

mod socket;

use std::error::Error;
use std::io::Write;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rumqttc::QoS;
use rumqttc::mqttbytes::v4::{PubAck, Publish};

use socket::Socket;

type Failure = Box<dyn Error + Send + Sync>;

/// The number of messages that only ask whether the program listens yet.
const PROBE: u64 = 999_999_999;

/// How long an answer may take before the run has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long nothing comes with QoS 0 until what is under way counts as dropped.
const SILENCE: Duration = Duration::from_secs(1);

/// When each message was sent, in nanoseconds since the start.
type Sent = Arc<[AtomicU64]>;

/// What the sender is to do.
enum Pace {
    Window(u64),
    Rate(u64),
}

/// What the receiver has met.
struct Received {
    /// Nanoseconds each message took until its last copy.
    latencies: Vec<u64>,
    /// When the last of them came, in nanoseconds since the start.
    last: u64,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, topic, qos, copies, messages, pace, amount] = arguments.as_slice() else {
        return Err("load PORT TOPIC QOS COPIES MESSAGES window|rate N".into());
    };
    let (port, copies, messages) = (port.parse()?, copies.parse()?, messages.parse()?);
    let qos = if qos == "0" { QoS::AtMostOnce } else { QoS::AtLeastOnce };
    let pace = if pace == "rate" { Pace::Rate(amount.parse()?) } else { Pace::Window(amount.parse()?) };
    let mut sender = Socket::connect(port, &format!("{topic}/load/in"))?;
    let mut receiver = Socket::connect(port, &format!("{topic}/load/out"))?;
    receiver.subscribe(&format!("{topic}/out/#"), qos)?;
    let sent: Sent = (0..messages).map(|_| AtomicU64::new(0)).collect();
    let (done, arrivals) = sync_channel(4096);
    let (book, is_over) = (sent.clone(), Arc::new(AtomicBool::new(false)));
    let (incoming, over) = (receiver.another()?, is_over.clone());
    let reader = Builder::new().name("receiver".into());
    let reader = reader.spawn(move || receive(&mut receiver, &book, copies, &done, &over))?;
    let mut acknowledgements = sender.another()?;
    // It ends with the program.
    let _drain = Builder::new()
        .name("acknowledgements".into())
        .spawn(move || while acknowledgements.next().is_ok() {})?;
    let topic = format!("{topic}/in");
    probe(&mut sender, &topic, qos, &arrivals)?;
    let begun = clock();
    let published = publish_all(&mut sender, &topic, qos, &pace, &sent, &arrivals);
    is_over.store(true, Ordering::Relaxed);
    // A receiver that has failed hangs up; then its failure is the one to tell.
    if !is_cut_off(&published) {
        published.as_ref().map_err(ToString::to_string)?;
        incoming.stream.shutdown(Shutdown::Read)?;
    }
    let Received { mut latencies, last } = reader.join().map_err(|_| "the receiver panicked")??;
    published?;
    if latencies.is_empty() {
        return Err("nothing came".into());
    }
    let seconds = Duration::from_nanos(last - begun).as_secs_f64();
    let dropped = sent.len() - latencies.len();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
    writeln!(
        std::io::stdout(),
        r#"{{"seconds":{seconds:.6},"dropped":{dropped},"p50":{p50:.1},"p99":{p99:.1},"p999":{p999:.1}}}"#
    )?;
    Ok(())
}

/// Whether the sender ended because there was no receiver any more.
fn is_cut_off(published: &Result<(), Failure>) -> bool {
    let error = published.as_ref().err().and_then(|error| error.downcast_ref());
    error == Some(&RecvTimeoutError::Disconnected)
}

/// Publishes until the first answer comes.
fn probe(sender: &mut Socket, topic: &str, qos: QoS, arrivals: &Receiver<u64>) -> Result<(), Failure> {
    let deadline = clock() + PATIENCE.as_nanos() as u64;
    while clock() < deadline {
        sender.stream.write_all(&packet(topic, qos, PROBE, 1)?)?;
        match arrivals.recv_timeout(Duration::from_millis(50)) {
            Ok(_) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err("the program does not answer".into())
}

/// Publishes everything and waits until it has come, or, with QoS 0, until nothing comes any more.
fn publish_all(
    sender: &mut Socket,
    topic: &str,
    qos: QoS,
    pace: &Pace,
    sent: &Sent,
    arrivals: &Receiver<u64>,
) -> Result<(), Failure> {
    let (mut next, mut arrived, count) = (0, 0, sent.len() as u64);
    let begun = clock();
    while next < count {
        let end = match pace {
            Pace::Window(window) => arrived + window,
            Pace::Rate(rate) => {
                let due = begun + next * 1_000_000_000 / rate;
                if let Some(wait) = due.checked_sub(clock()) {
                    pause(Duration::from_nanos(wait));
                }
                (clock() - begun) * rate / 1_000_000_000 + 1
            }
        };
        let mut packets = BytesMut::new();
        for number in next..end.min(count) {
            packets.extend_from_slice(&packet(topic, qos, number, (number % 65_000 + 2) as u16)?);
            sent[number as usize].store(clock(), Ordering::Relaxed);
        }
        next = end.min(count);
        sender.stream.write_all(&packets)?;
        if matches!(pace, Pace::Window(_)) && next < count {
            arrived += more(arrivals, qos, next - arrived)?;
        }
        arrived += arrivals.try_iter().sum::<u64>();
        // What was given up and comes late has been counted already.
        arrived = arrived.min(next);
    }
    while arrived < count {
        arrived += more(arrivals, qos, count - arrived)?;
    }
    Ok(())
}

/// Waits for the next that come: how many of those under way are so no longer.
fn more(arrivals: &Receiver<u64>, qos: QoS, under_way: u64) -> Result<u64, RecvTimeoutError> {
    if qos != QoS::AtMostOnce {
        return arrivals.recv_timeout(PATIENCE);
    }
    match arrivals.recv_timeout(SILENCE) {
        Err(RecvTimeoutError::Timeout) => Ok(under_way),
        heard => heard,
    }
}

/// Receives every copy of every message and tells of messages that are whole, until all are or it is over.
fn receive(
    socket: &mut Socket,
    sent: &Sent,
    copies: u8,
    done: &SyncSender<u64>,
    is_over: &AtomicBool,
) -> Result<Received, Failure> {
    let mut missing = vec![copies; sent.len()];
    let mut latencies = Vec::with_capacity(sent.len());
    let (mut last, mut heard_probe) = (0, false);
    while latencies.len() < sent.len() {
        let (mut whole, mut acknowledgements) = (0, BytesMut::new());
        let messages = match socket.next_messages() {
            Err(_) if is_over.load(Ordering::Relaxed) => break,
            messages => messages?,
        };
        for message in messages {
            if message.qos == QoS::AtLeastOnce {
                PubAck::new(message.pkid).write(&mut acknowledgements)?;
            }
            let number = number_of(&message.payload).ok_or("an answer without a number")?;
            if number == PROBE {
                whole += u64::from(!heard_probe);
                heard_probe = true;
                continue;
            }
            let open = &mut missing[number as usize];
            *open = open.checked_sub(1).ok_or("a message came twice")?;
            if *open == 0 {
                last = clock();
                latencies.push(last - sent[number as usize].load(Ordering::Relaxed));
                whole += 1;
            }
        }
        socket.stream.write_all(&acknowledgements)?;
        if whole > 0 {
            done.send(whole)?;
        }
    }
    Ok(Received { latencies, last })
}

fn packet(topic: &str, qos: QoS, number: u64, id: u16) -> Result<BytesMut, Failure> {
    let payload = format!(
        r#"{{"n":{number},"timestamp_utc":"2020-02-15T16:43:16.226983Z","value":21.734375,"cpu":40.25,"ok":true}}"#
    );
    let mut publish = Publish::new(topic, qos, format!("{payload:<100}"));
    publish.pkid = id;
    let mut packet = BytesMut::with_capacity(160);
    publish.write(&mut packet)?;
    Ok(packet)
}

fn number_of(payload: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(payload).ok()?;
    let (_, rest) = text.split_once("\"n\":")?;
    rest.split([',', '}']).next()?.parse().ok()
}

/// Nanoseconds since the first call.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn clock() -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

#[expect(clippy::disallowed_methods, reason = "a rate is kept in real time")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
