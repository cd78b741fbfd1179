//! mosquitto in a process of its own, with its sessions and retained messages in memory, or on disk: saved once a second
//! and when it stops in good order, which is the best it offers. Killed, it forgets what it acknowledged since.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::place::Place;
use super::process::{Process, command, free_port, now, wait};

/// The file with the passwords of a broker's users, in its folder.
const PASSWORDS: &str = "passwords";

/// A broker that can be killed and started again at the same place, a port or a socket, with the same data.
pub(super) struct Broker<P = u16> {
    program: PathBuf,
    config: PathBuf,
    place: P,
    process: Option<Process>,
}

impl Broker {
    /// Starts it in `folder`, where it saves what it has.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let persistence =
            format!("persistence true\npersistence_location {}/\nautosave_interval 1", folder.display());
        Broker::at_port(folder, &persistence)
    }

    /// Starts it with nothing in `folder` but its settings.
    pub(super) fn in_memory(folder: &Path) -> Result<Self> {
        Broker::at_port(folder, "persistence false")
    }

    fn at_port(folder: &Path, persistence: &str) -> Result<Self> {
        let port = free_port()?;
        let settings = format!("listener {port} 127.0.0.1\n{persistence}\nmax_inflight_messages 100");
        Broker::with(folder, port, &settings)
    }

    /// The port it listens on.
    pub(super) fn port(&self) -> u16 {
        self.place
    }
}

impl Broker<PathBuf> {
    /// Starts it in a new `folder`, where it saves what it has. It listens on a socket there, so that nobody can take
    /// its place while it is stopped. With a `password` it refuses the user `storm` without it, and all other names.
    pub(super) fn on_socket(folder: &Path, password: Option<&str>) -> Result<Self> {
        let persistence =
            format!("persistence true\npersistence_location {}/\nautosave_interval 1", folder.display());
        Broker::at_socket(folder, password, &persistence)
    }

    /// Like [`Broker::on_socket`], for a broker that is never stopped. It saves nothing: saving a long queue each second
    /// takes all its time.
    pub(super) fn on_socket_in_memory(folder: &Path) -> Result<Self> {
        Broker::at_socket(folder, None, "persistence false")
    }

    fn at_socket(folder: &Path, password: Option<&str>, persistence: &str) -> Result<Self> {
        std::fs::create_dir(folder)?;
        let socket = folder.join("socket");
        let mut settings =
            format!("listener 0 {}\n{persistence}\nmax_inflight_messages 1000", socket.display());
        if let Some(password) = password {
            set_password(folder, password)?;
            settings += &format!("\npassword_file {}", folder.join(PASSWORDS).display());
        }
        Broker::with(folder, socket, &settings)
    }

    /// The socket it listens on.
    pub(super) fn socket(&self) -> &Path {
        &self.place
    }

    /// Makes it stop where it stands, with its connections open, until [`Broker::thaw`].
    pub(super) fn freeze(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal("STOP"))
    }

    /// Ends [`Broker::freeze`].
    pub(super) fn thaw(&self) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal("CONT"))
    }
}

impl<P: Clone + Into<Place>> Broker<P> {
    fn with(folder: &Path, place: P, settings: &str) -> Result<Self> {
        let program = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"].into_iter().map(PathBuf::from);
        let program = program.clone().find(|path| path.exists()).context("mosquitto is not installed")?;
        let config = folder.join("mosquitto.conf");
        let text = format!(
            "{settings}\nuser root\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 1000000\n"
        );
        write(&config, &text)?;
        let mut broker = Broker { program, config, place, process: None };
        broker.resume()?;
        Ok(broker)
    }

    /// Starts it again and waits until it accepts.
    pub(super) fn resume(&mut self) -> Result<()> {
        let mut command = command(&self.program);
        command.arg("-c").arg(&self.config).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(Process::start(&mut command)?);
        let deadline = now() + Duration::from_secs(20);
        let place: Place = self.place.clone().into();
        while place.connect().is_err() {
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

/// Gives the user `storm` another password at the broker in `folder`, from its next start on.
pub(super) fn set_password(folder: &Path, password: &str) -> Result<()> {
    let mut command = Command::new("mosquitto_passwd");
    command.args(["-b", "-c"]).arg(folder.join(PASSWORDS)).args(["storm", password]);
    ensure!(
        command.status().context("`mosquitto_passwd` does not start")?.success(),
        "no password can be set"
    );
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the tool sets up its own files")]
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
