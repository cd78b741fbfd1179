//! Watches the folders of everything the program was compiled from. Folders, not files: editors, `git` and
//! symlink swaps replace files, and a watch on a file sees that once and then never again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::event::Trigger;

/// How long it must be quiet before the files are read: an editor's save is several events.
const QUIET: Duration = Duration::from_millis(200);
/// Where it never becomes quiet, because something else in the folder changes all the time: after so long.
const LONGEST: Duration = Duration::from_secs(1);
/// How often files are read although nothing was heard, for file systems that tell nothing.
const POLL: Duration = Duration::from_secs(30);

/// Watches the folders of `paths`, which the engine renews, and tells it when files may have changed. Ends with it.
pub async fn watch(mut paths: watch::Receiver<BTreeSet<PathBuf>>, triggers: mpsc::Sender<Trigger>) {
    let mut watch = Watch::new();
    watch.set(&paths.borrow_and_update());
    loop {
        tokio::select! {
            renewed = paths.changed() => match renewed {
                Ok(()) => watch.set(&paths.borrow_and_update()),
                Err(_) => break,
            },
            () = watch.changed() => if triggers.send(Trigger::FilesChanged).await.is_err() {
                break;
            }
        }
    }
}

/// A watch on folders, which may change.
struct Watch {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    changes: mpsc::Receiver<()>,
    /// When it will have been quiet for long enough since the last change, and since when there are changes.
    quiet_at: Option<(Instant, Instant)>,
    /// When to look although nothing was heard.
    poll_at: Instant,
}

impl Watch {
    /// A watch on nothing yet. Where the system cannot watch, only the poll is left.
    fn new() -> Self {
        let (sender, changes) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(&event.kind)) {
                let _one_is_waiting_already = sender.try_send(());
            }
        });
        let watcher = watcher.inspect_err(
            |error| tracing::warn!(%error, "files cannot be watched; they are looked at every 30 s"),
        );
        let poll_at = Instant::now() + POLL;
        Watch { watcher: watcher.ok(), folders: BTreeSet::new(), changes, quiet_at: None, poll_at }
    }

    /// Watches the folders of these files and folders, and no others.
    fn set(&mut self, paths: &BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        let folders: BTreeSet<PathBuf> = paths.iter().filter_map(|path| folder_of(path)).collect();
        for gone in self.folders.difference(&folders) {
            let _was_removed_with_the_folder = watcher.unwatch(gone);
        }
        for new in folders.difference(&self.folders) {
            if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::warn!(folder = %new.display(), %error, "cannot watch this folder");
            }
        }
        self.folders = folders;
    }

    /// Resolves when something has changed and it has been quiet since, or when it is time to look anyway.
    /// Cancel-safe: what was heard is kept.
    async fn changed(&mut self) {
        loop {
            let due = self.quiet_at.map_or(self.poll_at, |(quiet, first)| quiet.min(first + LONGEST));
            tokio::select! {
                Some(()) = self.changes.recv() => {
                    let now = Instant::now();
                    self.quiet_at = Some((now + QUIET, self.quiet_at.map_or(now, |(_, first)| first)));
                }
                () = tokio::time::sleep_until(due) => break,
            }
        }
        self.quiet_at = None;
        self.poll_at = Instant::now() + POLL;
    }
}

/// Reading is no change, and our own reading would never let it become quiet.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// The folder to watch for a path: itself, or the nearest one above that exists.
fn folder_of(path: &Path) -> Option<PathBuf> {
    let path = if path.is_absolute() { path.to_owned() } else { Path::new(".").join(path) };
    path.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
}
