//! [`ClockMonitor`]: whether this machine's wall clock may be believed. A Raspberry Pi has no clock that runs without
//! power: it starts with the time of its last shutdown, or 1970, and jumps when the network has told it the time.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fieldline_api::{ClockState, ClockStatus};
use fieldline_runtime::Unset;
use jiff::{SignedDuration, Timestamp};

/// The folder of systemd-timesyncd: there while it runs, with a file `synchronized` in it from when it has set the
/// clock (systemd-timesyncd.service(8), files).
const TIMESYNC: &str = "/run/systemd/timesync";

/// No machine that has this program can be earlier: 2026-01-01.
const EARLIEST: i64 = 1_767_225_600;

/// What the wall clock may differ from the monotonic one between two looks; slewing differs by 0.5 ms a second at most.
const SLEWED: SignedDuration = SignedDuration::from_secs(1);

/// What was found out, for whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notice(Arc<Mutex<ClockStatus>>);

impl Notice {
    /// The status now.
    pub(crate) fn read(&self) -> ClockStatus {
        *self.status()
    }

    fn status(&self) -> MutexGuard<'_, ClockStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the wall clock.
pub struct ClockMonitor {
    folder: PathBuf,
    unset: Unset,
    notice: Notice,
    last: Option<(Instant, Timestamp)>,
}

impl ClockMonitor {
    /// Tells `unset` while the clock waits to be set.
    pub fn new(unset: Unset) -> Self {
        ClockMonitor { folder: TIMESYNC.into(), unset, notice: Notice::default(), last: None }
    }

    /// Where the status can be read.
    pub(crate) fn notice(&self) -> Notice {
        self.notice.clone()
    }

    /// Looks at the clocks and at the traces of whoever sets them.
    pub(crate) fn look(&mut self, now: Instant, time: Timestamp) {
        let mut status = self.notice.status();
        if let Some(by) = self.last.and_then(|before| jump(before, (now, time))) {
            tracing::warn!(by = %format_args!("{by:#}"), "the clock of this machine was set");
            status.jumps += 1;
            status.last_jump_seconds = Some(by.as_secs_f64());
        }
        self.last = Some((now, time));
        let before = std::mem::replace(&mut status.standing, standing(&self.folder, time));
        match (before, status.standing) {
            (before, ClockState::Unset) if before != ClockState::Unset => tracing::warn!(
                "the clock of this machine is not set yet: times are wrong; events have `meta.clock: unset` until it is"
            ),
            (ClockState::Unset, _) => tracing::info!("the clock of this machine is set"),
            _ => {}
        }
        self.unset.set(status.standing == ClockState::Unset);
    }
}

fn standing(timesync: &Path, time: Timestamp) -> ClockState {
    match (timesync.exists(), timesync.join("synchronized").exists()) {
        (true, true) => ClockState::Set,
        (true, false) => ClockState::Unset,
        (false, _) if time.as_second() < EARLIEST => ClockState::Unset,
        (false, _) => ClockState::Unknown,
    }
}

/// By how much the wall clock went on otherwise than the monotonic one.
fn jump(before: (Instant, Timestamp), now: (Instant, Timestamp)) -> Option<SignedDuration> {
    let passed = SignedDuration::try_from(now.0.saturating_duration_since(before.0)).ok()?;
    let by = now.1.duration_since(before.1).checked_sub(passed)?;
    (by.abs() > SLEWED).then_some(by)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldline_core::TimeSource;
    use fieldline_runtime::SystemTime;

    use super::*;

    #[test]
    fn a_pi_that_starts_in_the_past_says_so_until_its_clock_is_set() {
        let run = tempfile::tempdir().expect("a folder");
        let (unset, folder) = (Unset::default(), run.path().join("timesync"));
        let clock = SystemTime::new(unset.clone());
        let mut keeper = ClockMonitor { folder: folder.clone(), ..ClockMonitor::new(unset) };
        let (start, boot) = (clock.instant(), "2026-11-01T06:00:00Z".parse().expect("a time"));
        std::fs::create_dir(&folder).expect("it can be made");
        keeper.look(start, boot);
        assert_eq!((keeper.notice().read().standing, clock.is_unset()), (ClockState::Unset, true));
        std::fs::copy("Cargo.toml", folder.join("synchronized")).expect("it can be written");
        let later = boot + SignedDuration::from_hours(49) + SignedDuration::from_secs(1);
        keeper.look(start + Duration::from_secs(1), later);
        let last_jump_seconds = Some(49.0 * 3600.0);
        let wanted = ClockStatus { standing: ClockState::Set, jumps: 1, last_jump_seconds };
        assert_eq!((keeper.notice().read(), clock.is_unset()), (wanted, false));
        keeper.look(start + Duration::from_secs(2), later + SignedDuration::from_millis(1_001));
        assert_eq!(keeper.notice().read(), wanted, "a clock that is slewed does not jump");
    }

    #[test]
    fn without_a_trace_only_a_time_that_cannot_be_is_wrong() {
        let nowhere = Path::new("/nowhere");
        assert_eq!(standing(nowhere, Timestamp::UNIX_EPOCH), ClockState::Unset);
        let later = "2026-11-23T06:00:00Z".parse().expect("a time");
        assert_eq!(standing(nowhere, later), ClockState::Unknown);
    }
}
