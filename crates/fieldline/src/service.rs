//! [`Service`]: what systemd is told of the program, where systemd runs it (sd_notify(3)): that it works, what came of
//! reloads, that it stops, and every second that it is alive. Elsewhere nobody is told.

use std::os::unix::fs::MetadataExt;

use fieldline_core::amount;
use fieldline_engine::{EngineEvent, Summary};
use sd_notify::NotifyState;

/// Whether standard error is the journal of systemd, which names its socket in `JOURNAL_STREAM` (systemd.exec(5)). A program
/// that was started by a service inherits the name, also where its output goes elsewhere.
pub(crate) fn is_journal() -> bool {
    let Some(named) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let socket = std::fs::metadata("/proc/self/fd/2");
    socket.is_ok_and(|socket| named == *format!("{}:{}", socket.dev(), socket.ino()))
}

/// The program as a service.
pub(crate) struct Service {
    /// Whether systemd starts the program anew when it hears nothing (`WatchdogSec=`).
    is_watched: bool,
}

impl Service {
    /// As the environment says.
    pub(crate) fn new() -> Self {
        Service { is_watched: sd_notify::watchdog_enabled().is_some() }
    }

    /// Tells systemd what has happened. The engine is alive once a second: if it cannot say so, the program is stuck.
    pub(crate) fn observe(&self, event: &EngineEvent<'_>) {
        match event {
            EngineEvent::Ready(summary) => {
                tell(&[NotifyState::Ready, NotifyState::Status(&words(*summary))]);
            }
            EngineEvent::Reloaded { outcome, summary } => {
                let status = format!("{}; last reload: {}", words(*summary), outcome.result());
                tell(&[NotifyState::Status(&status)]);
            }
            EngineEvent::Alive if self.is_watched => tell(&[NotifyState::Watchdog]),
            EngineEvent::Alive => {}
            EngineEvent::Stopping => tell(&[NotifyState::Stopping, NotifyState::Status("draining")]),
        }
    }
}

fn words(summary: Summary) -> String {
    format!("{}, generation {}", amount(summary.nodes, "node runs", "nodes run"), summary.generation)
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd does not listen");
    }
}
