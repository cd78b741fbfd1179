//! A child process, and what the kernel says of it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result};

/// A child that is killed when its owner is done with it.
pub(super) struct Process(Child);

/// A command for `program` that the kernel kills when this program ends, however it ends.
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

impl Process {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = format!("{command:?}");
        Ok(Process(command.spawn().with_context(|| format!("`{name}` does not start"))?))
    }

    /// Kills it as a power cut would: without a word.
    pub(super) fn kill(mut self) {
        self.end();
    }

    /// Asks it to stop, and waits for it.
    pub(super) fn interrupt(mut self) -> Result<()> {
        self.signal("INT")?;
        self.0.wait()?;
        Ok(())
    }

    /// Sends it the signal of this name.
    pub(super) fn signal(&self, name: &str) -> Result<()> {
        Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status()?;
        Ok(())
    }

    /// Whether it runs still.
    pub(super) fn is_alive(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// Waits until it ends by itself.
    pub(super) fn wait_for_end(mut self) -> Result<()> {
        self.0.wait()?;
        Ok(())
    }

    /// Resident memory in KiB.
    pub(super) fn resident(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// How many threads it has.
    pub(super) fn threads(&self) -> Result<u64> {
        self.status("Threads:")
    }

    /// Whether it has mapped a file whose path holds `name`; the end of a versioned name may differ.
    pub(super) fn has_mapped(&self, name: &str) -> Result<bool> {
        Ok(read(Path::new(&format!("/proc/{}/maps", self.0.id())))?.contains(name))
    }

    fn status(&self, field: &str) -> Result<u64> {
        let status = read(Path::new(&format!("/proc/{}/status", self.0.id())))?;
        let value = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        Ok(value.trim().trim_end_matches(" kB").trim().parse()?)
    }

    /// Processor time used so far.
    pub(super) fn cpu(&self) -> Result<Duration> {
        let stat = read(Path::new(&format!("/proc/{}/stat", self.0.id())))?;
        let (_, fields) = stat.rsplit_once(')').context("no process state")?;
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        // USER_HZ is 100 on every Linux this runs on.
        Ok(Duration::from_millis(ticks * 10))
    }

    fn end(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Kibibytes, as the kernel tells them, in megabytes.
pub(super) fn megabytes(kibibytes: u64) -> f64 {
    kibibytes as f64 * 1024.0 / 1e6
}

impl From<Child> for Process {
    fn from(child: Child) -> Self {
        Process(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[expect(clippy::disallowed_methods, reason = "the kernel answers through files")]
pub(super) fn read(path: &Path) -> Result<String> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// A new file, for what a process says.
#[expect(clippy::disallowed_methods, reason = "the tool sets up its own files")]
pub(super) fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot create `{}`", path.display()))
}

/// A port of this machine that was free a moment ago.
pub(super) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Waits in real time.
#[expect(clippy::disallowed_methods, reason = "real processes are measured in real time")]
pub(super) fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// The time, to measure real processes with.
#[expect(clippy::disallowed_methods, reason = "real processes are measured in real time")]
pub(super) fn now() -> std::time::Instant {
    std::time::Instant::now()
}
