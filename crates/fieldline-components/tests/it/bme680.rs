//! The `bme680` source on its simulated bus, and on a bus that is not there: in paused time.

use std::time::Duration;

use fieldline_core::report::Place;
use fieldline_core::{Built, Clock, Draft, Kind, Source, TimeSource, Value, json};
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::{Instant, timeout};

use crate::harness::{build, definition, problems, read};

/// The paused clock as the wall clock: 1970 when the test begins.
struct Paused(Instant);

impl TimeSource for Paused {
    fn instant(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::try_from(self.0.elapsed()).expect("a test is short")
    }
}

fn source(config: &str) -> Box<dyn Source> {
    let prepared = read(&definition(Kind::Source, "bme680"), config).expect("the config fits");
    let Built::Source(source) = build(&prepared) else { panic!("a bme680 is a source") };
    source
}

/// The first `count` events, and that they come one an interval from the beginning on.
async fn events(config: &str, every: Duration, count: u32) -> Vec<Draft> {
    let start = Instant::now();
    let clock = Clock::new(Paused(start));
    let mut source = source(config);
    source.connect(&clock).await.expect("a sensor that is not there is no error");
    let mut events = Vec::new();
    for number in 0..count {
        let batch = source.next(&clock).await.expect("a fault is no error").expect("it never ends");
        assert_eq!(start.elapsed(), every * number);
        assert_eq!(batch.events.len(), 1);
        events.extend(batch.events);
    }
    events
}

async fn every_second(config: &str, count: u32) -> Vec<Draft> {
    events(&format!("every: 1s\n{config}"), Duration::from_secs(1), count).await
}

fn member<'e>(event: &'e Draft, name: &str) -> &'e Value {
    &event.body.as_map().expect("a body is a map")[name]
}

fn number(event: &Draft, name: &str) -> f64 {
    member(event, name).as_f64().expect("a number")
}

fn line(event: &Draft) -> String {
    String::from_utf8(json::encode(&event.body).expect("finite")).expect("UTF-8")
}

/// `success`, or the word of the fault.
fn outcome(event: &Draft) -> &str {
    event.meta.fields.get("fault").map_or("success", |word| word.as_text().expect("a word"))
}

fn outcomes(events: &[Draft]) -> Vec<&str> {
    events.iter().map(outcome).collect()
}

/// The fault that is there for the third and fourth of five measurements: its words, and what is said first.
async fn check_fault(fault: &str, words: [&str; 2], reason: &str) {
    let faults = format!("[{{ fault: {fault}, from: 2, count: 2 }}]");
    let config = format!("bus: simulated\nsimulation: {{ faults: {faults} }}");
    let events = every_second(&config, 5).await;
    assert_eq!(outcomes(&events), ["success", "success", words[0], words[1], "success"], "{fault}");
    let wanted = r#"{"status":"fail","temperature":null,"pressure":null,"humidity":null,"reason":""#;
    let line = line(&events[2]);
    assert!(line.starts_with(&format!("{wanted}{reason}")), "{line}");
}

/// Codes and fields that are complained about; every complaint says what to do.
fn check_problems(config: &str, expected: &[(&str, &str)]) -> Vec<String> {
    let prepared = read(&definition(Kind::Source, "bme680"), config).expect("the types fit");
    let problems = problems(&prepared);
    let found = problems.iter().map(|problem| {
        assert!(problem.help.is_some(), "{}: {}", problem.code, problem.message);
        let Place::Field(field) = &problem.place else { panic!("{:?} is no field", problem.place) };
        (problem.code, field.to_string())
    });
    let wanted = expected.iter().map(|(code, field)| (*code, (*field).to_owned()));
    assert_eq!(found.collect::<Vec<_>>(), wanted.collect::<Vec<_>>(), "{config}");
    problems.into_iter().map(|problem| problem.message).collect()
}

