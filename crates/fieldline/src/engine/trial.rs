//! [`Trial`]: a change that was made and must prove itself, or is taken back.

use std::collections::BTreeSet;
use std::time::Duration;

use fieldline_compiler::NodeId;
use fieldline_compiler::plan::Plan;
use fieldline_runtime::Applied;

use super::{Engine, Outcome};
use crate::probation::{DEFAULT_WINDOW, Probation, Verdict};

/// A change that must prove itself.
pub(super) struct Trial {
    probation: Probation,
    before: Plan,
}

impl Engine {
    /// Changes to `next`, and puts what it touches on trial.
    pub(super) async fn apply(&mut self, next: Plan) -> Outcome {
        let before = self.runtime.plan().clone();
        let status = self.view.status();
        match self.runtime.apply(next).await {
            Ok(applied) => {
                self.taken_back = None;
                let touched = touched(&applied);
                let window = window(self.runtime.plan(), &touched);
                self.trial = (!window.is_zero()).then(|| Trial {
                    probation: Probation::new(self.clock.instant(), window, &touched, &self.past, &status),
                    before,
                });
                Outcome::Applied(applied)
            }
            Err(error) => Outcome::Rejected(vec![error.to_string()]),
        }
    }

    /// Remembers how things are, and judges a change that is on trial.
    pub(super) async fn look(&mut self) {
        let (now, status) = (self.clock.instant(), self.view.status());
        self.past.remember(now, &status);
        let Some(trial) = &mut self.trial else {
            if let Some(last_good) = &mut self.last_good {
                last_good.look(now).await;
            }
            return;
        };
        match trial.probation.judge(now, &status) {
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
                self.taken_back = Some((refused, reason.clone()));
                let outcome = match self.runtime.apply(trial.before).await {
                    Ok(_) => Outcome::RolledBack(reason),
                    Err(error) => {
                        Outcome::Rejected(vec![format!("{reason}, but the version before: {error}")])
                    }
                };
                self.conclude(outcome);
            }
        }
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
    use std::path::Path;

    use fieldline_core::Clock;
    use fieldline_runtime::{TokioTime, Unset};
    use serde_json::Value;
    use tokio::signal::unix::{SignalKind, signal};

    use super::*;
    use crate::cli::{Paths, RunOptions};
    use crate::disk;
    use crate::last_good::Start;
    use crate::timekeeper::Timekeeper;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Ten readings a second, of which the script makes something.
    fn pipeline(source: &str, code: &str) -> String {
        format!(
            "pipeline: p\nsources:\n  tick: {{ type: timer, {source} }}\ntransforms:\n  work: {{ type: script, inputs: tick, code: \"{code}\" }}\nsinks:\n  out: {{ type: blackhole, inputs: work }}\n"
        )
    }

    fn options(folder: &Path) -> RunOptions {
        RunOptions {
            paths: Paths { paths: vec![folder.join("p.yaml")], secrets: None },
            data_dir: Some(folder.join("data")),
            admin: None,
            no_admin: true,
            no_watch: true,
            last_good: true,
            grace: 10,
            save_every: 60,
            log: "off".to_owned(),
        }
    }

    /// Runs `before` for two minutes and `after` for one; gives the results of the reload and of the trial. A program
    /// that is started then goes on with what has not been taken back.
    async fn tried(before: &str, after: &str) -> (Outcome, Value) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.yaml");
        disk::write(&path, before).expect("a file");
        let options = options(folder.path());
        let (mut compiled, inputs) = disk::compile_recorded(&options.paths);
        let start = Start::new(&options, &mut compiled);
        let clock = Clock::new(TokioTime::starting_at("2026-01-01T00:00:00Z".parse().expect("a time")));
        let started = Engine::start(
            options.clone(),
            (compiled, inputs),
            start,
            clock,
            Timekeeper::new(Unset::default()),
        )
        .await;
        let (engine, handle) = started.expect("it can be built");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let hangup = signal(SignalKind::hangup()).expect("signals are there");
        let edit = async {
            tokio::time::sleep(2 * MINUTE).await;
            disk::write(&path, after).expect("a file");
            let outcome = handle.reload().await.expect("it runs");
            tokio::time::sleep(MINUTE).await;
            let last = handle.files().await["last_reload"].take();
            drop(stop);
            (outcome, last)
        };
        let run = engine.run(async { drop(stopped.await) }, hangup);
        let ((), (outcome, last)) = tokio::join!(run, edit);
        let again = Start::new(&options, &mut disk::compile_recorded(&options.paths).0);
        let is_taken_back = last["result"] == "rolled_back";
        assert_eq!(again.taken_back.is_some(), is_taken_back);
        assert_eq!(again.plan.fingerprint() == again.found, !is_taken_back);
        (outcome, last)
    }

    /// Why the change was taken back.
    async fn reason(before: &str, after: &str) -> String {
        let (outcome, last) = tried(before, after).await;
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        assert_eq!(last["result"], "rolled_back", "{last}");
        last["reasons"][0].as_str().expect("a reason is a text").to_owned()
    }

    const GOOD: &str = "this.n = 1;";
    const TEN: &str = "every: 100ms";

    #[tokio::test(start_paused = true)]
    async fn a_change_that_does_as_well_stays() {
        let (outcome, last) = tried(&pipeline(TEN, GOOD), &pipeline(TEN, "this.n = 2;")).await;
        assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        assert_eq!(last["result"], "applied", "{last}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_under_which_every_event_fails_is_taken_back() {
        let reason = reason(&pipeline(TEN, GOOD), &pipeline(TEN, "throw 1;")).await;
        assert!(reason.starts_with("`p/work` fails 100 % of its events"), "{reason}");
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
