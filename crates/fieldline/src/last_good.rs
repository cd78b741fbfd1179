//! [`LastGood`]: the files of the last version that proved itself, kept for the next start. Where a file has errors by
//! then, or what they say was taken back, the machine comes up with what worked: nobody may be there to mend it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fieldline_compiler::plan::{Fingerprint, Plan};
use fieldline_compiler::{Broken, Compiled, FileSource};
use fieldline_store::{Checkpoint, DiskStorage};
use serde::{Deserialize, Serialize};

use crate::cli::{Paths, RunOptions};
use crate::disk::{self, Disk};
use crate::engine::with_broken_as_they_run;

/// How long a version must run before it is kept. Whatever takes a change back has done so by then, unless the
/// pipelines ask for a longer `rollback_window`; then that has to pass too.
const PROOF: Duration = Duration::from_secs(60);

/// The shape of what is kept.
const VERSION: u32 = 1;

/// What stands in every private key in PEM. They stay where they are: this must not become a second place to guard.
const SECRET: &[u8] = b"PRIVATE KEY-----";

/// Files by path, as they are kept. What is not among them is read from the disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept(BTreeMap<PathBuf, Bytes>);

impl Kept {
    /// All of `files` but private keys.
    pub(crate) fn of(mut files: BTreeMap<PathBuf, Bytes>) -> Self {
        files.retain(|_, content| !content.windows(SECRET.len()).any(|part| part == SECRET));
        Kept(files)
    }
}

impl FileSource for Kept {
    fn read(&self, path: &Path) -> Result<Bytes, String> {
        self.0.get(path).map_or_else(|| Disk.read(path), |content| Ok(content.clone()))
    }

