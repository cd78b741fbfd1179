//! [`Start`]: the version to begin with: the files as they are, or where they have errors or were rolled back, as they
//! were when they worked.

use std::path::PathBuf;
use std::time::Duration;

use fieldline_compiler::{Compiled, Fingerprint, Plan};

use crate::inputs::Inputs;
use crate::last_good::LastGood;
use crate::load::{Loaded, Loader, with_broken_as_they_run};

/// What the engine can be told.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Folder for buffers, dead letters and state.
    pub data_dir: PathBuf,
    /// Time to drain before the rest is cut off.
    pub grace: Duration,
    /// Time between two saves of state.
    pub save_every: Duration,
    /// Whether to keep the last good version, and to start with it where a file has errors.
    pub last_good: bool,
}

/// A version to begin with.
pub struct Start {
    pub(crate) options: EngineOptions,
    pub(crate) loader: Loader,
    pub(crate) compiled: Compiled,
    pub(crate) inputs: Inputs,
    /// Keeps what works for the next start, if that was asked for.
    pub(crate) last_good: Option<LastGood>,
    /// What is to run.
    pub(crate) plan: Plan,
    /// The version of the files.
    pub(crate) found: Fingerprint,
    /// The version to run if that one cannot.
    pub(crate) otherwise: Option<Plan>,
    /// Why the version of the files is not run.
    pub(crate) rolled_back: Option<String>,
}

impl Start {
    /// Compiles the files and decides. Blocks while it reads them.
    pub fn new(options: EngineOptions, loader: Loader) -> Self {
        let Loaded { mut compiled, inputs } = loader.load();
        let plan = std::mem::take(&mut compiled.plan);
        let (found, last_good) = (plan.fingerprint(), None);
        let (otherwise, rolled_back) = (None, None);
        let mut start =
            Start { options, loader, compiled, inputs, last_good, plan, found, otherwise, rolled_back };
        if start.options.last_good {
            start.with(LastGood::load(&start.options.data_dir));
        }
        start
    }

    /// What the compiler has found in the files; its plan is [`Start::plan`].
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// What is to run; empty if nothing can.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes the files as they are; those with errors as they were when they had none.
    fn with(&mut self, last_good: LastGood) {
        if let Some(good) = last_good.plan(&self.loader) {
            if let Some(reason) = last_good.refuses(self.found) {
                tracing::error!(reason, "what the files say was taken back; the version before starts");
                (self.plan, self.rolled_back) = (good, Some(reason.to_owned()));
            } else {
                let plan = std::mem::take(&mut self.plan);
                self.plan = with_broken_as_they_run(&good, plan, &self.compiled.broken);
                self.otherwise = Some(good);
            }
        }
        self.last_good = Some(last_good);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fieldline_core::Registry;

    use super::*;
    use crate::last_good::{Kept, PROOF};
    use crate::source::MemorySource;

    const GOOD: &str = "pipeline: p\nsources:\n  t: { type: timer, every: 1s }\nsinks:\n  o: { type: blackhole, inputs: t }\n";

    struct Station {
        folder: tempfile::TempDir,
        source: Arc<MemorySource>,
    }

    impl Station {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let station = Station { folder, source: Arc::default() };
            station.source.write("plant/a.yaml", GOOD);
            station.source.write("plant/b.yaml", GOOD.replace("pipeline: p", "pipeline: q"));
            station
        }

        fn last_good(&self) -> LastGood {
            LastGood::load(self.folder.path())
        }

        fn start(&self) -> Start {
            let registry = Registry::new(fieldline_components::all());
            let loader = Loader::new(vec!["plant".into()], self.source.clone(), registry);
            let (data_dir, second) = (self.folder.path().to_owned(), Duration::from_secs(1));
            let options = EngineOptions { data_dir, grace: second, save_every: second, last_good: true };
            Start::new(options, loader)
        }

        /// Runs the files for as long as it takes.
        async fn proves_itself(&self) {
            let (mut start, now) = (self.start(), tokio::time::Instant::now().into_std());
            let mut last_good = self.last_good();
            last_good.consider(Kept::of(start.inputs.take_contents()), now);
            last_good.look(now + PROOF / 2).await;
            assert!(self.last_good().plan(&start.loader).is_none(), "it has to prove itself first");
            last_good.look(now + PROOF).await;
        }
    }

    #[tokio::test]
    async fn a_file_with_errors_starts_as_it_was_and_the_others_as_they_are() {
        let station = Station::new();
        station.proves_itself().await;
        let before = station.start().plan;
        station.source.write("plant/a.yaml", "pipeline: p\nsources: 5\n");
        station.source.write("plant/b.yaml", GOOD.replace("pipeline: p", "pipeline: r"));
        let start = station.start();
        assert_eq!(start.compiled.broken.len(), 1);
        let names: Vec<&str> = start.plan.pipelines.iter().map(|pipeline| &*pipeline.name).collect();
        assert_eq!(names, ["p", "r"]);
        let node = |plan: &Plan| plan.nodes.iter().find(|node| node.id.as_str() == "p/t").cloned();
        let fingerprint = |plan: &Plan| node(plan).expect("it is there").fingerprint;
        assert_eq!(fingerprint(&start.plan), fingerprint(&before));
    }

    #[tokio::test]
    async fn what_was_taken_back_is_not_started_until_it_is_edited() {
        let station = Station::new();
        station.proves_itself().await;
        station.source.write("plant/a.yaml", GOOD.replace("1s", "5s"));
        let bad = station.start().plan.fingerprint();
        station.last_good().refuse(bad, "every event failed").await;
        let start = station.start();
        assert_eq!((start.found, start.rolled_back.as_deref()), (bad, Some("every event failed")));
        assert_ne!(start.plan.fingerprint(), bad);
        station.source.write("plant/a.yaml", GOOD.replace("1s", "6s"));
        let start = station.start();
        assert_eq!(start.plan.fingerprint(), start.found);
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the test damages a real file")]
    async fn damage_is_no_reason_not_to_start() {
        let station = Station::new();
        station.proves_itself().await;
        std::fs::write(station.folder.path().join("last-good"), "nonsense").expect("a file");
        let start = station.start();
        assert_eq!(start.plan.fingerprint(), start.found);
    }
}
