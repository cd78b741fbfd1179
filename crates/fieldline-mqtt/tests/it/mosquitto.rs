//! A real mosquitto, started by the test on loopback with its own configuration and killed by its process.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::broker::within;
use crate::certificates::{Authority, Issued};

const PROGRAM: &str = "/usr/sbin/mosquitto";

/// Ports to try. Another program may be faster once, not that often.
const TRIES: usize = 8;

/// A running broker; dropping it kills it.
pub(crate) struct Mosquitto {
    folder: TempDir,
    pub(crate) port: u16,
    process: Child,
}

impl Mosquitto {
    /// Starts a broker with further lines of configuration and files beside it. `None`, with a printed
    /// reason, when mosquitto is not installed.
    pub(crate) async fn start(configuration: &str, files: &[(&str, String)]) -> Option<Self> {
        if !Path::new(PROGRAM).exists() {
            #[expect(
                clippy::print_stdout,
                reason = "who reads the test's output should know what was not tested"
            )]
            {
                println!("skipped: {PROGRAM} is not installed");
            }
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, content) in files {
            tokio::fs::write(folder.path().join(name), content).await.expect("a writable folder");
        }
        let mut last_log = String::new();
        for port in (0..TRIES).map(|_try| unused_port()) {
            let configuration = format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_inflight_messages 0\n{}\n",
                configuration.replace("FOLDER", &folder.path().display().to_string())
            );
            tokio::fs::write(folder.path().join("mosquitto.conf"), configuration).await.expect("writable");
            match launch(folder.path()).await {
                Ok(process) => return Some(Self { folder, port, process }),
                Err(log) if log.contains("Address already in use") => last_log = log,
                Err(log) => panic!("mosquitto does not run:\n{log}"),
            }
        }
        panic!("mosquitto finds no port:\n{last_log}");
    }

    /// Starts one that demands certificates signed by `clients`.
    pub(crate) async fn start_tls(clients: &Authority, server: &Issued) -> Option<Self> {
        Self::start(
            "cafile FOLDER/ca.pem\ncertfile FOLDER/server.pem\nkeyfile FOLDER/server.key\nrequire_certificate true",
            &[("ca.pem", clients.pem()), ("server.pem", server.certificate.clone()), ("server.key", server.key.clone())],
        )
        .await
    }

    /// Kills it without warning and starts it again on the same port.
    pub(crate) async fn crash_and_restart(&mut self) {
        self.process.kill().await.expect("it runs");
        self.process = launch(self.folder.path()).await.expect("its port stays free");
    }
}

/// Starts mosquitto and waits until it says that it runs; the error is its log if it ends instead.
async fn launch(folder: &Path) -> Result<Child, String> {
    let mut process = Command::new(PROGRAM)
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it is installed");
    let mut lines = BufReader::new(process.stderr.take().expect("piped")).lines();
    within(async {
        let mut log = String::new();
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.ends_with(" running") {
                return Ok(());
            }
            log += &format!("{line}\n");
        }
        Err(log)
    })
    .await?;
    // Its log is read to the end, so that a full pipe never stops it.
    #[expect(clippy::disallowed_methods, reason = "a test has no supervisor")]
    tokio::spawn(async move { while let Ok(Some(_line)) = lines.next_line().await {} });
    Ok(process)
}

/// A port for mosquitto, which must be told one. It is below those that the system gives to whoever asks for any, and
/// each call of each process begins with another, so that it stays free until it is used, and from one use to the next.
fn unused_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let from = std::process::id().wrapping_mul(97);
    loop {
        let step = from.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let port = 10_000 + u16::try_from(step).expect("below 20,000");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
