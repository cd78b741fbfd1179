//! The admin listener as a hostile web page and another user of the machine meet it: raw requests, half requests.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::admin::http;
use crate::program::{fieldline, folder};
use crate::station::Station;

const PIPELINE: &str = "\
pipeline: p
sources:
  tick: { type: timer, every: 1h }
sinks:
  print: { type: stdout, inputs: tick }
";

fn station(folder: &tempfile::TempDir) -> Station {
    Station::start(folder.path(), &["--no-watch"])
}

fn connect(station: &Station) -> TcpStream {
    TcpStream::connect(station.admin()).expect("it listens")
}

/// Sends `head` and an empty line; the status code, the head and the body of the answer.
fn raw(station: &Station, head: &str) -> (u16, String, String) {
    let mut stream = connect(station);
    write!(stream, "{head}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status code");
    (code, head.to_lowercase(), body.to_owned())
}

fn assert_refused(station: &Station, code: u16, head: &str) {
    let (found, answer, body) = raw(station, head);
    assert_eq!(found, code, "{head}\n{body}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(!answer.contains("access-control"), "{answer}");
    let problem: Value = serde_json::from_str(&body).expect("a problem");
    assert_eq!(problem["status"], code);
}

#[test]
fn a_hostile_page_is_not_answered() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = station(&folder);
    let own = station.admin();
    for path in
        ["GET /v1/status", "GET /metrics", "GET /healthz", "GET /plan", "POST /reload", "POST /v1/replay"]
    {
        let length = "Content-Length: 0\r\nContent-Type: application/json";
        assert_refused(&station, 403, &format!("{path} HTTP/1.1\r\nHost: evil.example:9464\r\n{length}"));
        for origin in ["http://evil.example", "null", "http://localhost:1"] {
            assert_refused(
                &station,
                403,
                &format!("{path} HTTP/1.1\r\nHost: {own}\r\nOrigin: {origin}\r\n{length}"),
            );
        }
    }
    assert_refused(&station, 403, &format!("GET http://evil.example/metrics HTTP/1.1\r\nHost: {own}"));
    assert_refused(&station, 403, "GET /metrics HTTP/1.0");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let head = format!("Host: {own}\r\nContent-Type: {kind}\r\nContent-Length: 0");
        for path in ["/reload", "/v1/replay"] {
            assert_refused(&station, 415, &format!("POST {path} HTTP/1.1\r\n{head}"));
        }
    }
    assert_refused(&station, 415, &format!("POST /reload HTTP/1.1\r\nHost: {own}\r\nContent-Length: 0"));
    assert_refused(&station, 405, &format!("OPTIONS /reload HTTP/1.1\r\nHost: {own}"));
    let (code, ..) = raw(&station, &format!("GET /metrics HTTP/1.1\r\nHost: {own}\r\nOrigin: http://{own}"));
    assert_eq!(code, 200);
}

#[test]
fn what_is_not_there_and_what_is_too_large_are_problems() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = station(&folder);
    let host = format!("HTTP/1.1\r\nHost: {}", station.admin());
    assert_refused(&station, 404, &format!("GET /nothing {host}"));
    assert_refused(&station, 405, &format!("GET /reload {host}"));
    let json = format!("{host}\r\nContent-Type: application/json");
    assert_refused(&station, 413, &format!("POST /replay {json}\r\nContent-Length: 99999999"));
    assert_refused(&station, 413, &format!("POST /reload {json}\r\nContent-Length: 99999"));
    let mut stream = connect(&station);
    write!(stream, "GET /healthz {host}\r\nX: {}\r\n\r\n", "x".repeat(60_000)).unwrap_or_default();
    let mut answer = Vec::new();
    let _reset_by_it = stream.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
}

#[test]
fn the_listener_stays_on_this_machine() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9464"] {
        let done = fieldline(folder.path(), &["run", ".", "--admin", address]);
        assert_ne!(done.code, 0);
        assert!(done.errors.contains("SSH tunnel"), "{}", done.errors);
    }
}

#[test]
fn hundreds_of_half_requests_keep_nobody_out() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = station(&folder);
    let mut half = Vec::new();
    for _ in 0..300 {
        let mut stream = connect(&station);
        let _closed_already = write!(stream, "GET /healthz HTTP/1.1\r\nHost: ");
        half.push(stream);
    }
    assert_eq!(http(&station, "GET", "/healthz", "").0, 200);
    assert_eq!(station.ask("status").code, 0);
    half[0].set_read_timeout(Some(std::time::Duration::from_secs(5))).expect("a socket");
    let end = half[0].read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(end, Ok(0) | Err(std::io::ErrorKind::ConnectionReset)), "the oldest gave way: {end:?}");
}

#[test]
fn held_bodies_take_neither_memory_nor_the_way_in() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = station(&folder);
    let part = vec![b'x'; 1 << 20];
    let mut held = Vec::new();
    for _ in 0..30 {
        let mut stream = connect(&station);
        stream.set_write_timeout(Some(std::time::Duration::from_millis(500))).expect("a socket");
        let head = format!("POST /replay HTTP/1.1\r\nHost: {}\r\nX-Fieldline: 1", station.admin());
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n", 32 << 20).expect("it reads");
        for _ in 0..30 {
            if stream.write_all(&part).is_err() {
                break;
            }
        }
        held.push(stream);
    }
    assert_eq!(http(&station, "GET", "/healthz", "").0, 200);
    assert!(station.memory() < 200 << 20, "{} bytes", station.memory());
}
