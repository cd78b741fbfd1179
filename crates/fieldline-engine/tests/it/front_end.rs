//! [`run`]: the least that runs an engine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fieldline_api::{NodeStatus, ReloadOutcome, ReloadRequest};
use fieldline_core::{Clock, Registry};
use fieldline_engine::{
    ClockMonitor, Engine, EngineEvent, EngineHandle, EngineOptions, Loader, MemorySource, Start, Trigger,
};
use fieldline_runtime::{TokioTime, Unset};
use tokio::sync::{mpsc, watch};

/// A running engine and the files it was started from.
pub(crate) struct FrontEnd {
    pub(crate) files: Arc<MemorySource>,
    pub(crate) engine: EngineHandle,
    pub(crate) triggers: mpsc::Sender<Trigger>,
    pub(crate) data: tempfile::TempDir,
    heard: Arc<Mutex<Vec<String>>>,
}

/// Runs the pipeline `text` for as long as `act` takes, then stops it; gives what the observer was told.
pub(crate) async fn run(text: &str, act: impl AsyncFnOnce(&FrontEnd)) -> Vec<String> {
    let data = tempfile::tempdir().expect("a folder");
    let files = Arc::new(MemorySource::default());
    files.write("plant/p.yaml", text.to_owned());
    let start = Start::new(options(&data), loader(&files));
    assert!(start.compiled().is_ok(), "{:?}", start.compiled().diagnostics);
    let clock = Clock::new(TokioTime::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = heard.clone();
    let observer = move |event: &EngineEvent<'_>| {
        if let Some(word) = word(event) {
            notes.lock().expect("nobody panicked").push(word);
        }
    };
    let monitor = ClockMonitor::new(Unset::default());
    let (stop, stopped) = watch::channel(false);
    let started = Engine::start(start, clock, monitor, Box::new(observer), stopped).await;
    let (runner, engine) = started.expect("it can be built");
    let (triggers, triggered) = mpsc::channel(1);
    let front = FrontEnd { files, engine, triggers, data, heard };
    let acting = async {
        act(&front).await;
        stop.send_replace(true);
    };
    let running = can_be_spawned(runner.run(triggered));
    tokio::join!(running, acting);
    front.heard()
}

/// An engine may run in a task of its own.
fn can_be_spawned<F: Future<Output = u64> + Send>(engine: F) -> F {
    engine
}

fn options(data: &tempfile::TempDir) -> EngineOptions {
    EngineOptions {
        data_dir: data.path().to_owned(),
        grace: Duration::from_secs(10),
        save_every: Duration::from_secs(60),
        last_good: true,
    }
}

fn loader(files: &Arc<MemorySource>) -> Loader {
    Loader::new(vec!["plant".into()], files.clone(), Registry::new(fieldline_components::all()))
}

impl FrontEnd {
    /// What compiles its files.
    pub(crate) fn loader(&self) -> Loader {
        loader(&self.files)
    }

    /// The version with which an engine on the same files and data would begin.
    pub(crate) fn start_again(&self) -> Start {
        Start::new(options(&self.data), self.loader())
    }

    /// Saves the pipeline as `text` and reloads.
    pub(crate) async fn edit(&self, text: &str) -> ReloadOutcome {
        self.files.write("plant/p.yaml", text.to_owned());
        self.reload().await
    }

    /// Reads the files again.
    pub(crate) async fn reload(&self) -> ReloadOutcome {
        self.engine.reload(ReloadRequest::default()).await.expect("it runs")
    }

    /// The node `p/name`.
    pub(crate) fn node(&self, name: &str) -> NodeStatus {
        let program = self.engine.program();
        let found = program.nodes.into_iter().find(|node| node.node == format!("p/{name}"));
        found.expect("the pipeline has it")
    }

    /// Waits until the node `p/name` is as wanted.
    pub(crate) async fn until(&self, name: &str, is_wanted: impl Fn(&NodeStatus) -> bool) -> NodeStatus {
        loop {
            let node = self.node(name);
            if is_wanted(&node) {
                return node;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What the observer was told since this was asked last, without signs of life.
    pub(crate) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().expect("nobody panicked"))
    }
}

fn word(event: &EngineEvent<'_>) -> Option<String> {
    match event {
        EngineEvent::Ready(summary) => Some(format!("ready with {} nodes", summary.nodes)),
        EngineEvent::Reloaded { outcome, .. } => Some(outcome.result().to_string()),
        EngineEvent::Alive => None,
        EngineEvent::Stopping => Some("stopping".to_owned()),
    }
}
