//! Measures how long a thousand cases take that cover an hour each: `cargo run --release --example thousand_hours`.
//! The pace of the readings may be given, such as `1s`; `15s` without.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_core::{Period, Registry};
use fieldline_testkit::{Options, run_tests};
use tokio::time::Instant;

const CASES: usize = 1000;

const PIPELINE: &str = "pipeline: drying
connections:
  cloud: { type: mqtt, url: \"mqtt://localhost:1883\", client_id: drying }
sources:
  air: { type: timer, every: 1s }
transforms:
  warm: { type: filter, inputs: [air], keep: { t: { above: 10 } } }
  named: { type: map, inputs: [warm], set: { unit: celsius } }
sinks:
  out: { type: mqtt, inputs: [named], connection: cloud, topic: drying/air }
tests:
";

#[expect(clippy::print_stdout, reason = "a measurement is printed")]
fn main() {
    let pace = std::env::args().nth(1).unwrap_or_else(|| "15s".to_owned());
    let period: Period = pace.parse().expect("the argument is a duration such as `1s`");
    let readings = 3600 / period.0.as_secs().max(1);
    let mut text = String::from(PIPELINE);
    for number in 0..CASES {
        text += &format!(
            "  - name: hour {number}
    feed: {{ air: {{ events: [{{ t: 20.5 }}], every: {pace}, repeat: {readings} }} }}
    steps: [{{ at: 10m, connection: cloud, down: 5m }}]
    expect: {{ out: {{ count: {readings} }} }}
"
        );
    }
    let files = MemoryFiles::default().with("drying.yaml", text);
    let (registry, variables) = (Registry::new(fieldline_components::all()), MemoryVariables::default());
    let request = Request {
        roots: &["drying.yaml".into()],
        files: &files,
        variables: &variables,
        registry: &registry,
        overrides: Overrides::default(),
    };
    let start = Instant::now();
    let compiled = compile(&request);
    assert!(compiled.is_ok(), "the pipeline of this example compiles");
    let compile_time = start.elapsed();
    let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let options = Options { filter: None, update: false, coverage: false, threads, progress: &|_, _| {} };
    let report = run_tests(&request, &compiled, &options).expect("a temporary folder");
    let elapsed = start.elapsed();
    println!(
        "{} on {threads} cores in {elapsed:.2?}, of which {compile_time:.2?} to compile",
        report.summary()
    );
}
