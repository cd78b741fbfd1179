//! What the log costs beside a plain file that takes the same bytes with the same rhythm of syncs:
//! `append_drain plain|log FOLDER RECORDS BYTES` appends records that take so many bytes each, reads them all again, and
//! prints seconds, bytes and syncs as JSON. `cargo trials bench buffer` lets both take turns.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldline_store::{Appended, DiskStorage, Log, MAX_UNSYNCED_BYTES, Options};

/// Bytes that the log puts around a payload (`frame.rs`).
const OVERHEAD: usize = 24;

/// Records read and acknowledged at once, as a sink's buffer does.
const BATCH: usize = 256;

/// Room for every run; nothing is dropped.
const MAX_SIZE: u64 = 1 << 30;

/// What a run has cost.
struct Cost {
    append: Duration,
    drain: Duration,
    written: u64,
    syncs: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [subject, folder, records, bytes] = arguments.as_slice() else {
        return Err("append_drain plain|log FOLDER RECORDS BYTES".into());
    };
    let (folder, records, bytes) = (Path::new(folder), records.parse()?, bytes.parse()?);
    let Cost { append, drain, written, syncs } =
        if subject == "plain" { plain(folder, records, bytes)? } else { log(folder, records, bytes)? };
    let (append, drain) = (append.as_secs_f64(), drain.as_secs_f64());
    writeln!(
        std::io::stdout(),
        r#"{{"append":{append:.6},"drain":{drain:.6},"written":{written},"syncs":{syncs}}}"#
    )?;
    Ok(())
}

/// One file, one write a record, a sync whenever the log would make one; another file for how far it was read.
fn plain(folder: &Path, records: u64, bytes: usize) -> Result<Cost, Box<dyn Error>> {
    let path = folder.join("plain");
    let mut file = OpenOptions::new().create_new(true).append(true).open(&path)?;
    let (record, mut unsynced, mut syncs) = (vec![b'x'; bytes], 0, 0);
    let begun = now();
    for _ in 0..records {
        file.write_all(&record)?;
        unsynced += bytes;
        if unsynced >= MAX_UNSYNCED_BYTES {
            file.sync_data()?;
            (unsynced, syncs) = (0, syncs + 1);
        }
    }
    file.sync_data()?;
    let append = begun.elapsed();
    let mut file = BufReader::new(open(&path)?);
    let position = OpenOptions::new().create_new(true).write(true).open(folder.join("position"))?;
    let begun = now();
    let mut read = 0;
    while read < records {
        let count = records.min(read + BATCH as u64) - read;
        let mut batch = vec![vec![0; bytes]; count as usize];
        batch.iter_mut().try_for_each(|record| file.read_exact(record))?;
        std::hint::black_box(batch);
        read += count;
        position.write_all_at(&read.to_le_bytes(), 0)?;
    }
    Ok(Cost { append, drain: begun.elapsed(), written: records * bytes as u64, syncs: syncs + 1 })
}

/// The log, which makes its syncs by itself.
fn log(folder: &Path, records: u64, bytes: usize) -> Result<Cost, Box<dyn Error>> {
    let options = Options { max_size: MAX_SIZE, ..Options::default() };
    let (mut log, _) = Log::open(Arc::new(DiskStorage), folder.join("log"), options)?;
    let payload = vec![b'x'; bytes.checked_sub(OVERHEAD).ok_or("a record is larger than its frame")?];
    let begun = now();
    for _ in 0..records {
        let Appended::Stored { .. } = log.append(&payload, 0)? else {
            return Err("the log drops records".into());
        };
    }
    log.sync()?;
    let append = begun.elapsed();
    let mut read = 0;
    let begun = now();
    while !log.is_empty() {
        let batch = log.read_after(0, BATCH, usize::MAX)?;
        let last = batch.last().ok_or("records are missing")?;
        read += batch.len() as u64;
        log.ack(last.sequence);
    }
    log.checkpoint()?;
    let drain = begun.elapsed();
    if read != records {
        return Err(format!("{read} of {records} records came back").into());
    }
    let stats = log.stats();
    Ok(Cost { append, drain, written: stats.bytes_written, syncs: stats.syncs })
}

#[expect(clippy::disallowed_methods, reason = "a plain file is what the log is compared with")]
fn open(path: &Path) -> std::io::Result<File> {
    File::open(path)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
