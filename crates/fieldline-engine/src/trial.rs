//! [`Trial`]: a change that was made and must prove itself, or is taken back.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldline_api as api;
use fieldline_api::{ReloadOutcome, ReloadRequest};
use fieldline_compiler::NodeId;
use fieldline_compiler::change::Losses;
use fieldline_compiler::plan::Plan;
use fieldline_runtime::{Applied, ApplyError};

use crate::engine::{Engine, rejected};
use crate::outcome;
use crate::rollback::{DEFAULT_WINDOW, RollbackMonitor, Verdict};

/// A change that must prove itself.
pub(crate) struct Trial {
    monitor: RollbackMonitor,
    before: Plan,
}

impl Engine {
    /// Changes to `next`, and puts what it touches on trial.
    pub(crate) async fn apply(&mut self, next: Plan, losses: api::Losses) -> ReloadOutcome {
        let before = self.runtime.plan().clone();
        let (edited_at, status) = (self.clock.instant(), self.view.status());
        match self.runtime.apply_with(next.clone(), losses_of(losses)).await {
            Ok(applied) => {
                self.rolled_back = None;
                let touched = touched(&applied);
                let window = window(self.runtime.plan(), &touched);
                self.trial = (!window.is_zero()).then(|| Trial {
                    monitor: RollbackMonitor::new(
                        window,
                        &touched,
                        &self.history,
                        (edited_at, &status),
                        (self.clock.instant(), &self.view.status()),
                    ),
                    before,
                });
                outcome::applied(&applied)
            }
            Err(error) => {
                if matches!(error, ApplyError::Refused(_)) {
                    self.refused = Some(next);
                }
                outcome::not_applied(&error)
            }
        }
    }

    /// Makes a change that was refused for events that waited, once none of them waits any more.
    pub(crate) async fn look_at_refused(&mut self) {
        let Some(next) = &self.refused else { return };
        if self.runtime.forecast(next, Losses::Refuse).1.is_empty() {
            tracing::info!("the events that a change had to wait for are sent; it is made now");
            self.reload(ReloadRequest::default()).await;
        }
    }

    /// Remembers how things are, and judges a change that is on trial.
    pub(crate) async fn look(&mut self) {
        let (now, status) = (self.clock.instant(), self.view.status());
        self.history.remember(now, &status);
        let Some(trial) = &mut self.trial else {
            if let Some(last_good) = &mut self.last_good {
                last_good.look(now).await;
            }
            return;
        };
        match trial.monitor.judge(now, &status) {
            Verdict::Wait => {}
            Verdict::Keep => {
                tracing::info!("the last change has proved itself");
                self.trial = None;
            }
            Verdict::RollBack(reason) => {
                let Some(trial) = self.trial.take() else { return };
                let refused = self.runtime.plan().fingerprint();
                if let Some(last_good) = &mut self.last_good {
                    last_good.refuse(refused, &reason).await;
                }
                self.rolled_back = Some((refused, reason.clone()));
                let outcome = match self.runtime.apply_with(trial.before, Losses::CarryOver).await {
                    Ok(_) => ReloadOutcome::RolledBack { reasons: vec![reason] },
                    Err(error) => rejected(&format_args!("{reason}, but the version before: {error}")),
                };
                self.conclude(outcome);
            }
        }
    }
}

fn losses_of(losses: api::Losses) -> Losses {
    match losses {
        api::Losses::Refuse => Losses::Refuse,
        api::Losses::AcceptLoss => Losses::Accept,
        api::Losses::CarryOver => Losses::CarryOver,
    }
}

/// The nodes whose tasks a change has started anew.
fn touched(applied: &Applied) -> BTreeSet<NodeId> {
    applied.started.iter().flat_map(|unit| unit.members().iter().cloned()).collect()
}

