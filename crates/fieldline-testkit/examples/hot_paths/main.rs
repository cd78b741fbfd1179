//! What an event costs on its way through nodes, without any input or output: a generator, the transforms of one path
//! and a `blackhole`, on one thread. `hot_paths PATH EVENTS` prints nanoseconds of processor time per event, and nothing it does besides
//! grows with the number of events; `cargo trials hot-paths` counts its instructions and allocations.

mod ends;

mod paths;

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_core::{Clock, Definition, Registry};
use fieldline_runtime::{Environment, Runtime, SystemTime};

use ends::{Encoder, Generator, SETTLED};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout();
    let [path, events] = arguments.as_slice() else {
        for (name, _) in paths::PATHS {
            writeln!(out, "{name}")?;
        }
        return Ok(());
    };
    let events: u64 = events.parse()?;
    let text = paths::pipeline(path, events).ok_or("no such path; without arguments they are listed")?;
    let files = MemoryFiles::default().with("bench.yaml", text);
    let own = [Definition::of::<Generator>(), Definition::of::<Encoder>()];
    let registry = Registry::new(fieldline_components::all().chain(own));
    let compiled = compile(&Request {
        roots: &[PathBuf::from("bench.yaml")],
        files: &files,
        variables: &MemoryVariables::default(),
        registry: &registry,
        overrides: Overrides::default(),
    });
    if !compiled.is_ok() {
        return Err(format!("{:?}", compiled.diagnostics).into());
    }
    let data_dir = tempfile::tempdir()?;
    let clock = Clock::new(SystemTime::default());
    let environment = Environment {
        clock,
        data_dir: data_dir.path().into(),
        drain: Duration::from_secs(1),
        save_every: None,
    };
    let threads = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let took = threads.block_on(async {
        let mut runtime = Runtime::new(environment);
        let begun = processor_time()?;
        runtime.apply(compiled.plan).await?;
        SETTLED.notified().await;
        let took = processor_time()? - begun;
        runtime.stop(Duration::from_secs(1)).await;
        Ok::<_, Box<dyn Error>>(took)
    })?;
    writeln!(out, "{:.1}", took as f64 / events as f64)?;
    Ok(())
}

/// Nanoseconds this thread was at work, without those in which others had the processor.
#[expect(clippy::disallowed_methods, reason = "the kernel answers through files")]
fn processor_time() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("the kernel keeps no times")?.parse()?)
}
