//! Time per event of a script with three statements on a body with five fields: the whole of
//! [`Script::run`], both conversions included, against the bare interpreter with the map already built.
//! Run with `cargo run --release -p fieldline-script --example speed`.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_core::{Map, Meta, Moment, Value};
use fieldline_script::{Script, ScriptSource, Setup};
use jiff::Timestamp;
use rhai::{CallFnOptions, Dynamic, Engine, Scope};

const SCRIPT: &str = "this.temperature = 2.0 * this.temperature - this.cpu_temperature;
this.kelvin = this.temperature + 273.15;
this.status = \"corrected\";";

const ROUNDS: u32 = 7;
const EVENTS: u32 = 100_000;

fn main() {
    let body = Value::from([
        ("sequence", Value::Int(25)),
        ("timestamp_utc", "2020-02-15T16:43:16.226983Z".into()),
        ("temperature", 21.5.into()),
        ("cpu_temperature", 40.25.into()),
        ("status", "success".into()),
    ]);
    let bare = bare(&body);
    println!("bare interpreter, map in place: {bare:>6.0} ns/event");
    for (what, text) in [
        ("whole, three statements:", SCRIPT.to_owned()),
        ("whole, empty script:", String::new()),
        ("whole, and state:", format!("{SCRIPT} state.count = (state.count ?? 0) + 1;")),
        ("whole, and meta:", format!("{SCRIPT} this.topic = meta.topic;")),
        ("whole, and a comparison:", format!("{SCRIPT} if this.kelvin < 0.0 {{ discard() }}")),
    ] {
        println!("{what:<31} {:>6.0} ns/event", whole(&text, &body));
    }
}

/// The same statements by the interpreter alone, `this` bound to one map that is never rebuilt.
fn bare(body: &Value) -> f64 {
    let engine = Engine::new();
    let ast = engine.compile(format!("fn process() {{ {SCRIPT} }}")).expect("the script compiles");
    let members = body.as_map().expect("a map").iter();
    let map: rhai::Map = members
        .map(|(name, value)| {
            let value = match value {
                Value::Float(number) => Dynamic::from(*number),
                Value::Int(number) => Dynamic::from(*number),
                other => Dynamic::from(other.as_text().expect("text").to_owned()),
            };
            (name.as_str().into(), value)
        })
        .collect();
    let mut map = Dynamic::from_map(map);
    let mut scope = Scope::new();
    fastest(|| {
        if let Ok(mut map) = map.as_map_mut() {
            map.insert("temperature".into(), 21.5.into());
        }
        let options = CallFnOptions::new().eval_ast(false).bind_this_ptr(&mut map);
        let result = engine.call_fn_with_options::<Dynamic>(options, &mut scope, &ast, "process", ());
        black_box(&result).as_ref().expect("the script runs");
    })
}

fn whole(text: &str, body: &Value) -> f64 {
    let source = ScriptSource::whole(text, "speed.rhai");
    let mut script = Script::compile(&source, &Setup::default()).expect("the script compiles");
    let mut meta = Meta::new(Timestamp::UNIX_EPOCH, "air".into());
    meta.topic = Some("plant/air".into());
    let with = Map::default();
    let moment = Moment { instant: now(), time: Timestamp::UNIX_EPOCH, with: &with };
    fastest(|| {
        let mut body = Arc::new(black_box(body).clone());
        black_box(script.run(&mut body, &meta, &moment)).expect("the script runs");
    })
}

/// Nanoseconds per call, in the fastest of several rounds.
fn fastest(mut call: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = now();
        for _ in 0..EVENTS {
            call();
        }
        best = best.min(began.elapsed());
    }
    best.as_nanos() as f64 / f64::from(EVENTS)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}
