//! Plays one case: a program of its own on one thread, whose clock jumps to the next thing that happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use fieldline_compiler::cases::TestCase;
use fieldline_compiler::{NodeId, Plan};
use fieldline_core::{Balance, Clock};
use fieldline_runtime::{Environment, NodeState, NodeStatus, Runtime, TokioTime};
use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use crate::collector::Record;
use crate::error::CaseError;
use crate::feed::Epoch;
use crate::schedule::Schedule;
use crate::staging::{LEAD, Staged, Tap, stage};

/// What time it is when a case that does not say begins: 2000-01-01T00:00:00Z.
const START: Timestamp = Timestamp::constant(946_684_800, 0);

/// How long a case may go on after its last step, by its own clock: feeds that wait for a sink, and what is buffered
/// while a connection is down.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How often, by its own clock, a case looks whether its feeds are through.
const LOOK: Duration = Duration::from_secs(1);

/// Random numbers are the same in every run.
const SEED: u64 = 7;

/// What became of a case.
#[derive(Debug)]
pub(crate) struct Played {
    /// What came out, by where.
    pub(crate) records: BTreeMap<Tap, Vec<Record>>,
    /// The nodes of the pipeline that ran, as they were in the end.
    pub(crate) nodes: Vec<NodeStatus>,
    /// The events that were put aside, one JSON text each, the oldest first.
    pub(crate) dead_letters: Vec<u8>,
}

impl Played {
    /// The account of a node; `None` for one that did not run.
    pub(crate) fn balance(&self, node: &str) -> Option<&Balance> {
        self.nodes.iter().find(|status| status.id.node() == node).map(|status| &status.balance)
    }
}

/// Plays `case`. `is_measured` is for coverage.
pub(crate) fn play(
    plan: &Plan,
    case: &TestCase,
    schedule: &Schedule,
    data_dir: &Path,
    is_measured: bool,
) -> Result<Played, CaseError> {
    let program = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let program = program.map_err(CaseError::Tokio)?;
    fastrand::seed(SEED);
    program.block_on(async {
        let begin = Instant::now();
        let wall = case.at.unwrap_or(START);
        let epoch = Epoch { instant: begin + LEAD, time: wall };
        let staged = stage(plan, case, schedule, epoch, is_measured)?;
        let environment = Environment {
            clock: Clock::new(TokioTime::starting_at(wall - LEAD)),
            data_dir: data_dir.into(),
            drain: PATIENCE,
            save_every: None,
        };
        let Staged { plan, played, feeds, records } = staged;
        let mut runtime = Runtime::new(environment);
        runtime.apply(plan).await?;
        sleep_until(epoch.instant + schedule.end).await;
        wait_for_feeds(&runtime, &feeds, Instant::now() + PATIENCE).await;
        let view = runtime.view();
        runtime.stop(PATIENCE).await;
        let mut nodes = view.status().nodes;
        nodes.retain(|node| played.contains(&node.id));
        Ok(Played {
            records: records.into_iter().map(|(tap, records)| (tap, records.take())).collect(),
            nodes,
            dead_letters: dead_letters(data_dir, &case.pipeline),
        })
    })
}

/// Waits until every feed is through, and everything that needs no time is done.
async fn wait_for_feeds(runtime: &Runtime, feeds: &BTreeSet<NodeId>, limit: Instant) {
    sleep(LEAD).await;
    let view = runtime.view();
    loop {
        let status = view.status();
        let mut waiting = status.nodes.iter().filter(|node| feeds.contains(&node.id));
        if waiting.all(|node| node.state == NodeState::Finished) || Instant::now() >= limit {
            return;
        }
        sleep(LOOK).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the dead letter of a case is a file of its own folder")]
fn dead_letters(data_dir: &Path, pipeline: &str) -> Vec<u8> {
    let path = data_dir.join("dead-letter").join(format!("{pipeline}.jsonl"));
    std::fs::read(path).unwrap_or_default()
}
