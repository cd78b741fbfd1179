//! Runs the built program and looks at what it says.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a run of the program has brought.
pub(crate) struct Done {
    /// The exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) out: String,
    /// What it complained about.
    pub(crate) errors: String,
}

/// A process that is killed by its id when the test ends.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A port for a program that must be told one. It is below those that the system gives to whoever asks for any, and
/// each call of each process begins with another, so that it stays free until it is used, and from one use to the next.
pub(crate) fn unused_port() -> u16 {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let from = std::process::id().wrapping_mul(97);
    loop {
        let step = from.wrapping_add(CALLS.fetch_add(1, Ordering::Relaxed)) % 20_000;
        let port = 10_000 + u16::try_from(step).expect("below 20,000");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Runs `fieldline` with `arguments` in `folder`, without a terminal.
pub(crate) fn fieldline(folder: &Path, arguments: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_fieldline"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    Done {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        errors: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A folder with files in it.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder");
        write(&path, text);
    }
    folder
}

/// The top of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// Whether this run is to rewrite what it compares with.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment to rewrite their files")]
pub(crate) fn updates() -> bool {
    std::env::var("UPDATE").is_ok()
}

/// The text of a file; empty without it.
#[expect(clippy::disallowed_methods, reason = "tests look at real files")]
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Writes a file.
#[expect(clippy::disallowed_methods, reason = "tests make real files")]
pub(crate) fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the file can be written");
}

/// Every file below `folder` whose name ends in `extension`, in the order of the paths.
pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
