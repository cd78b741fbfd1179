//! [`Service`]: what systemd is told of the program, where systemd runs it (sd_notify(3)): that it works, what came of
//! reloads, that it stops, and every second that it is alive. Elsewhere nobody is told.

use sd_notify::NotifyState;

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

    /// The pipelines run; whether they reach anybody is another question.
    pub(crate) fn ready(&self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// What `systemctl status` shows.
    pub(crate) fn status(&self, status: &str) {
        tell(&[NotifyState::Status(status)]);
    }

    /// To be called every second by the task that owns the runtime: if it cannot, the program is stuck.
    pub(crate) fn alive(&self) {
        if self.is_watched {
            tell(&[NotifyState::Watchdog]);
        }
    }

    /// The program drains.
    pub(crate) fn stopping(&self) {
        tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd does not listen");
    }
}
