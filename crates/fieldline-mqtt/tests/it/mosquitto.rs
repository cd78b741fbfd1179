//! A real mosquitto, started by the test on loopback with its own configuration and killed by its process.

use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::broker::within;
use crate::certificates::{Authority, Issued};

const PROGRAM: &str = "/usr/sbin/mosquitto";

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
        // mosquitto cannot choose a port itself; if another program was faster, the next one is free.
        loop {
            let port = free_port();
            let configuration = format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_inflight_messages 0\n{}\n",
                configuration.replace("FOLDER", &folder.path().display().to_string())
            );
            tokio::fs::write(folder.path().join("mosquitto.conf"), configuration).await.expect("writable");
            if let Some(process) = launch(folder.path()).await {
                return Some(Self { folder, port, process });
            }
        }
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
        self.process = launch(self.folder.path()).await.expect("its port is free again");
    }
}

/// Starts mosquitto and waits until it says that it runs; `None` if it ends instead.
async fn launch(folder: &Path) -> Option<Child> {
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
    let runs = within(async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.contains("running") {
                return true;
            }
        }
        false
    })
    .await;
    // Its log is read to the end, so that a full pipe never stops it.
    #[expect(clippy::disallowed_methods, reason = "a test has no supervisor")]
    tokio::spawn(async move { while let Ok(Some(_line)) = lines.next_line().await {} });
    runs.then_some(process)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").port()
}
