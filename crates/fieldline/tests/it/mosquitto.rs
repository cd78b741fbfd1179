//! A real broker for tests: mosquitto in a process of its own, on a free port of this machine.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Process, write};

/// The installed program. Where there is none, the test says that it is skipped.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
pub(crate) fn find() -> Option<PathBuf> {
    let found = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.exists());
    if found.is_none() {
        println!("skipped: mosquitto is not installed");
    }
    found
}

/// Starts it on a free port with further lines of configuration, and waits until it accepts.
pub(crate) fn start(program: &Path, folder: &Path, configuration: &str) -> (Process, u16) {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
    let config = folder.join("mosquitto.conf");
    let text = format!("listener {port} 127.0.0.1\nuser root\nallow_anonymous true\n{configuration}");
    write(&config, &text);
    let mut command = Command::new(program);
    command.arg("-c").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
    let process = Process(command.spawn().expect("mosquitto starts"));
    let deadline = now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(now() < deadline, "mosquitto does not accept");
        std::thread::yield_now();
    }
    (process, port)
}

#[expect(clippy::disallowed_methods, reason = "a test of real processes waits in real time")]
fn now() -> Instant {
    Instant::now()
}
