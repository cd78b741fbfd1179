//! A broker that refuses some of the topics of a source, until it is told to grant them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::admin::http;
use crate::program::folder;
use crate::shadow::await_true;
use crate::station::Station;

const PIPELINE: &str = r#"pipeline: p
connections:
  plant: { type: mqtt, url: "mqtt://127.0.0.1:PORT", client_id: station, backoff: { initial: 10ms, max: 50ms } }
sources:
  in: { type: mqtt, connection: plant, topics: [busy, fine], qos: 0 }
sinks:
  print: { type: stdout, inputs: in }
"#;

/// PUBLISH at most once, topic `fine`.
const MESSAGE: &[u8] = b"\x30\x16\x00\x04fine{\"from\": \"fine\"}";

/// Serves one client: grants `fine`, and `busy` once it is told so, and sends a message after each answer.
fn serve(mut stream: TcpStream, grants_all: &AtomicBool) -> std::io::Result<()> {
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head)?;
        assert!(head[1] < 128, "packets are short here");
        let mut packet = vec![0; usize::from(head[1])];
        stream.read_exact(&mut packet)?;
        match head[0] >> 4 {
            // CONNECT, PINGREQ.
            1 => stream.write_all(&[0x20, 2, 0, 0])?,
            12 => stream.write_all(&[0xd0, 0])?,
            // SUBSCRIBE: its id, and filters of four letters.
            8 => {
                let filters = packet[2..].chunks(7).map(|filter| &filter[2..6]);
                let grants = |filter: &[u8]| filter == b"fine" || grants_all.load(Ordering::Relaxed);
                let codes: Vec<u8> = filters.map(|filter| if grants(filter) { 0 } else { 0x80 }).collect();
                let length = u8::try_from(2 + codes.len()).expect("few filters");
                stream.write_all(&[&[0x90, length], &packet[..2], &codes, MESSAGE].concat())?;
            }
            _ => {}
        }
    }
}

fn broker(grants_all: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let serve_all = move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _client_is_gone = serve(stream, &grants_all);
        }
    };
    std::thread::Builder::new().name("broker".into()).spawn(serve_all).expect("a thread");
    port
}

#[test]
fn a_source_with_a_refused_topic_gives_the_others_and_is_not_ready_until_it_is_granted() {
    let grants_all = Arc::new(AtomicBool::new(false));
    let port = broker(grants_all.clone());
    let folder = folder(&[("p.yaml", &PIPELINE.replace("PORT", &port.to_string()))]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    let ready = || http(&station, "GET", "/readyz", "");
    await_true("it is not ready", || {
        let (code, body) = ready();
        code == 503 && body.contains("p/in") && body.contains("busy")
    });
    // One with each answer of the broker; never once is the source ready between.
    for _ in 0..20 {
        assert_eq!(station.next()["from"], "fine");
        assert_eq!(ready().0, 503);
    }
    grants_all.store(true, Ordering::Relaxed);
    await_true("it is ready", || ready().0 == 200);
}