    fn list(&self, path: &Path) -> Option<Vec<PathBuf>> {
        let below = self.0.keys().filter_map(|file| Some((file, file.strip_prefix(path).ok()?)));
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

/// How the program starts.
pub(crate) struct Start {
    /// Keeps what works for the next start, if that was asked for.
    pub(crate) last_good: Option<LastGood>,
    /// What is to run.
    pub(crate) plan: Plan,
    /// The version on disk.
    pub(crate) found: Fingerprint,
    /// What ran before and is run if that cannot be.
    pub(crate) otherwise: Option<Plan>,
    /// Why the version on disk is not run.
    pub(crate) taken_back: Option<String>,
}

impl Start {
    /// As the options say, of the plan that was compiled; it is taken out.
    pub(crate) fn new(options: &RunOptions, compiled: &mut Compiled) -> Self {
        let start = Start::with(std::mem::take(&mut compiled.plan));
        if options.last_good {
            let last_good = LastGood::load(&disk::data_dir(options.data_dir.as_deref()));
            last_good.start(&options.paths, start, &compiled.broken)
        } else {
            start
        }
    }

    fn with(plan: Plan) -> Self {
        Start { last_good: None, found: plan.fingerprint(), plan, otherwise: None, taken_back: None }
    }
}

impl LastGood {
    /// What was kept in the data folder; nothing, if it cannot be read.
    fn load(data_dir: &Path) -> Self {
        let checkpoint = Arc::new(Checkpoint::new(Arc::new(DiskStorage), data_dir.join("last-good")));
        let loaded = match checkpoint.load() {
            Ok(Some(saved)) if saved.version == VERSION => {
                rmp_serde::from_slice(&saved.payload).map(Some).map_err(|error| error.to_string())
            }
            Ok(_) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        let memory = loaded.unwrap_or_else(|error| {
            tracing::error!(
                error,
                "the last good version cannot be read; without it, a file with errors does not run"
            );
            None
        });
        LastGood { checkpoint, memory: memory.unwrap_or_default(), candidate: None }
    }

    /// What to start: the files as they are; those with errors as they were when they had none.
    fn start(self, paths: &Paths, mut start: Start, broken: &[Broken]) -> Start {
        if !self.memory.files.0.is_empty() {
            let good = disk::compile_from(paths, &self.memory.files).plan;
            let found = start.found.to_string();
            if let Some((_, reason)) = self.memory.refused.as_ref().filter(|(hash, _)| *hash == found) {
                tracing::error!(reason, "what the files say was taken back; the version before starts");
                (start.plan, start.taken_back) = (good, Some(reason.clone()));
            } else {
                start.plan = with_broken_as_they_run(&good, start.plan, broken);
                start.otherwise = Some(good);
            }
        }
        start.last_good = Some(self);
        start
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
        let saving = tokio::task::spawn_blocking(move || {
            let payload = encoded.map_err(|error| error.to_string())?;
            checkpoint.save(VERSION, &payload).map_err(|error| error.to_string())
        });
        if let Err(error) = saving.await.unwrap_or_else(|panic| Err(panic.to_string())) {
            tracing::error!(error, "the last good version cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "pipeline: p\nsources:\n  t: { type: timer, every: 1s }\nsinks:\n  o: { type: blackhole, inputs: t }\n";

    struct Machine {
        folder: tempfile::TempDir,
        paths: Paths,
    }

    impl Machine {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let paths = Paths { paths: vec![folder.path().join("pipelines")], secrets: None };
            let machine = Machine { folder, paths };
            disk::write_new(&machine.file("a"), GOOD).expect("a file");
            disk::write_new(&machine.file("b"), &GOOD.replace("pipeline: p", "pipeline: q")).expect("a file");
            machine
        }

        fn file(&self, name: &str) -> PathBuf {
            self.folder.path().join("pipelines").join(format!("{name}.yaml"))
        }

        fn last_good(&self) -> LastGood {
            LastGood::load(self.folder.path())
        }

        /// Runs what is on disk for as long as it takes.
        async fn proves_itself(&self) {
            let (_, mut inputs) = disk::compile_recorded(&self.paths);
            let (mut last_good, now) = (self.last_good(), tokio::time::Instant::now().into_std());
            last_good.consider(Kept::of(inputs.take_contents()), now);
            last_good.look(now + PROOF / 2).await;
            assert!(self.last_good().memory.files.0.is_empty(), "it has to prove itself first");
            last_good.look(now + PROOF).await;
        }

        fn starts(&self) -> (Compiled, Start) {
            let mut compiled = disk::compile_recorded(&self.paths).0;
            let start = Start::with(std::mem::take(&mut compiled.plan));
            let start = self.last_good().start(&self.paths, start, &compiled.broken);
            (compiled, start)
        }
    }

    #[tokio::test]
    async fn a_file_with_errors_starts_as_it_was_and_the_others_as_they_are() {
        let machine = Machine::new();
        machine.proves_itself().await;
        let before = machine.starts().1.plan;
        disk::write(&machine.file("a"), "pipeline: p\nsources: 5\n").expect("a file");
        disk::write(&machine.file("b"), &GOOD.replace("pipeline: p", "pipeline: r")).expect("a file");
        let (compiled, start) = machine.starts();
        assert_eq!(compiled.broken.len(), 1);
        let names: Vec<&str> = start.plan.pipelines.iter().map(|pipeline| &*pipeline.name).collect();
        assert_eq!(names, ["p", "r"]);
        let node = |plan: &Plan| plan.nodes.iter().find(|node| node.id.as_str() == "p/t").cloned();
        let fingerprint = |plan: &Plan| node(plan).expect("it is there").fingerprint;
        assert_eq!(fingerprint(&start.plan), fingerprint(&before));
    }

    #[tokio::test]
    async fn what_was_taken_back_is_not_started_until_it_is_edited() {
        let machine = Machine::new();
        machine.proves_itself().await;
        disk::write(&machine.file("a"), &GOOD.replace("1s", "5s")).expect("a file");
        let bad = machine.starts().1.plan.fingerprint();
        machine.last_good().refuse(bad, "every event failed").await;
        let (_, start) = machine.starts();
        assert_eq!((start.found, start.taken_back.as_deref()), (bad, Some("every event failed")));
        assert_ne!(start.plan.fingerprint(), bad);
        disk::write(&machine.file("a"), &GOOD.replace("1s", "6s")).expect("a file");
        let (_, start) = machine.starts();
        assert_eq!(start.plan.fingerprint(), start.found);
    }

    #[test]
    fn private_keys_are_not_kept() {
        let key = ("k.pem", "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n");
        let files = [key, ("a.yaml", GOOD)].map(|(name, text)| (PathBuf::from(name), Bytes::from(text)));
        let kept = Kept::of(BTreeMap::from(files));
        assert_eq!(kept.0.keys().collect::<Vec<_>>(), [Path::new("a.yaml")]);
    }

    #[tokio::test]
    async fn damage_is_no_reason_not_to_start() {
        let machine = Machine::new();
        machine.proves_itself().await;
        disk::write(&machine.folder.path().join("last-good"), "nonsense").expect("a file");
        let (_, start) = machine.starts();
        assert_eq!(start.plan.fingerprint(), start.found);
    }
}
