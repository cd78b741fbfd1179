//! [`Inputs`]: what a compilation has read, and whether it would read the same again. Only that is a reason to
//! compile once more: a log that grows beside the pipeline files is none.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use fieldline_compiler::{FileSource, SecretError, Variables};
use fieldline_core::FileError;

use crate::source::{ConfigSource, Stamp};

/// The files and folders a compilation has read, with what they said.
#[derive(Debug, Default)]
pub struct Inputs {
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
    /// As long as it stays, so does the content.
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
    pub(crate) fn have_changed(&mut self, source: &dyn ConfigSource) -> bool {
        let is_other = |(path, content): (&PathBuf, &mut Content)| {
            if content.stamp.is_some() && content.stamp == source.stamp(path) {
                return false;
            }
            let now = read(source, path).1;
            if now.hash == content.hash {
                *content = now;
            }
            now.hash != content.hash
        };
        self.files.iter_mut().any(is_other)
            || self.folders.iter().any(|(path, names)| hash_of(&pipelines_in(source, path)) != *names)
    }
}

/// A source for one compilation, and a record of what it reads.
pub(crate) struct Recorder {
    source: Arc<dyn ConfigSource>,
    inputs: Mutex<Inputs>,
}

impl Recorder {
    /// Nothing read yet.
    pub(crate) fn new(source: Arc<dyn ConfigSource>) -> Self {
        Recorder { source, inputs: Mutex::default() }
    }

    /// What was read.
    pub(crate) fn into_inputs(self) -> Inputs {
        self.inputs.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, path: &Path) -> Result<Bytes, FileError> {
        let (bytes, content) = read(&*self.source, path);
        self.inputs().files.insert(path.to_owned(), content);
        bytes
    }

    fn inputs(&self) -> MutexGuard<'_, Inputs> {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileSource for Recorder {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        let bytes = self.record(path)?;
        self.inputs().contents.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let entries = self.source.list(path)?;
        self.inputs().folders.insert(path.to_owned(), hash_of(&pipelines_in(&*self.source, path)));
        Some(entries)
    }

    fn canonical(&self, path: &Path) -> PathBuf {
        self.source.canonical(path)
    }
}

impl Variables for Recorder {
    fn env(&self, name: &str) -> Option<String> {
        self.source.env(name)
    }

    fn secret(&self, name: &str) -> Result<Option<String>, SecretError> {
        if let Some(path) = self.source.secret_path(name) {
            let _the_source_says_why_not = self.record(&path);
        }
        self.source.secret(name)
    }
}

/// The content of a file, and what is to be remembered of it.
fn read(source: &dyn ConfigSource, path: &Path) -> (Result<Bytes, FileError>, Content) {
    let stamp = source.stamp(path);
    let bytes = source.read(path);
    let hash = hash_of(&bytes);
    (bytes, Content { hash, stamp })
}

/// The entries of a folder that may hold pipelines.
fn pipelines_in(source: &dyn ConfigSource, folder: &Path) -> Vec<PathBuf> {
    let may_hold = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "yaml" || end == "yml") || source.list(path).is_some()
    };
    let mut entries = source.list(folder).unwrap_or_default();
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
mod tests {
    use super::*;
    use crate::source::MemorySource;

    /// A folder that was compiled: a pipeline, a script and a secret were read.
    fn compiled() -> (Arc<MemorySource>, Inputs) {
        let source = Arc::new(MemorySource::default());
        source.write("plant/a.yaml", "one");
        source.write("plant/s.rhai", "one");
        let recorder = Recorder::new(source.clone());
        recorder.list(Path::new("plant")).expect("a folder");
        recorder.read(Path::new("plant/a.yaml")).expect("a file");
        recorder.read(Path::new("plant/s.rhai")).expect("a file");
        assert_eq!(recorder.secret("password"), Ok(None));
        (source, recorder.into_inputs())
    }

    #[test]
    fn a_log_that_grows_beside_the_files_is_no_change() {
        let (source, mut inputs) = compiled();
        source.write("plant/app.log", "a line");
        source.write("plant/a.yaml", "one");
        assert!(!inputs.have_changed(&*source));
    }

    #[test]
    fn another_content_is_a_change_until_it_is_what_it_was() {
        let (source, mut inputs) = compiled();
        source.write("plant/s.rhai", "two");
        assert!(inputs.have_changed(&*source) && inputs.have_changed(&*source));
        source.write("plant/s.rhai", "one");
        assert!(!inputs.have_changed(&*source));
    }

    #[test]
    fn a_file_that_comes_or_goes_is_a_change() {
        let changes: [fn(&MemorySource); 3] = [
            |source| source.write("plant/b.yml", "new"),
            |source| source.write("secrets/password", "hunter2"),
            |source| source.remove("plant/s.rhai"),
        ];
        for change in changes {
            let (source, mut inputs) = compiled();
            change(&source);
            assert!(inputs.have_changed(&*source));
        }
    }
}
