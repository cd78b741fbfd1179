//! A certificate that is renewed on disk while the program runs, at a broker that demands one.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use fieldline_broker::{
    Action, Authority, Broker, BrokerOptions, CertificatePair, Identity, Listener, PkiFiles, ServerTls,
    Validity, create_pki,
};
use serde_json::{Value, json};

use crate::program::{folder, read, write};
use crate::station::Station;

/// Every reading goes to the broker and comes back.
const ROUND_TRIP: &str = r#"pipeline: p
connections:
  plant:
    type: mqtt
    url: mqtts://localhost:PORT
    client_id: station
    tls: { ca: pki/ca.pem, cert: device.pem, key: device.key }
sources:
  tick: { type: timer, every: 5ms }
  back: { type: mqtt, connection: plant, topics: ["out"] }
transforms:
  number: { type: script, inputs: tick, code: "this = #{ number: meta.sequence };" }
sinks:
  out: { type: mqtt, inputs: number, connection: plant, topic: out }
  print: { type: stdout, inputs: back }
"#;

/// The fingerprints of the certificates of those who connected, in order.
type Fingerprints = Arc<Mutex<Vec<String>>>;

/// A broker with mutual TLS in a runtime of its own.
struct TlsBroker {
    _runtime: tokio::runtime::Runtime,
    port: u16,
    seen: Fingerprints,
}

impl TlsBroker {
    fn start(pki: &Path) -> Self {
        let seen = Fingerprints::default();
        let book = seen.clone();
        let policy = move |identity: &Identity, action: Action<'_>| {
            if action == Action::Connect {
                let certificate = identity.certificate.as_ref().expect("TLS is mutual");
                book.lock().expect("nobody panicked").push(certificate.fingerprint.clone());
            }
            true
        };
        let tls = ServerTls {
            client_authority: pki.join("ca.pem"),
            certificate: pki.join("server.pem"),
            key: pki.join("server.key"),
        };
        let listen = "127.0.0.1:0".parse().expect("an address");
        let options = BrokerOptions::new(vec![Listener::secured(listen, tls)], Arc::new(policy));
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let broker = runtime.block_on(Broker::start(options)).expect("the broker starts");
        let port = broker.addresses()[0].port();
        runtime.spawn(broker.run(std::future::pending()));
        TlsBroker { _runtime: runtime, port, seen }
    }

    /// How many different certificates it has seen.
    fn certificates(&self) -> usize {
        self.seen.lock().expect("nobody panicked").iter().collect::<BTreeSet<_>>().len()
    }
}

/// A new certificate of the station, by the authority in `pki`.
fn issue(pki: &Path) -> CertificatePair {
    let authority = Authority::from_pem(&read(&pki.join("ca.pem")), &read(&pki.join("ca.key")));
    authority.and_then(|authority| authority.device("station", validity())).expect("a certificate")
}

#[expect(clippy::disallowed_methods, reason = "certificates are valid by the wall clock")]
fn validity() -> Validity {
    Validity { now: SystemTime::now(), days: 2 }
}

#[test]
fn a_renewed_certificate_is_used_and_nothing_is_lost_sent_twice_or_started_anew() {
    let folder = folder(&[]);
    let pki = folder.path().join("pki");
    let wanted = PkiFiles { server_names: Vec::new(), devices: Vec::new(), validity: validity() };
    create_pki(&pki, &wanted).expect("certificates");
    let broker = TlsBroker::start(&pki);
    let renew_certificate =
        |pair: &CertificatePair| write(&folder.path().join("device.pem"), &pair.certificate);
    let renew_key = |pair: &CertificatePair| write(&folder.path().join("device.key"), &pair.key);
    let first = issue(&pki);
    renew_certificate(&first);
    renew_key(&first);
    write(&folder.path().join("p.yaml"), &ROUND_TRIP.replace("PORT", &broker.port.to_string()));
    let station = Station::start(folder.path(), &["--no-watch"]);
    let mut lines = station.until(|line| line["number"].as_i64() > Some(100));

    let second = issue(&pki);
    renew_certificate(&second);
    let half = station.ask_data("reload");
    assert_eq!(half["result"], "rejected", "the key is not that of the certificate: {half}");
    renew_key(&second);
    let applied = station.ask_data("reload");
    assert_eq!((&applied["renewed"], &applied["started"]), (&json!(["p/plant"]), &json!([])), "{applied}");

    while broker.certificates() < 2 {
        lines.push(station.next());
    }
    let next = lines.len() as i64 + 100;
    lines.extend(station.until(|line| line["number"].as_i64() > Some(next)));
    for (index, line) in (1..).zip(&lines) {
        assert_eq!(line["number"], Value::from(index), "{line}");
    }
}