/// The longest window of the pipelines a change touches.
fn window(plan: &Plan, touched: &BTreeSet<NodeId>) -> Duration {
    let is_touched = |name: &str| touched.iter().any(|id| id.pipeline() == name);
    let pipelines = plan.pipelines.iter().filter(|pipeline| is_touched(&pipeline.name));
    pipelines.map(|pipeline| pipeline.rollback_window.unwrap_or(DEFAULT_WINDOW)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fieldline_api::ReloadResult;
    use fieldline_core::{Clock, Registry};
    use fieldline_runtime::{TokioTime, Unset};
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::clock_monitor::ClockMonitor;
    use crate::load::Loader;
    use crate::source::MemorySource;
    use crate::start::{EngineOptions, Start};

    const MINUTE: Duration = Duration::from_secs(60);

    /// Ten readings a second, of which the script makes something.
    fn pipeline(source: &str, code: &str) -> String {
        format!(
            "pipeline: p\nsources:\n  tick: {{ type: timer, {source} }}\ntransforms:\n  work: {{ type: script, inputs: tick, code: \"{code}\" }}\nsinks:\n  out: {{ type: blackhole, inputs: work }}\n"
        )
    }

    /// Runs `before` for two minutes and `after` for one; gives the outcomes of the reload and of the trial. A program
    /// that is started then goes on with what has not been taken back.
    async fn tried(before: &str, after: &str) -> (ReloadOutcome, ReloadOutcome) {
        let folder = tempfile::tempdir().expect("a folder");
        let source = Arc::new(MemorySource::default());
        let options = EngineOptions {
            data_dir: folder.path().to_owned(),
            grace: Duration::from_secs(10),
            save_every: MINUTE,
            last_good: true,
        };
        let start = || {
            let registry = Registry::new(fieldline_components::all());
            Start::new(options.clone(), Loader::new(vec!["p.yaml".into()], source.clone(), registry))
        };
        source.write("p.yaml", before.to_owned());
        let clock = Clock::new(TokioTime::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")));
        let clock_monitor = ClockMonitor::new(Unset::default());
        let started = Engine::start(start(), clock, clock_monitor, Box::new(|_| {})).await;
        let (engine, handle) = started.expect("it can be built");
        let (stop, stopped) = oneshot::channel::<()>();
        let edit = async {
            tokio::time::sleep(2 * MINUTE).await;
            source.write("p.yaml", after.to_owned());
            let outcome = handle.reload(ReloadRequest::default()).await.expect("it runs");
            tokio::time::sleep(MINUTE).await;
            let last = handle.files().await.last_reload.expect("there was one");
            drop(stop);
            (outcome, last)
        };
        let run = engine.run(mpsc::channel(1).1, async { drop(stopped.await) });
        let ((), (outcome, last)) = tokio::join!(run, edit);
        let again = start();
        let is_rolled_back = last.result() == ReloadResult::RolledBack;
        assert_eq!(again.rolled_back.is_some(), is_rolled_back);
        assert_eq!(again.plan.fingerprint() == again.found, !is_rolled_back);
        (outcome, last)
    }

    /// Why the change was taken back.
    async fn reason(before: &str, after: &str) -> String {
        let (outcome, last) = tried(before, after).await;
        assert_eq!(outcome.result(), ReloadResult::Applied, "{outcome:?}");
        assert_eq!(last.result(), ReloadResult::RolledBack, "{last:?}");
        last.reasons()[0].clone()
    }

    const GOOD: &str = "this.n = 1;";
    const TEN: &str = "every: 100ms";

    #[tokio::test(start_paused = true)]
    async fn a_change_that_does_as_well_stays() {
        let (outcome, last) = tried(&pipeline(TEN, GOOD), &pipeline(TEN, "this.n = 2;")).await;
        assert_eq!(outcome.result(), ReloadResult::Applied, "{outcome:?}");
        assert_eq!(last.result(), ReloadResult::Applied, "{last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_under_which_every_event_fails_is_taken_back() {
        let reason = reason(&pipeline(TEN, GOOD), &pipeline(TEN, "throw 1;")).await;
        assert!(reason.starts_with("`p/work` fails 100 % of its events"), "{reason}");
        assert!(reason.contains("; the first: p.yaml:5:"), "{reason}");
        assert!(reason.ends_with("before the change 0 %"), "{reason}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_that_can_write_no_event_any_more_is_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let into = |file: &str| {
            let sink = format!("type: file, path: \"{}/{file}.jsonl\"", folder.path().display());
            pipeline(TEN, GOOD).replace("type: blackhole", &sink)
        };
        let reason = reason(&into("{{ event.n }}"), &into("{{ event.m }}")).await;
        assert!(reason.starts_with("`p/out` fails 100 % of its events"), "{reason}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_fails_more_events_than_before_is_taken_back() {
        let fails_one_of = |n: u32| pipeline(TEN, &format!("if meta.sequence % {n} == 0 {{ throw 1; }}"));
        let reason = reason(&fails_one_of(10), &fails_one_of(2)).await;
        assert!(reason.starts_with("`p/work` fails"), "{reason}");
        assert!(reason.ends_with("before the change 10 %"), "{reason}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_under_which_a_source_falls_silent_is_taken_back() {
        let reason = reason(&pipeline(TEN, GOOD), &pipeline("every: 1h", GOOD)).await;
        assert!(reason.starts_with("`p/tick` has given nothing for"), "{reason}");
    }
}
