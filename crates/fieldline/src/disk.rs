//! The compiler's view of this machine: files, environment and secrets. Everything it learns comes through here,
//! and so does what commands write.
#![expect(clippy::disallowed_methods, reason = "the program is where files and environment are read")]

use std::fs::Permissions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use bytes::Bytes;
use fieldline_compiler::{Compiled, FileSource, Overrides, Request, SecretError, Variables, compile};
use fieldline_core::{FileError, Registry};
use fieldline_engine::{ConfigSource, Loader, Stamp};
use fieldline_files::ReadError;

use crate::canonical::canonical;
use crate::cli::Paths;

/// The largest file that is read for a pipeline: models may be large, anything beyond is a mistake.
const MAX_FILE: u64 = 256 << 20;

/// The largest secret: a key in PEM has a few KiB.
const MAX_SECRET: u64 = 1 << 20;

/// A file that was written so shortly before it was read may have been written again without a later time.
const SETTLED: Duration = Duration::from_secs(2);

/// The files, the environment, and secrets from a folder: one file each, which only its owner may read.
pub(crate) struct Machine {
    secrets: Option<PathBuf>,
}

impl Machine {
    /// Secrets from `folder`, or from where systemd puts credentials.
    pub(crate) fn new(folder: Option<&Path>) -> Self {
        let systemd = || std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Machine { secrets: folder.map(Path::to_owned).or_else(systemd) }
    }
}

impl FileSource for Machine {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        fieldline_files::read(path, MAX_FILE).map(Bytes::from).map_err(file_error)
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let entries = std::fs::read_dir(path).ok()?;
        Some(entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect())
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        canonical(path)
    }
}

impl Variables for Machine {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn secret(&self, name: &str) -> Result<Option<String>, SecretError> {
        if self.secrets.is_none() {
            return Ok(None);
        }
        let path = self.secret_path(name).ok_or(SecretError::NoFileName)?;
        let unreadable = |error| SecretError::Unreadable { path: path.clone(), error };
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error.into())),
        };
        if metadata.mode() & 0o077 != 0 {
            return Err(SecretError::ReadableByOthers(path));
        }
        let text = text(&path, MAX_SECRET).map_err(unreadable)?;
        Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

impl ConfigSource for Machine {
    fn stamp(&self, path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        let age = now().duration_since(modified).unwrap_or_default();
        (age > SETTLED).then(|| Stamp { modified, size: metadata.len(), number: metadata.ino() })
    }

    fn secret_path(&self, name: &str) -> Option<PathBuf> {
        let is_file_name = !name.contains(['/', '\\']) && !name.starts_with('.');
        self.secrets.as_ref().filter(|_| is_file_name).map(|folder| folder.join(name))
    }
}

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    text(path, MAX_FILE).map_err(|error| anyhow::anyhow!("cannot read `{}`: {error}", path.display()))
}

fn text(path: &Path, limit: u64) -> Result<String, FileError> {
    let bytes = fieldline_files::read(path, limit).map_err(file_error)?;
    String::from_utf8(bytes).map_err(|_| FileError::Other("it is no text in UTF-8".to_owned()))
}

fn file_error(error: ReadError) -> FileError {
    match error {
        ReadError::Io(error) => error.into(),
        ReadError::Folder => FileError::Folder,
        ReadError::NotRegular(kind) => FileError::NotRegular(kind),
        ReadError::TooLarge(limit) => FileError::TooLarge(limit >> 20),
    }
}

/// A folder that systemd or the user has set aside for what must be remembered.
pub(crate) fn data_dir(chosen: Option<&Path>) -> PathBuf {
    let systemd = || std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    chosen.map(Path::to_owned).or_else(systemd).unwrap_or_else(|| "fieldline-data".into())
}

/// Closes the data folder to others, if it is there. One that others may write into is shared on purpose, and the folder
/// that the program was started in is not its own.
pub(crate) fn close_to_others(data_dir: &Path) {
    let Ok(metadata) = std::fs::metadata(data_dir) else { return };
    let here =
        std::fs::metadata(".").is_ok_and(|here| (here.dev(), here.ino()) == (metadata.dev(), metadata.ino()));
    let mode = metadata.mode() & 0o777;
    if here || mode & 0o022 != 0 || mode & 0o077 == 0 {
        return;
    }
    if let Err(error) = std::fs::set_permissions(data_dir, Permissions::from_mode(mode & 0o700)) {
        let folder = data_dir.display();
        tracing::warn!(%folder, %error, "others can list the data folder, which cannot be closed to them");
    }
}

/// The time by this machine's clock.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// The components of this build.
pub(crate) fn registry() -> Registry {
    Registry::new(fieldline_components::all())
}

/// Compiles what the user named.
pub(crate) fn compile_paths(paths: &Paths) -> Compiled {
    let machine = Machine::new(paths.secrets.as_deref());
    compile(&Request {
        roots: &paths.paths,
        files: &machine,
        variables: &machine,
        registry: &registry(),
        overrides: Overrides::default(),
    })
}

/// Compiles it again and again, as the engine does.
pub(crate) fn loader(paths: &Paths) -> Loader {
    Loader::new(paths.paths.clone(), Arc::new(Machine::new(paths.secrets.as_deref())), registry())
}

/// Writes a file anew, whether it was there or not.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Writes at the end of a file, which is made where it is not there.
pub(crate) fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let open = || std::fs::OpenOptions::new().create(true).append(true).open(path);
    open()
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

/// Reads the lines of a text file; none where it is not there.
pub(crate) fn read_lines(path: &Path) -> anyhow::Result<Vec<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// Writes a file that is not there yet, with the folders it is in.
pub(crate) fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let create = || {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
        std::fs::File::create_new(path)?.write_all(text.as_bytes())
    };
    create().with_context(|| format!("cannot write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_has_settled_is_told_apart_by_its_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.yaml");
        let machine = Machine::new(None);
        assert_eq!(machine.stamp(&path), None);
        let write = |text: &str, age: Duration| {
            write(&path, text).expect("a file");
            let file = std::fs::File::options().write(true).open(&path).expect("it is there");
            file.set_modified(now() - age).expect("it is ours");
            machine.stamp(&path)
        };
        assert_eq!(write("one", Duration::ZERO), None);
        let settled = write("one", 2 * SETTLED);
        assert!(settled.is_some());
        assert_ne!(write("three", 2 * SETTLED), settled);
    }
}
