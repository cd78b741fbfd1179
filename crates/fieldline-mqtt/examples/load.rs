//! The load of `cargo xtask bench`: publishes 100-byte JSON to `TOPIC/in`, receives what a program makes of it at
//! `TOPIC/out/#`, and prints seconds and latencies as JSON. It uses the codec of rumqttc on plain sockets, so that it
//! takes little of the processor that is measured.
//!
//! `load PORT TOPIC QOS COPIES MESSAGES window N`: never more than N messages under way, which finds the highest rate.
//! `load PORT TOPIC QOS COPIES MESSAGES rate N`: N messages a second, to see latencies.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::Builder;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Connect, Packet, PubAck, Publish, Subscribe};
use rumqttc::{Error as CodecError, QoS};

type Failure = Box<dyn Error + Send + Sync>;

/// The number of messages that only ask whether the program listens yet.
const PROBE: u64 = 999_999_999;

/// How long an answer may take before the run has failed.
const PATIENCE: Duration = Duration::from_secs(20);

const PACKET: usize = 64 * 1024;

/// One connection to the broker.
struct Socket {
    stream: TcpStream,
    received: BytesMut,
}

/// When each message was sent, in nanoseconds since the start.
type Sent = Arc<[AtomicU64]>;

/// What the sender is to do.
enum Pace {
    Window(u64),
    Rate(u64),
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
    let book = sent.clone();
    let reader = Builder::new().name("receiver".into());
    let reader = reader.spawn(move || receive(&mut receiver, &book, copies, &done))?;
    let mut acknowledgements = sender.another()?;
    // It ends with the program.
    let _drain = Builder::new()
        .name("acknowledgements".into())
        .spawn(move || while acknowledgements.next().is_ok() {})?;
    let topic = format!("{topic}/in");
    probe(&mut sender, &topic, qos, &arrivals)?;
    let begun = clock();
    let published = publish_all(&mut sender, &topic, qos, &pace, &sent, &arrivals);
    // A receiver that has failed hangs up; then its failure is the one to tell.
    if !is_cut_off(&published) {
        published.as_ref().map_err(ToString::to_string)?;
    }
    let mut latencies = reader.join().map_err(|_| "the receiver panicked")??;
    published?;
    let seconds = Duration::from_nanos(clock() - begun).as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize] as f64 / 1e3;
    let (p50, p99, p999) = (at(0.5), at(0.99), at(0.999));
    writeln!(
        std::io::stdout(),
        r#"{{"seconds":{seconds:.6},"p50":{p50:.1},"p99":{p99:.1},"p999":{p999:.1}}}"#
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
            arrived += arrivals.recv_timeout(PATIENCE)?;
        }
        arrived += arrivals.try_iter().sum::<u64>();
    }
    while arrived < count {
        arrived += arrivals.recv_timeout(PATIENCE)?;
    }
    Ok(())
}

/// Receives every copy of every message; tells of messages that are whole, and gives back the latency of each in
/// nanoseconds: until its last copy.
fn receive(
    socket: &mut Socket,
    sent: &Sent,
    copies: u8,
    done: &SyncSender<u64>,
) -> Result<Vec<u64>, Failure> {
    let mut missing = vec![copies; sent.len()];
    let mut latencies = Vec::with_capacity(sent.len());
    let mut heard_probe = false;
    while latencies.len() < sent.len() {
        let (mut whole, mut acknowledgements) = (0, BytesMut::new());
        for message in socket.next_messages()? {
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
                latencies.push(clock() - sent[number as usize].load(Ordering::Relaxed));
                whole += 1;
            }
        }
        socket.stream.write_all(&acknowledgements)?;
        if whole > 0 {
            done.send(whole)?;
        }
    }
    Ok(latencies)
}

impl Socket {
    fn connect(port: u16, id: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut socket = Socket { stream, received: BytesMut::new() };
        let mut packet = BytesMut::new();
        Connect::new(id.replace('/', "-")).write(&mut packet)?;
        socket.stream.write_all(&packet)?;
        socket.next()?;
        Ok(socket)
    }

    /// The same connection once more, for another thread.
    fn another(&self) -> Result<Self, Failure> {
        Ok(Socket { stream: self.stream.try_clone()?, received: BytesMut::new() })
    }

    fn subscribe(&mut self, filter: &str, qos: QoS) -> Result<(), Failure> {
        let mut packet = BytesMut::new();
        let mut subscribe = Subscribe::new(filter, qos);
        subscribe.pkid = 1;
        subscribe.write(&mut packet)?;
        self.stream.write_all(&packet)?;
        self.next()?;
        Ok(())
    }

    fn next(&mut self) -> Result<Packet, Failure> {
        loop {
            match Packet::read(&mut self.received, PACKET) {
                Ok(packet) => return Ok(packet),
                Err(CodecError::InsufficientBytes(_)) => self.fill()?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// All messages that are there, at least one.
    fn next_messages(&mut self) -> Result<Vec<Publish>, Failure> {
        let mut messages = Vec::new();
        while messages.is_empty() {
            self.fill()?;
            loop {
                match Packet::read(&mut self.received, PACKET) {
                    Ok(Packet::Publish(message)) => messages.push(message),
                    Ok(_) => {}
                    Err(CodecError::InsufficientBytes(_)) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(messages)
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let mut bytes = [0; PACKET];
        let count = self.stream.read(&mut bytes)?;
        if count == 0 {
            return Err("the broker has closed the connection".into());
        }
        self.received.extend_from_slice(&bytes[..count]);
        Ok(())
    }
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
