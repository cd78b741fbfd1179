//! mosquitto in a process of its own, with its sessions and retained messages in memory, or on disk: saved once a second
//! and when it stops in good order, which is the best it offers. Killed, it forgets what it acknowledged since.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::process::{Process, command, free_port, now, wait};

/// A broker that can be killed and started again on the same port with the same data.
pub(super) struct Broker {
    program: PathBuf,
    config: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Broker {
    /// Starts it in `folder`, where it saves what it has.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let persistence =
            format!("persistence true\npersistence_location {}/\nautosave_interval 1", folder.display());
        Broker::with(folder, &persistence)
    }

    /// Starts it with nothing in `folder` but its settings.
    pub(super) fn in_memory(folder: &Path) -> Result<Self> {
        Broker::with(folder, "persistence false")
    }

    fn with(folder: &Path, persistence: &str) -> Result<Self> {
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].into_iter().map(PathBuf::from);
        let program = program.clone().find(|path| path.exists()).context("mosquitto is not installed")?;
        let port = free_port()?;
        let config = folder.join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nuser root\nallow_anonymous true\n{persistence}\nset_tcp_nodelay true\n\
             max_queued_messages 1000000\nmax_inflight_messages 100\n"
        );
        write(&config, &text)?;
        let mut broker = Broker { program, config, port, process: None };
        broker.resume()?;
        Ok(broker)
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it again and waits until it accepts.
    pub(super) fn resume(&mut self) -> Result<()> {
        let mut command = command(&self.program);
        command.arg("-c").arg(&self.config).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process::start(&mut command)?);
        let deadline = now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            ensure!(now() < deadline, "mosquitto does not accept");
            wait(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Kills it without a word.
    pub(super) fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Stops it in good order, so that what it acknowledged is on disk.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.process.take().map_or(Ok(()), Process::interrupt)
    }
}

#[expect(clippy::disallowed_methods, reason = "the tool sets up its own files")]
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
