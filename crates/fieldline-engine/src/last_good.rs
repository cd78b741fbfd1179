//! [`LastGood`]: the files of the last version that proved itself, kept for the next start. Where a file has errors by
//! then, or what they say was taken back, the machine comes up with what worked: nobody may be there to mend it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fieldline_compiler::{FileSource, Fingerprint, Plan};
use fieldline_core::FileError;
use fieldline_store::{Checkpoint, DiskStorage, StoreError};
use serde::{Deserialize, Serialize};
use tokio::task::JoinError;

use crate::blocking::blocking;
use crate::load::Loader;

/// How long a version must run before it is kept. Whatever takes a change back has done so by then, unless the
/// pipelines ask for a longer `rollback_window`; then that has to pass too.
pub(crate) const PROOF: Duration = Duration::from_secs(60);

/// The shape of what is kept.
const VERSION: u32 = 1;

/// What stands in every private key in PEM. They stay where they are: this must not become a second place to guard.
const SECRET: &[u8] = b"PRIVATE KEY-----";

/// Files by path, as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept(BTreeMap<PathBuf, Bytes>);

impl Kept {
    /// All of `files` but private keys.
    pub(crate) fn of(mut files: BTreeMap<PathBuf, Bytes>) -> Self {
        files.retain(|_, content| !content.windows(SECRET.len()).any(|part| part == SECRET));
        Kept(files)
    }
}

/// Kept files; those that were not kept come from where they are.
struct KeptFiles<'a> {
    kept: &'a Kept,
    others: &'a dyn FileSource,
}

impl FileSource for KeptFiles<'_> {
    fn read(&self, path: &Path) -> Result<Bytes, FileError> {
        self.kept.0.get(path).map_or_else(|| self.others.read(path), |content| Ok(content.clone()))
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let below = self.kept.0.keys().filter_map(|file| Some((file, file.strip_prefix(path).ok()?)));
        let entries: BTreeSet<PathBuf> =
            below.filter_map(|(_, rest)| Some(path.join(rest.components().next()?))).collect();
        (!entries.is_empty()).then(|| entries.into_iter().collect())
    }
}

/// What is on disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Memory {
    files: Kept,
    /// A version that was taken back, by its hash, and why: not to be started.
    refused: Option<(String, String)>,
}

/// Keeps the last good version.
pub(crate) struct LastGood {
    checkpoint: Arc<Checkpoint>,
    memory: Memory,
    /// What runs without an error, and since when.
    candidate: Option<(Instant, Kept)>,
}

/// Why the last good version cannot be read or kept.
#[derive(Debug, thiserror::Error)]
enum LastGoodError {
    /// The file system refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file holds something else.
    #[error("it is damaged: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// It cannot be written as a record.
    #[error(transparent)]
    Encode(#[from] rmp_serde::encode::Error),
    /// The task that writes has panicked.
    #[error(transparent)]
    Task(#[from] JoinError),
}

impl LastGood {
    /// What was kept in the data folder; nothing, if it cannot be read.
    pub(crate) fn load(data_dir: &Path) -> Self {
        let checkpoint = Arc::new(Checkpoint::new(Arc::new(DiskStorage), data_dir.join("last-good")));
        let memory = read(&checkpoint).unwrap_or_else(|error| {
            tracing::error!(
                %error,
                "the last good version cannot be read; without it, a file with errors does not run"
            );
            None
        });
        LastGood { checkpoint, memory: memory.unwrap_or_default(), candidate: None }
    }

    /// The last good version; `None` if there is none.
    pub(crate) fn plan(&self, loader: &Loader) -> Option<Plan> {
        let files = KeptFiles { kept: &self.memory.files, others: &**loader.source() };
        (!self.memory.files.0.is_empty()).then(|| loader.load_from(&files).plan)
    }

    /// Why `version` must not be started, if it was rolled back.
    pub(crate) fn refuses(&self, version: Fingerprint) -> Option<&str> {
        let (refused, reason) = self.memory.refused.as_ref()?;
        (*refused == version.to_string()).then_some(reason)
    }

    /// A version without errors runs from `now` on.
    pub(crate) fn consider(&mut self, files: Kept, now: Instant) {
        let is_kept = files == self.memory.files && self.memory.refused.is_none();
        self.candidate = (!is_kept).then_some((now, files));
    }

    /// What runs is not what a start would run, or nobody knows yet whether it is good.
    pub(crate) fn withdraw(&mut self) {
        self.candidate = None;
    }

    /// A version was taken back.
    pub(crate) async fn refuse(&mut self, version: Fingerprint, reason: &str) {
        self.withdraw();
        self.memory.refused = Some((version.to_string(), reason.to_owned()));
        self.save().await;
    }

    /// The version that was rolled back runs again.
    pub(crate) async fn forgive(&mut self) {
        self.memory.refused = None;
        self.save().await;
    }

    /// Keeps what has run long enough.
    pub(crate) async fn look(&mut self, now: Instant) {
        let has_proved_itself =
            |(since, _): &mut (Instant, Kept)| now.saturating_duration_since(*since) >= PROOF;
        if let Some((_, files)) = self.candidate.take_if(has_proved_itself) {
            self.memory = Memory { files, refused: None };
            self.save().await;
        }
    }

    async fn save(&self) {
        let (checkpoint, encoded) = (self.checkpoint.clone(), rmp_serde::to_vec(&self.memory));
        let saving = async {
            let payload = encoded?;
            let saving = blocking(move || checkpoint.save(VERSION, &payload));
            Ok::<(), LastGoodError>(saving.await??)
        };
        if let Err(error) = saving.await {
            tracing::error!(%error, "the last good version cannot be kept");
        }
    }
}

fn read(checkpoint: &Checkpoint) -> Result<Option<Memory>, LastGoodError> {
    let saved = checkpoint.load()?.filter(|saved| saved.version == VERSION);
    Ok(saved.map(|saved| rmp_serde::from_slice(&saved.payload)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_not_kept() {
        let key = ("k.pem", "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n");
        let files =
            [key, ("a.yaml", "pipeline: p")].map(|(name, text)| (PathBuf::from(name), Bytes::from(text)));
        let kept = Kept::of(BTreeMap::from(files));
        assert_eq!(kept.0.keys().collect::<Vec<_>>(), [Path::new("a.yaml")]);
    }
}
