//! A sink whose other end goes away and comes back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use fieldline_compiler::{Fingerprint, Plan};
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, ComponentError, Event, Facts, Prepare, Sink, WriteError,
};
use tokio::sync::watch;

/// The other ends of all remote sinks.
#[derive(Clone, Default)]
pub(crate) struct World {
    answer: Arc<watch::Sender<Answer>>,
    /// What each host has received, in order.
    received: Arc<Mutex<BTreeMap<&'static str, Vec<i64>>>>,
}

/// How the other ends answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// They take everything.
    #[default]
    Takes,
    /// They refuse connections.
    Refuses,
    /// They accept and never answer.
    Hangs,
}

impl World {
    /// Has the other ends answer in this way from now on.
    pub(crate) fn answer(&self, answer: Answer) {
        self.answer.send_replace(answer);
    }

    pub(crate) fn received(&self, host: &str) -> Vec<i64> {
        self.received.lock().expect("no panic holds it").get(host).cloned().unwrap_or_default()
    }

    /// Makes the sink `name` of `plan` one of version `version` that writes to `host`.
    pub(crate) fn serve(&self, mut plan: Plan, name: &str, host: &'static str, version: u32) -> Plan {
        let node = plan.nodes.iter_mut().find(|node| node.id.node() == name).expect("it was drawn");
        let prepared = Remote { world: self.clone(), host };
        node.facts = prepared.facts();
        node.prepared = Arc::new(prepared);
        let hash = host.bytes().fold(u128::from(version), |hash, byte| hash * 31 + u128::from(byte));
        (node.fingerprint, node.text_fingerprint) = (Fingerprint(hash), Fingerprint(hash));
        plan
    }
}

struct Remote {
    world: World,
    host: &'static str,
}

impl Prepare for Remote {
    fn check(&self, _: &mut CheckCx<'_>) {}

    fn facts(&self) -> Facts {
        let outputs = vec!["main".to_owned()];
        Facts { outputs, peer: Some(format!("{}:1883", self.host)), ..Facts::default() }
    }

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Sink(Box::new(Remote { world: self.world.clone(), host: self.host })))
    }
}

#[async_trait]
impl Sink for Remote {
    async fn write(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let mut answers = self.world.answer.subscribe();
        let answer = *answers.wait_for(|answer| *answer != Answer::Hangs).await.expect("the world stays");
        if answer == Answer::Refuses {
            return Err(ComponentError::retryable("refused", "nobody is there").into());
        }
        let numbers = events.iter().filter_map(|event| event.body().as_i64());
        self.world.received.lock().expect("no panic holds it").entry(self.host).or_default().extend(numbers);
        Ok(())
    }
}
