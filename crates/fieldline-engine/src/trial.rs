//! [`Trials`]: every change must prove itself, or is rolled back; and a version that is restored must prove that it works
//! where the change did not.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use fieldline_api as api;
use fieldline_api::ReloadOutcome;
use fieldline_compiler::change::Losses;
use fieldline_compiler::{Fingerprint, NodeId, Plan};
use fieldline_core::Clock;
use fieldline_runtime::{Applied, ApplyError, Runtime, Status};

use crate::outcome::{self, rejected};
use crate::rollback::{DEFAULT_WINDOW, Fault, History, RollbackMonitor, Verdict, works};

/// The last change and what came of it.
pub(crate) struct Trials {
    clock: Clock,
    history: History,
    open: Option<Trial>,
    /// A version that was rolled back, and why: not to be applied again until somebody edits it.
    rolled_back: Option<(Fingerprint, String)>,
    /// A version that was refused for events that waited, until they are sent or somebody edits it.
    refused: Option<Plan>,
    /// What the files said when they were read last, without those that are broken; none before.
    found: Option<Fingerprint>,
}

/// A version that must prove itself.
enum Trial {
    /// A change to what the files `said`, against the version before.
    Change { monitor: RollbackMonitor, before: Plan, said: Option<Fingerprint> },
    /// The version before, which was restored because this node did not work after the change to what the files `said`.
    Restored { node: NodeId, until: Instant, change: Plan, said: Fingerprint },
}

/// What came of a trial.
pub(crate) enum Ruling {
    /// A change was rolled back, or could not be.
    RolledBack { version: Fingerprint, reason: String, outcome: ReloadOutcome },
    /// The version before did not work either, so the change was applied again.
    Reinstated(ReloadOutcome),
}

impl Trials {
    /// No change yet; `rolled_back` is a version that an earlier run has rolled back.
    pub(crate) fn new(clock: Clock, rolled_back: Option<(Fingerprint, String)>) -> Self {
        Trials { clock, history: History::default(), open: None, rolled_back, refused: None, found: None }
    }

    /// Why a version was rolled back, if it was the last one.
    pub(crate) fn has_rolled_back(&self, version: Fingerprint) -> Option<&str> {
        let (rolled_back, reason) = self.rolled_back.as_ref()?;
        (*rolled_back == version).then_some(reason)
    }

    /// Whether the version that was refused last would not be any more: no event waits that it would lose.
    pub(crate) fn may_apply_refused(&self, runtime: &Runtime) -> bool {
        self.refused.as_ref().is_some_and(|next| runtime.forecast(next, Losses::Refuse).1.is_empty())
    }

    /// Whether nobody knows yet if the version that runs is good.
    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The files are read again and say `found`: what they said before is not applied any more.
    pub(crate) fn read(&mut self, found: Fingerprint) {
        self.refused = None;
        self.found = Some(found);
        let is_gone = |trial: &mut Trial| matches!(trial, Trial::Restored { said, .. } if *said != found);
        self.open.take_if(is_gone);
    }

    /// Changes to `next`, and puts what it touches on trial.
    pub(crate) async fn apply(
        &mut self,
        runtime: &mut Runtime,
        next: Plan,
        losses: api::Losses,
    ) -> ReloadOutcome {
        let before = runtime.plan().clone();
        let (edited_at, status) = (self.clock.instant(), runtime.view().status());
        match runtime.apply_with(next.clone(), losses_of(losses)).await {
            Ok(applied) => {
                self.rolled_back = None;
                let touched = touched(&applied);
                let window = window(runtime.plan(), &touched);
                let after = runtime.view().status();
                let around = [(edited_at, &status), (self.clock.instant(), &after)];
                self.open = (!window.is_zero()).then(|| Trial::Change {
                    monitor: RollbackMonitor::new(window, &touched, &self.history, around[0], around[1]),
                    before,
                    said: self.found,
                });
                outcome::applied(&applied)
            }
            Err(error) => {
                self.refused = matches!(error, ApplyError::Refused(_)).then_some(next);
                outcome::not_applied(&error)
            }
        }
    }

    /// Remembers how things are, and judges the version that is on trial; to be called once a second.
    pub(crate) async fn look(&mut self, runtime: &mut Runtime) -> Option<Ruling> {
        let (now, status) = (self.clock.instant(), runtime.view().status());
        self.history.remember(now, &status);
        match self.open.take()? {
            Trial::Change { mut monitor, before, said } => match monitor.judge(now, &status) {
                Verdict::Wait => {
                    self.open = Some(Trial::Change { monitor, before, said });
                    None
                }
                Verdict::Keep => {
                    tracing::info!("the last change has proved itself");
                    None
                }
                Verdict::RollBack(fault) => {
                    Some(self.roll_back(runtime, before, said, fault, monitor.window()).await)
                }
            },
            Trial::Restored { node, until, change, said } => {
                if has_ended_or_works(&status, &node) {
                    return None;
                }
                if now < until {
                    self.open = Some(Trial::Restored { node, until, change, said });
                    return None;
                }
                tracing::warn!(%node, "the version before does not work either; the change is applied again");
                Some(Ruling::Reinstated(self.apply(runtime, change, api::Losses::CarryOver).await))
            }
        }
    }

    async fn roll_back(
        &mut self,
        runtime: &mut Runtime,
        before: Plan,
        said: Option<Fingerprint>,
        Fault { reason, outage }: Fault,
        window: Duration,
    ) -> Ruling {
        let change = runtime.plan().clone();
        let version = change.fingerprint();
        self.rolled_back = Some((version, reason.clone()));
        let outcome = match runtime.apply_with(before, Losses::CarryOver).await {
            Ok(_) => {
                let until = self.clock.instant() + window;
                let said = said.filter(|_| said == self.found);
                self.open =
                    outage.zip(said).map(|(node, said)| Trial::Restored { node, until, change, said });
                ReloadOutcome::RolledBack { reasons: vec![reason.clone()] }
            }
            Err(error) => rejected(&format_args!("{reason}, but the version before: {error}")),
        };
        Ruling::RolledBack { version, reason, outcome }
    }
}

fn losses_of(losses: api::Losses) -> Losses {
    match losses {
        api::Losses::Refuse => Losses::Refuse,
        api::Losses::AcceptLoss => Losses::Accept,
        api::Losses::CarryOver => Losses::CarryOver,
    }
}

fn has_ended_or_works(status: &Status, node: &NodeId) -> bool {
    status.nodes.iter().find(|status| status.id == *node).is_none_or(works)
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
