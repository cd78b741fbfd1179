//! What a clock that waits to be set, or is set to another time, does to events.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use fieldline_core::policy::{BufferKind, SinkPolicy, WhenFull};
use fieldline_core::{Clock, Period, TimeSource};
use fieldline_runtime::{Environment, Runtime, SystemTime, Unset};
use jiff::{SignedDuration, Timestamp};

use crate::bench_plan::{Draw, Part, Witness, balance};
use crate::card::{Card, on_disk};
use crate::disk::numbers;

#[tokio::test(start_paused = true)]
async fn events_say_so_until_the_clock_is_set() {
    let (folder, unset, witness) =
        (tempfile::tempdir().expect("a folder"), Unset::default(), Witness::default());
    unset.set(true);
    let clock = Clock::new(SystemTime::new(unset.clone()));
    let drain = Duration::from_secs(10);
    let mut runtime =
        Runtime::new(Environment { clock, data_dir: folder.path().into(), drain, save_every: None });
    let plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: Duration::from_secs(1), limit: 10 }, &[])
        .node("unset", Part::Has("clock"), &["air"])
        .node("out", Part::Writes, &["unset"])
        .plan();
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    unset.set(false);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let written = witness.written("out");
    assert_eq!(written.len(), 10);
    assert_eq!(written[..5], [1; 5]);
    assert_eq!(written[6..], [0; 4]);
}

/// The wall clock stands where it is set to; the other one is tokio's.
#[derive(Clone, Default)]
struct SetByHand(Arc<AtomicI64>);

impl TimeSource for SetByHand {
    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn time(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// Ten readings of ten seconds wait for a sink that fails at first; after five the wall clock is set forward by
/// an hour. Gives back how many were written, and how many expired.
async fn wait_through_a_jump(kind: BufferKind, max_age: Duration) -> (usize, u64) {
    let (folder, wall, witness) =
        (tempfile::tempdir().expect("a folder"), SetByHand::default(), Witness::default());
    let drain = Duration::from_secs(600);
    let environment = Environment {
        clock: Clock::new(wall.clone()),
        data_dir: folder.path().into(),
        drain,
        save_every: None,
    };
    let mut runtime = Runtime::new(environment);
    let mut policy = SinkPolicy::default();
    policy.buffer.kind = kind;
    policy.buffer.max_age = Some(Period(max_age));
    let plan = Draw::new(&witness)
        .node("air", Part::Numbers { pause: Duration::from_secs(1), limit: 10 }, &[])
        .node_with("out", Part::WritesAfter(6), &["air"], policy)
        .plan();
    runtime.apply(plan).await.expect("it can be built");
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    wall.0.store(3600, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(300)).await;
    runtime.stop(Duration::from_secs(600)).await;
    (witness.written("out").len(), balance(&runtime.view().status(), "out").expired)
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_ages_nothing_that_waits() {
    for kind in [BufferKind::Memory, BufferKind::Disk] {
        assert_eq!(wait_through_a_jump(kind, Duration::from_secs(600)).await, (10, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_too_long_expires_though_the_wall_clock_stands_still() {
    for kind in [BufferKind::Memory, BufferKind::Disk] {
        let (written, expired) = wait_through_a_jump(kind, Duration::from_secs(5)).await;
        assert!(expired > 0 && written as u64 + expired == 10, "{written} {expired}");
    }
}

/// Ten numbers wait on disk, stamped by a wall clock that shows `stamped`, for a program that starts anew when it shows
/// `restarted`, in seconds of the Unix epoch; their `max_age` is ten minutes. Gives back how many that one writes.
async fn wait_over_a_restart(stamped: i64, restarted: i64) -> usize {
    let card = Card::new();
    let mut policy = on_disk(WhenFull::Block);
    policy.buffer.max_age = Some(Period(Duration::from_secs(600)));
    let mut written = 0;
    for (wall, sink, limit) in [(stamped, Part::WritesAfter(u32::MAX), 10), (restarted, Part::Writes, 0)] {
        let witness = Witness::default();
        let start = Timestamp::from_second(wall).expect("a time").to_string();
        let mut runtime = card.runtime_at(&start);
        let plan = numbers(&witness, Duration::from_millis(1), limit)
            .node_with("out", sink, &["air"], policy.clone())
            .plan();
        runtime.apply(plan).await.expect("it can be built");
        tokio::time::sleep(Duration::from_secs(5)).await;
        runtime.stop(Duration::from_secs(5)).await;
        written = witness.written("out").len();
    }
    written
}

#[tokio::test(start_paused = true)]
async fn what_a_clock_stamped_that_was_not_set_does_not_expire_at_a_restart() {
    let (unset, today) = (60, 1_800_000_000);
    assert_eq!(wait_over_a_restart(unset, today).await, 10);
    assert_eq!(wait_over_a_restart(today, unset).await, 10);
    assert_eq!(wait_over_a_restart(today, today + 300).await, 10);
    assert_eq!(wait_over_a_restart(today, today + 900).await, 0);
}
