//! Files that are none, too many or too large, a disk that is full, and edits without end.

use std::os::unix::fs::symlink;
use std::time::Duration;

use anyhow::Result;

use super::super::broker::write;
use super::{Bully, Guest, Sign, Site};

const TIMER: &str = "sources:\n  t: { type: timer, every: 10ms }\n";

/// The sink of what `node` gives.
fn sink(node: &str) -> String {
    format!("sinks:\n  out: {{ type: blackhole, inputs: {node} }}\n")
}

/// A pipeline in which `node` refers to a FIFO called `odd` in this way.
fn fifo(site: &Site<'_>, node: &str, reference: &str) -> Result<Guest> {
    site.fifo("odd")?;
    site.pipeline(&format!("{reference}{}", sink(node)))
}

/// A broker that is not there, with this field.
fn connection(field: &str) -> String {
    format!(
        "connections:\n  c: {{ type: mqtt, url: 'mqtts://127.0.0.1:1', {field} }}\nsources:\n  m: {{ type: mqtt, connection: c, \
         topics: [a] }}\n"
    )
}

const FIFO: Sign = Sign::Log("FIFO");

pub(super) const TABLE: &[Bully] = &[
    Bully::new("FIFO as pipeline", FIFO, |site| site.fifo("fifo.yaml").map(|()| Guest::default())),
    Bully::new("FIFO as script", FIFO, |site| {
        fifo(site, "s", &format!("{TIMER}transforms:\n  s: {{ type: script, inputs: t, file: odd }}\n"))
    }),
    Bully::new("FIFO as secret", FIFO, |site| {
        fifo(site, "m", &connection("username: u, password: '${secret.odd}'"))
    }),
    Bully::new("FIFO as certificate", FIFO, |site| fifo(site, "m", &connection("tls: { ca: odd }"))),
    Bully::new("FIFO as recording", FIFO, |site| {
        fifo(site, "f", "sources:\n  f: { type: file, path: odd }\n")
    }),
    Bully::new("FIFO as dead-letter file", Sign::Node, |site| {
        site.fifo("bully.jsonl")?;
        let folder = site.pipelines.display();
        site.pipeline(&format!(
            "dead_letter: {{ folder: '{folder}' }}\n{TIMER}transforms:\n  s: {{ type: script, inputs: t, code: 'throw 1;' }}\n{}",
            sink("s")
        ))
    }),
    Bully::new("/dev/zero as include", Sign::Log("device"), |site| {
        symlink("/dev/zero", site.pipelines.join("zero"))?;
        site.pipeline(&format!("include: [zero]\n{TIMER}{}", sink("t")))
    }),
    Bully::new("loop of links", Sign::Log("link"), |site| {
        symlink("loop.yaml", site.pipelines.join("loop.yaml"))?;
        Ok(Guest::default())
    }),
    Bully::new("100,000 files", Sign::Held, |site| {
        (0..100_000).try_for_each(|number| write(&site.pipelines.join(format!("{number}.txt")), ""))?;
        Ok(Guest::default())
    }),
    Bully::new("pipeline of 5 GiB", Sign::Log("larger than"), |site| {
        let name = site.pipelines.join("huge.yaml");
        std::fs::File::options().write(true).create_new(true).open(name)?.set_len(5 << 30)?;
        Ok(Guest::default())
    }),
    Bully::new("dead letters on a full disk", Sign::Node, |site| {
        let card = site.card(64 << 10)?;
        card.fill();
        let folder = site.folder.join("full");
        let guest = site.pipeline(&format!(
            "dead_letter: {{ folder: '{}' }}\nsources:\n  t: {{ type: timer, every: 1ms }}\ntransforms:\n  s: {{ type: \
             script, inputs: t, code: 'throw 1;' }}\n{}",
            folder.display(),
            sink("s")
        ))?;
        Ok(guest.on(card))
    }),
    Bully::new("disk buffer on a full disk", Sign::Node, |site| {
        let data = site.folder.join("data");
        std::fs::create_dir_all(data.join("buffers"))?;
        let card = super::super::card::Card::mount(&data, 256 << 10)?;
        card.fill();
        let guest = site.pipeline(
            "sources:\n  t: { type: timer, every: 1ms }\nsinks:\n  out: { type: blackhole, inputs: t, buffer: { \
             type: disk, max_size: 16MiB } }\n",
        )?;
        Ok(guest.on(card))
    }),
    Bully::new("edit each 100 ms", Sign::Node, |site| {
        let path = site.pipelines.join("bully.yaml");
        let mut number = 0;
        site.pipeline(&format!("{TIMER}{}", sink("t")))?.repeating(Duration::from_millis(100), move || {
            number += 1;
            let every = format!("{}ms", 10 + number % 7);
            let text = format!("pipeline: bully\n{TIMER}{}", sink("t")).replace("10ms", &every);
            let _seen_by_the_next = write(&path, &text);
        })
    }),
];
