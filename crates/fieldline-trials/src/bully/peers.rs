//! Peers that never answer, answer rubbish, hang up or hold on.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::Result;

use super::super::process::free_port;
use super::{Bully, Guest, Sign, Site};

/// A pipeline that publishes to a broker that does `act` with each connection.
fn broker(
    site: &Site<'_>,
    act: impl FnMut(TcpStream) -> Option<TcpStream> + Send + 'static,
) -> Result<Guest> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let guest = site.pipeline(&format!(
        "connections:\n  c: {{ type: mqtt, url: 'mqtt://127.0.0.1:{port}', client_id: bully }}\nsources:\n  t: {{ type: timer, \
         every: 1ms }}\nsinks:\n  out: {{ type: mqtt, inputs: t, connection: c, topic: t }}\n"
    ))?;
    guest.serving(listener, act)
}

/// A pipeline with a broker of its own, at which `count` clients do `open`.
fn clients(site: &Site<'_>, count: usize, open: fn(&mut TcpStream)) -> Result<Guest> {
    let port = free_port()?;
    let guest = site.pipeline(&format!(
        "connections:\n  c: {{ type: mqtt, broker: embedded, listen: '127.0.0.1:{port}', client_id: bully }}\nsources:\n  t: {{ type: \
         timer, every: 1ms, body: {{ text: {} }} }}\nsinks:\n  out: {{ type: mqtt, inputs: t, connection: c, topic: t }}\n",
        "x".repeat(2000)
    ))?;
    let deadline = super::super::process::now() + Duration::from_secs(5);
    while TcpStream::connect(("127.0.0.1", port)).is_err() && super::super::process::now() < deadline {
        super::super::process::wait(Duration::from_millis(20));
    }
    guest.holding(port, count, open)
}

/// `count` connections to the admin listener, each of which begins with `head`.
fn askers(site: &Site<'_>, count: usize, open: fn(&mut TcpStream)) -> Result<Guest> {
    Guest::default().holding(site.admin, count, open)
}

/// Writes what the other end takes; it may have hung up.
fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _hung_up = stream.write_all(bytes);
}

/// A CONNECT of MQTT 3.1.1, and a SUBSCRIBE to all topics.
const SUBSCRIBER: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01s\x82\x06\0\x01\0\x01#\0";

pub(super) const TABLE: &[Bully] = &[
    Bully::new("broker that never answers", Sign::Node, |site| broker(site, Some)),
    Bully::new("broker that answers rubbish", Sign::Node, |site| {
        broker(site, |mut stream| {
            send(&mut stream, &[0xff; 4096]);
            Some(stream)
        })
    }),
    Bully::new("broker that hangs up", Sign::Node, |site| broker(site, |_| None)),
    Bully::new("broker half closed", Sign::Node, |site| {
        broker(site, |stream| {
            let _gone = stream.shutdown(Shutdown::Write);
            Some(stream)
        })
    }),
    Bully::new("10 subscribers that do not read", Sign::Node, |site| {
        clients(site, 10, |stream| send(stream, SUBSCRIBER))
    }),
    Bully::new("200 clients that say nothing", Sign::Node, |site| clients(site, 200, |_| ())),
    Bully::new("50 clients that say rubbish", Sign::Node, |site| {
        clients(site, 50, |stream| send(stream, &[0xff; 4096]))
    }),
    Bully::new("900 half requests", Sign::Held, |site| {
        askers(site, 900, |stream| send(stream, b"GET /healthz HTTP/1.1\r\nHost: "))
    }),
    Bully::new("30 held bodies", Sign::Held, |site| {
        askers(site, 30, |stream| {
            send(stream, b"POST /replay HTTP/1.1\r\nHost: localhost\r\nX-Fieldline: 1\r\nContent-Length: 33554432\r\n\r\n");
            send(stream, &vec![b'x'; 1 << 20]);
        })
    }),
    Bully::new("20 askers that do not read", Sign::Held, |site| {
        askers(site, 20, |stream| {
            send(stream, &b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(500));
        })
    }),
    Bully::new("replays of rubbish", Sign::Held, |site| {
        let admin = site.admin;
        Guest::default().repeating(Duration::from_millis(20), move || {
            let Ok(mut stream) = TcpStream::connect(("127.0.0.1", admin)) else { return };
            let head = "POST /replay HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n";
            send(&mut stream, head.as_bytes());
            send(&mut stream, &[0xfe; 4096]);
        })
    }),
    Bully {
        descriptors: Some(64),
        ..Bully::new("100 idle askers, 64 descriptors", Sign::Held, |site| askers(site, 100, |_| ()))
    },
];
