//! A place to run scripts in, at a fixed time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fieldline_core::{FileError, Files, Map, Meta, Moment, TimeSource, Value};
use fieldline_script::{Script, ScriptError, ScriptSource, Setup};
use jiff::Timestamp;

/// 2026-01-01T00:00:00Z.
const TIME: &str = "2026-01-01T00:00:00Z";

/// An instant; only differences between instants mean anything.
#[expect(clippy::disallowed_methods, reason = "an `Instant` can be had in no other way")]
pub(crate) fn some_instant() -> Instant {
    Instant::now()
}

/// A clock that moves by a second each time somebody looks.
pub(crate) struct Racing {
    start: Instant,
    looks: std::sync::atomic::AtomicU64,
}

impl Racing {
    pub(crate) fn new() -> Self {
        Racing { start: some_instant(), looks: Default::default() }
    }
}

impl TimeSource for Racing {
    fn instant(&self) -> Instant {
        let looks = self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.start + Duration::from_secs(looks)
    }

    fn time(&self) -> Timestamp {
        TIME.parse().expect("a time")
    }
}

/// A clock that shows how long this thread has computed, whatever else the machine does.
pub(crate) struct ThreadTime {
    start: Instant,
}

impl ThreadTime {
    pub(crate) fn new() -> Self {
        ThreadTime { start: some_instant() }
    }
}

impl TimeSource for ThreadTime {
    fn instant(&self) -> Instant {
        #[expect(clippy::disallowed_methods, reason = "no other crate tells the time of a thread")]
        let spent = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells it");
        let spent = spent.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("a number");
        self.start + Duration::from_nanos(spent)
    }

    fn time(&self) -> Timestamp {
        TIME.parse().expect("a time")
    }
}

/// Files in memory.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) BTreeMap<PathBuf, String>);

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        self.0.get(path).map(|text| text.clone().into()).ok_or(FileError::Missing)
    }
}

/// What a script made of one event.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    pub(crate) emitted: Vec<Value>,
    pub(crate) fields: Option<Map>,
}

/// What became of the event itself, with its body if it goes on.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Send(Value),
    Discard(&'static str),
}

/// Compiles `text` as the file `test.rhai`.
pub(crate) fn compile(text: &str, setup: &Setup<'_>) -> Result<Script, ScriptError> {
    Script::compile(&ScriptSource::whole(text, "test.rhai"), setup)
}

/// Runs `script` for one event without values under `with`.
pub(crate) fn run(script: &mut Script, body: &Value) -> Result<Answer, ScriptError> {
    run_with(script, body, &Map::default())
}

/// Runs `script` for one event from the topic `plant/air`.
pub(crate) fn run_with(script: &mut Script, body: &Value, with: &Map) -> Result<Answer, ScriptError> {
    let time: Timestamp = TIME.parse().expect("a time");
    let mut meta = Meta::new(time, "air".into());
    meta.topic = Some("plant/air".into());
    let mut shared = Arc::new(body.clone());
    let answer = script.run(&mut shared, &meta, &Moment { instant: some_instant(), time, with });
    if !matches!(&answer, Ok(answer) if answer.verdict == fieldline_script::Verdict::Send) {
        assert_eq!(*shared, *body, "only what is sent on has changed");
    }
    let answer = answer?;
    let verdict = match answer.verdict {
        fieldline_script::Verdict::Send => Verdict::Send(Arc::unwrap_or_clone(shared)),
        fieldline_script::Verdict::Discard(reason) => Verdict::Discard(reason),
    };
    Ok(Answer { verdict, emitted: answer.emitted, fields: answer.fields })
}

/// The answer of a script with default limits to one event.
pub(crate) fn answer(text: &str, body: &Value) -> Result<Answer, ScriptError> {
    run(&mut compile(text, &Setup::default())?, body)
}

/// The body that a script sends on.
pub(crate) fn sent(text: &str, body: &Value) -> Value {
    match answer(text, body).expect("the script runs").verdict {
        Verdict::Send(body) => body,
        Verdict::Discard(reason) => panic!("discarded: {reason}"),
    }
}

/// The error of a script, at compile time or when it runs for a usual reading.
pub(crate) fn error(text: &str) -> String {
    answer(text, &reading()).expect_err("the script fails").to_string()
}

/// A usual reading.
pub(crate) fn reading() -> Value {
    Value::from([
        ("sequence", Value::Int(25)),
        ("timestamp_utc", "2020-02-15T16:43:16.226983Z".into()),
        ("temperature", 21.5.into()),
        ("humidity", 40.0.into()),
        ("status", "success".into()),
    ])
}
