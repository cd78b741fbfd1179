//! [`Inputs`]: what a compilation has read, and whether it would read the same again. Only that is a reason to
//! compile once more: a log that grows beside the pipeline files is none.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fieldline_compiler::{FileSource, Variables};

use crate::disk::{self, Disk, Machine, Stamp};

/// A file that was written so shortly before it was read may have been written again without a later time.
const SETTLED: Duration = Duration::from_secs(2);

/// The files and folders a compilation has read, with what they said.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    files: BTreeMap<PathBuf, Content>,
    /// The pipeline files and folders in each folder, as a hash.
    folders: BTreeMap<PathBuf, u64>,
    /// What the files said that are no secrets.
    contents: BTreeMap<PathBuf, Bytes>,
}

/// What a file said.
#[derive(Clone, Copy, Debug)]
struct Content {
    /// Of the content; of the reason, where it could not be read.
    hash: u64,
    /// With it unchanged, the content is; not there for a file that was written a moment before.
    stamp: Option<Stamp>,
}

impl Inputs {
    /// Every file and folder, also those that are not there.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().chain(self.folders.keys()).map(PathBuf::as_path)
    }

    /// What the files said, secrets left out; once.
    pub(crate) fn take_contents(&mut self) -> BTreeMap<PathBuf, Bytes> {
        std::mem::take(&mut self.contents)
    }

    /// Whether a compilation would read something else now. Reads what may have changed.
    pub(crate) fn have_changed(&mut self) -> bool {
        let is_other = |(path, content): (&PathBuf, &mut Content)| {
            if content.stamp.is_some() && content.stamp == disk::stamp(path) {
                return false;
            }
            let now = read(path).1;
            if now.hash == content.hash {
                *content = now;
            }
            now.hash != content.hash
        };
        self.files.iter_mut().any(is_other)
            || self.folders.iter().any(|(path, names)| hash_of(&pipelines_in(path)) != *names)
    }
}

/// The machine's files and variables for one compilation, and a record of what it reads.
pub(crate) struct Recorder {
    machine: Machine,
    inputs: Mutex<Inputs>,
}

impl Recorder {
    /// Nothing read yet.
    pub(crate) fn new(machine: Machine) -> Self {
        Recorder { machine, inputs: Mutex::default() }
    }

    /// What was read.
    pub(crate) fn into_inputs(self) -> Inputs {
        self.inputs.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, path: &Path) -> Result<Bytes, String> {
        let (bytes, content) = read(path);
        self.inputs().files.insert(path.to_owned(), content);
        bytes
    }

    fn inputs(&self) -> MutexGuard<'_, Inputs> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileSource for Recorder {
    fn read(&self, path: &Path) -> Result<Bytes, String> {
        let bytes = self.record(path)?;
        self.inputs().contents.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let entries = Disk.list(path)?;
        self.inputs().folders.insert(path.to_owned(), hash_of(&pipelines_in(path)));
        Some(entries)
    }
}

impl Variables for Recorder {
    fn env(&self, name: &str) -> Option<String> {
        self.machine.env(name)
    }

    fn secret(&self, name: &str) -> Result<Option<String>, String> {
        if let Some(path) = self.machine.secret_path(name) {
            let _the_machine_says_why_not = self.record(&path);
        }
        self.machine.secret(name)
    }
}

/// The content of a file, and what is to be remembered of it.
fn read(path: &Path) -> (Result<Bytes, String>, Content) {
    let stamp = disk::stamp(path).filter(|stamp| stamp.age(disk::now()) > SETTLED);
    let bytes = Disk.read(path);
    let hash = hash_of(&bytes);
    (bytes, Content { hash, stamp })
}

/// The entries of a folder that may hold pipelines.
fn pipelines_in(folder: &Path) -> Vec<PathBuf> {
    let may_hold =
        |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "yml") || path.is_dir();
    let mut entries = Disk.list(folder).unwrap_or_default();
    entries.retain(may_hold);
    entries.sort_unstable();
    entries
}

fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make real files")]
mod tests {
    use std::fs::{create_dir, remove_file, rename, write};

    use super::*;

    /// A folder that was compiled: a pipeline, a script and a secret were read.
    fn compiled() -> (tempfile::TempDir, Inputs) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for name in ["a.yaml", "s.rhai"] {
            write(path(name), "one").expect("a file");
        }
        create_dir(path("secrets")).expect("a folder");
        let recorder = Recorder::new(Machine::new(Some(&path("secrets"))));
        recorder.list(folder.path()).expect("a folder");
        recorder.read(&path("a.yaml")).expect("a file");
        recorder.read(&path("s.rhai")).expect("a file");
        assert_eq!(recorder.secret("password"), Ok(None));
        let inputs = recorder.into_inputs();
        (folder, inputs)
    }

    #[test]
    fn a_log_that_grows_beside_the_files_is_no_change() {
        let (folder, mut inputs) = compiled();
        write(folder.path().join("app.log"), "a line").expect("a file");
        write(folder.path().join("a.yaml"), "one").expect("a file");
        assert!(!inputs.have_changed());
    }

    #[test]
    fn another_content_is_a_change_until_it_is_what_it_was() {
        let (folder, mut inputs) = compiled();
        write(folder.path().join("s.rhai"), "two").expect("a file");
        assert!(inputs.have_changed() && inputs.have_changed());
        write(folder.path().join("s.rhai"), "one").expect("a file");
        assert!(!inputs.have_changed());
    }

    #[test]
    fn a_file_that_comes_goes_or_takes_the_place_of_another_is_a_change() {
        let changes: [fn(&Path); 4] = [
            |folder| write(folder.join("b.yml"), "new").expect("a file"),
            |folder| write(folder.join("secrets/password"), "hunter2").expect("a file"),
            |folder| remove_file(folder.join("s.rhai")).expect("it was there"),
            |folder| {
                write(folder.join(".a.yaml.swap"), "two").expect("a file");
                rename(folder.join(".a.yaml.swap"), folder.join("a.yaml")).expect("it was there");
            },
        ];
        for change in changes {
            let (folder, mut inputs) = compiled();
            change(folder.path());
            assert!(inputs.have_changed());
        }
    }
}