fn claims(config: &str) -> Vec<String> {
    let prepared = read(&definition(Kind::Source, "bme680"), config).expect("the config fits");
    prepared.facts().claims.into_iter().map(|claim| claim.resource.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_hour_gives_a_plausible_reading_every_five_seconds() {
    let events = events("bus: simulated\nheater: {}", Duration::from_secs(5), 721).await;
    for event in &events {
        assert!((20.0..24.0).contains(&number(event, "temperature")), "{}", line(event));
        assert!((1010.0..1016.0).contains(&number(event, "pressure")), "{}", line(event));
        assert!((40.0..50.0).contains(&number(event, "humidity")), "{}", line(event));
        assert!((80_000.0..120_000.0).contains(&number(event, "gas")), "{}", line(event));
        assert_eq!(member(event, "gas_stable"), &Value::Bool(true));
        assert_eq!(member(event, "status"), &Value::from("success"));
    }
    let names: Vec<&str> = events[0].body.as_map().expect("a map").keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["status", "temperature", "pressure", "humidity", "gas", "gas_stable"]);
    assert_eq!(events[720].meta.time.as_second(), 3600);
    let warming = number(&events[720], "temperature") - number(&events[0], "temperature");
    assert!(warming > 0.3, "the day warms the air: {warming}");
}

#[tokio::test(start_paused = true)]
async fn values_have_no_more_decimals_than_the_chip_resolves() {
    for event in every_second("bus: simulated\nheater: {}", 60).await {
        for (name, steps) in [("temperature", 100.0), ("pressure", 100.0), ("humidity", 1000.0), ("gas", 1.0)]
        {
            let value = number(&event, name);
            assert_eq!((value * steps).round() / steps, value, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_repeated_by_its_seed_and_by_no_other() {
    let run = async |seed: u64| {
        let events = every_second(&format!("bus: simulated\nsimulation: {{ seed: {seed} }}"), 20).await;
        events.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(run(7).await, run(7).await);
    assert_ne!(run(7).await, run(8).await);
}

#[tokio::test(start_paused = true)]
async fn only_what_is_read_is_in_the_body() {
    let events = every_second("bus: simulated\naddress: 0x77\nread: [humidity, temperature]", 1).await;
    let (temperature, humidity) = (number(&events[0], "temperature"), number(&events[0], "humidity"));
    let wanted = format!(r#"{{"status":"success","temperature":{temperature},"humidity":{humidity}}}"#);
    assert_eq!(line(&events[0]), wanted);

    let heated = every_second("bus: simulated\nheater: {}\nread: [gas]", 1).await;
    let gas = number(&heated[0], "gas");
    assert_eq!(line(&heated[0]), format!(r#"{{"status":"success","gas":{gas:.1},"gas_stable":true}}"#));
}

#[tokio::test(start_paused = true)]
async fn a_heater_that_was_on_too_shortly_is_not_stable() {
    let events = every_second("bus: simulated\nheater: { duration: 5ms }", 1).await;
    assert_eq!(member(&events[0], "gas_stable"), &Value::Bool(false));
}

#[tokio::test(start_paused = true)]
async fn each_fault_is_a_failed_reading_with_its_reason_and_passes() {
    let unanswered = "the chip at `0x76` stopped answering; check the wiring and the power";
    check_fault("nak", ["not_acknowledged", "no_chip"], unanswered).await;
    check_fault("ones", ["all_ones"; 2], "all bits read from `0x76` are one").await;
    check_fault("zeros", ["all_zeros"; 2], "all bits read from `0x76` are zero").await;
    check_fault("timeout", ["transfer_timed_out"; 2], "a transfer with `0x76` timed out").await;
    check_fault("busy", ["conversion_unfinished"; 2], "the conversion did not end within").await;
    check_fault("glitch", ["register_mismatch"; 2], "register `0x74` holds").await;
    check_fault("wrong_id", ["wrong_chip"; 2], "the chip at `0x76` has id `0x60`").await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_bus_is_tried_after_growing_pauses_and_reported_all_the_time() {
    let config = "bus: simulated\nsimulation: { faults: [{ fault: absent, from: 1, count: 3 }] }";
    let events = every_second(config, 12).await;
    // Measured at 0, lost at 1, tried again 1, 2 and 4 seconds later.
    assert_eq!(outcomes(&events[..1]), ["success"]);
    assert_eq!(outcomes(&events[1..8]), ["bus_gone"; 7]);
    assert_eq!(outcomes(&events[8..]), ["success"; 4]);
    assert!(events[1..8].iter().all(|event| line(event) == line(&events[1])));
}

#[tokio::test(start_paused = true)]
async fn the_pauses_begin_small_again_after_a_reading() {
    let faults = "[{ fault: absent, from: 0, count: 2 }, { fault: absent, from: 3, count: 1 }]";
    let events = every_second(&format!("bus: simulated\nsimulation: {{ faults: {faults} }}"), 6).await;
    let wanted = ["bus_gone", "bus_gone", "bus_gone", "success", "bus_gone", "success"];
    assert_eq!(outcomes(&events), wanted);
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_not_there_is_reported_at_every_interval() {
    let events = every_second("bus: /dev/i2c-that-is-not-there\nread: [temperature]", 100).await;
    assert_eq!(outcomes(&events), ["bus_not_opened"; 100]);
    let reason = "there is no i2c bus `/dev/i2c-that-is-not-there`; switch it on with `raspi-config` or `dtparam=i2c_arm=on`";
    let wanted = format!(r#"{{"status":"fail","temperature":null,"reason":"{reason}"}}"#);
    assert!(events.iter().all(|event| line(event) == wanted), "{}", line(&events[0]));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_no_bus_is_reported_with_the_words_of_the_system() {
    let events = every_second("bus: /proc", 1).await;
    let reason = member(&events[0], "reason").as_text().expect("a sentence").to_owned();
    assert!(
        reason.starts_with("cannot use `/proc` as an i2c bus: ") && reason.contains("directory"),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn faults_are_counted_by_node_and_word() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let recorded = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let faults = "[{ fault: ones, from: 0, count: 3 }, { fault: busy, from: 4, count: 1 }]";
    every_second(&format!("bus: simulated\nsimulation: {{ faults: {faults} }}"), 10).await;
    let text = recorded.render();
    for (word, count) in [("all_ones", 3), ("conversion_unfinished", 1)] {
        let line = format!(
            r#"fieldline_sensor_faults_total{{pipeline="test",node="node",kind="source",fault="{word}"}} {count}"#
        );
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_is_not_lost_by_a_driver_that_stops_waiting() {
    let clock = Clock::new(Paused(Instant::now()));
    let mut source = source("bus: simulated\nevery: 1s");
    let mut times = Vec::new();
    while times.len() < 3 {
        if let Ok(batch) = timeout(Duration::from_millis(300), source.next(&clock)).await {
            let batch = batch.expect("a fault is no error").expect("it never ends");
            times.extend(batch.events.iter().map(|event| event.meta.time.as_second()));
        }
    }
    assert_eq!(times, [0, 1, 2]);
}

#[test]
fn the_chip_is_claimed_at_every_address_it_may_have() {
    let both = ["I2C device 0x76 on `/dev/i2c-1`", "I2C device 0x77 on `/dev/i2c-1`"];
    assert_eq!(claims("bus: /dev/i2c-1"), both);
    assert_eq!(claims("bus: /dev/i2c-1\naddress: auto"), both);
    assert_eq!(claims("bus: /dev/i2c-1\naddress: 0x76"), both[..1]);
    assert_eq!(claims("bus: /dev/i2c-1\naddress: \"0x77\""), both[1..]);
    assert_eq!(claims("bus: simulated"), [""; 0]);
}

#[test]
fn an_address_that_no_bme680_has_is_refused() {
    for address in ["0x75", "300", "-1", "low", "[0x76]", "1.5"] {
        let config = format!("bus: simulated\naddress: {address}");
        let error = read(&definition(Kind::Source, "bme680"), &config).err().expect("it is refused");
        assert_eq!(error.field.to_string(), "address");
        assert_eq!(error.to_string(), "an address of a BME680 is `auto`, `0x76` or `0x77`");
    }
}

#[test]
fn what_the_chip_cannot_do_is_refused() {
    for field in ["temperature", "pressure", "humidity"] {
        for samples in [0, 3, 5, 32] {
            let config = format!("bus: simulated\noversampling: {{ {field}: {samples} }}");
            check_problems(&config, &[("bad-number", &format!("oversampling.{field}"))]);
        }
    }
    check_problems("bus: simulated\nfilter: 2", &[("bad-number", "filter")]);
    let heater = "bus: simulated\nevery: 10s\nheater: { temperature: 401, duration: 4033ms }";
    check_problems(heater, &[("bad-number", "heater.temperature"), ("bad-number", "heater.duration")]);
    check_problems("bus: simulated\nheater: { duration: 0s }", &[("bad-number", "heater.duration")]);
    check_problems("bus: simulated\nevery: 10s\nheater: { temperature: 400, duration: 4032ms }", &[]);
}

#[test]
fn gas_needs_a_heater_and_something_must_be_read() {
    check_problems("bus: simulated\nread: [gas]", &[("missing-field", "read")]);
    check_problems("bus: simulated\nread: [gas]\nheater: {}", &[]);
    check_problems("bus: simulated\nread: []", &[("missing-field", "read")]);
}

#[test]
fn an_interval_is_long_enough_for_what_is_read() {
    let short = [("short-interval", "every")];
    assert_eq!(
        check_problems("bus: simulated\nevery: 32ms", &short),
        ["a measurement takes `33ms`, longer than `every`"]
    );
    check_problems("bus: simulated\nevery: 33ms", &[]);
    check_problems("bus: simulated\nevery: 32ms\nread: [temperature]", &[]);
    check_problems("bus: simulated\nevery: 180ms\nheater: {}", &short);
    check_problems("bus: simulated\nevery: 180ms\nheater: {}\nread: [pressure]", &[]);
    check_problems("bus: simulated\nevery: 0s", &short);
    check_problems("bus: simulated\ntimeout: 0s", &[("zero-period", "timeout")]);
}

#[test]
fn a_bus_is_a_device_or_simulated() {
    check_problems("bus: i2c-1", &[("bad-bus", "bus")]);
    check_problems("bus: /dev/i2c-1\nsimulation: {}", &[("conflicting-fields", "simulation")]);
}
