//! [`Site`]: where a bully comes in; and [`Guest`]: what it does and holds until the row is over.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::super::broker::write;
use super::super::card::Card;
use super::super::process::wait;

/// A running program, as a bully sees it.
pub(super) struct Site<'a> {
    /// For what must not be watched.
    pub(super) folder: &'a Path,
    /// The folder that the program runs and watches.
    pub(super) pipelines: &'a Path,
    /// The port of its admin listener.
    pub(super) admin: u16,
}

/// What a bully does and holds; it stops when this is dropped.
#[derive(Default)]
pub(super) struct Guest {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    streams: Vec<TcpStream>,
    card: Option<Card>,
}

impl Site<'_> {
    /// Puts a pipeline called `bully` into the watched folder, or anew.
    pub(super) fn pipeline(&self, rest: &str) -> Result<Guest> {
        let new = self.folder.join("new");
        write(&new, &format!("pipeline: bully\n{rest}"))?;
        std::fs::rename(new, self.pipelines.join("bully.yaml"))?;
        Ok(Guest::default())
    }

    /// Makes a FIFO that nobody writes to or reads from, in the watched folder.
    pub(super) fn fifo(&self, name: &str) -> Result<()> {
        let made = Command::new("mkfifo").args(["-m", "600"]).arg(self.pipelines.join(name)).status()?;
        ensure!(made.success(), "`mkfifo` makes no `{name}`");
        Ok(())
    }

    /// Mounts a file system of `size` bytes at `full` in the folder that is not watched.
    pub(super) fn card(&self, size: usize) -> Result<Card> {
        let folder = self.folder.join("full");
        std::fs::create_dir(&folder)?;
        Card::mount(&folder, size)
    }
}

impl Guest {
    /// Repeats `act` until the row is over; it must not take long.
    pub(super) fn repeating(
        mut self,
        pause: Duration,
        mut act: impl FnMut() + Send + 'static,
    ) -> Result<Self> {
        let stop = Arc::clone(&self.stop);
        let body = move || {
            while !stop.load(Ordering::Relaxed) {
                act();
                wait(pause);
            }
        };
        self.threads.push(Builder::new().name("bully".into()).spawn(body).context("no thread")?);
        Ok(self)
    }

    /// Does `act` with each connection that comes to `listener`, and keeps those that it gives back.
    pub(super) fn serving(
        self,
        listener: TcpListener,
        mut act: impl FnMut(TcpStream) -> Option<TcpStream> + Send + 'static,
    ) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let mut kept = Vec::new();
        self.repeating(Duration::from_millis(5), move || {
            if let Ok((stream, _)) = listener.accept() {
                kept.extend(act(stream));
            }
        })
    }

    /// Holds `count` connections to `port`, each as `open` leaves it.
    pub(super) fn holding(mut self, port: u16, count: usize, open: fn(&mut TcpStream)) -> Result<Self> {
        for _ in 0..count {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_write_timeout(Some(Duration::from_millis(100)))?;
            open(&mut stream);
            self.streams.push(stream);
        }
        Ok(self)
    }

    /// Holds a file system.
    pub(super) fn on(mut self, card: Card) -> Self {
        self.card = Some(card);
        self
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}
