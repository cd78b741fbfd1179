//! How fast the log is against a bare loop of write and fdatasync, and what it adds to every message.
//!
//! `cargo run --release -p fieldline-store --example throughput [DIRECTORY]`; without a directory it uses the
//! temporary one, which may not be a disk at all.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_store::{DiskStorage, Log, Options, StoreError};

const MESSAGE: [u8; 200] = [b'm'; 200];
const BATCHES: [usize; 4] = [1, 10, 100, 1000];

/// What one way of storing messages took.
struct Measured {
    elapsed: Duration,
    bytes: u64,
    syncs: u64,
}

#[expect(clippy::print_stdout, reason = "an example prints its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = tempfile::tempdir_in(parent)?;
    println!("{} bytes per message, in {}", MESSAGE.len(), directory.path().display());
    println!("batch  log msg/s  bare msg/s  log/bare  drain msg/s  bytes/payload  syncs/batch");
    for batch in BATCHES {
        let count = (batch * 200).clamp(1_000, 100_000);
        let bare = append_bare(&directory.path().join(format!("bare-{batch}")), count, batch)?;
        let (stored, drained) =
            append_and_drain(&directory.path().join(format!("log-{batch}")), count, batch)?;
        let rate = |measured: &Measured| count as f64 / measured.elapsed.as_secs_f64();
        println!(
            "{batch:>5}  {:>9.0}  {:>10.0}  {:>7.2}x  {:>11.0}  {:>12.2}x  {:>11.2}",
            rate(&stored),
            rate(&bare),
            rate(&stored) / rate(&bare),
            rate(&drained),
            stored.bytes as f64 / (count * MESSAGE.len()) as f64,
            stored.syncs as f64 / (count / batch) as f64,
        );
    }
    Ok(())
}

/// One file, one write and one fdatasync per batch, and no way to read it back.
fn append_bare(path: &Path, count: usize, batch: usize) -> io::Result<Measured> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let start = now();
    for _ in 0..count / batch {
        file.write_all(&MESSAGE.repeat(batch))?;
        file.sync_data()?;
    }
    let bytes = (count * MESSAGE.len()) as u64;
    Ok(Measured { elapsed: start.elapsed(), bytes, syncs: (count / batch) as u64 })
}

fn append_and_drain(path: &Path, count: usize, batch: usize) -> Result<(Measured, Measured), StoreError> {
    let (mut log, _) = Log::open(Arc::new(DiskStorage), path, Options::default())?;
    let start = now();
    for _ in 0..count / batch {
        for _ in 0..batch {
            let _ = log.append(&MESSAGE, 0)?;
        }
        log.sync()?;
    }
    let stats = log.stats();
    let stored = Measured { elapsed: start.elapsed(), bytes: stats.bytes_written, syncs: stats.syncs };

    let start = now();
    loop {
        let records = log.read_after(0, batch, usize::MAX)?;
        let Some(last) = records.last() else { break };
        log.ack(last.sequence);
    }
    log.checkpoint()?;
    let stats = log.stats();
    let drained = Measured {
        elapsed: start.elapsed(),
        bytes: stats.bytes_written - stored.bytes,
        syncs: stats.syncs - stored.syncs,
    };
    Ok((stored, drained))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
