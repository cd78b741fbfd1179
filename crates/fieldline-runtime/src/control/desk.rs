//! [`Desk`]: takes commands for one node, has its component carry them out, and answers each.

use std::sync::Arc;
use std::time::Instant;

use fieldline_core::{Clock, Door, Event, EventError, Map, Meta, Outcome, Port, Receipt, Settings, Value};
use fieldline_store::{Checkpoint, Storage};

use super::saved;
use crate::node::NodeHandle;
use crate::node::controlled::command::{self, Refusal};
use crate::node::controlled::mailbox::Waiting;
use crate::wait::until;

/// Something that changes the settings of a node.
pub(crate) enum Occasion {
    /// A command came.
    Command(Waiting),
    /// What was set for a while is over.
    Over,
}

/// Takes the commands for one node. Its driver owns it.
pub(crate) struct Desk {
    handle: Arc<NodeHandle>,
    clock: Clock,
    /// The output for answers.
    response: Port,
    /// Where settings are kept, if some input may set what outlives the program.
    checkpoint: Option<Arc<Checkpoint>>,
    /// What is on disk; `None` until it was read.
    on_disk: Option<Map>,
}

impl Desk {
    /// The desk of a node; `None` for one that nothing steers. From now on commands wait.
    pub(crate) fn of(handle: &Arc<NodeHandle>, clock: &Clock, storage: &Arc<dyn Storage>) -> Option<Self> {
        let controls = &handle.node.controls;
        if controls.is_empty() {
            return None;
        }
        handle.controlled.mailbox.open();
        let id = &handle.node.id;
        let path = handle.data_dir.join("settings").join(id.pipeline()).join(id.node());
        let persists = controls.iter().any(|control| control.persist);
        Some(Desk {
            // The compiler puts the output for answers behind the component's own.
            response: Port::try_from(handle.node.facts.outputs.len().saturating_sub(1)).unwrap_or(Port::MAX),
            checkpoint: persists.then(|| Arc::new(Checkpoint::new(storage.clone(), path))),
            on_disk: None,
            handle: handle.clone(),
            clock: clock.clone(),
        })
    }

    /// Reads what was kept on disk, once in the life of the program.
    pub(crate) async fn load(&mut self) {
        if let (Some(checkpoint), None) = (&self.checkpoint, &self.on_disk) {
            let kept = saved::load(checkpoint.clone(), self.handle.node.settings).await;
            self.on_disk = Some(saved::to_map(kept.iter().map(|(name, lasting)| (*name, lasting))));
            self.handle.controlled.layers().restore(kept);
        }
    }

    /// Gives a new component the settings in force; one that cannot go on so goes on as it is configured.
    pub(crate) fn begin(&mut self, mut adjust: impl FnMut(&Settings) -> Result<(), EventError>) {
        let node = &self.handle.node;
        let allowed: Vec<&str> =
            node.controls.iter().flat_map(|control| control.allow.iter().copied()).collect();
        let mut layers = self.handle.controlled.layers();
        layers.configure(node.facts.settings.clone(), &allowed);
        let settings = layers.in_force();
        if settings == node.facts.settings {
            return;
        }
        if let Err(error) = adjust(&settings) {
            let error = &*error.message;
            tracing::warn!(node = %node.id, error, "what was set does not fit the config any more and is forgotten");
            layers.reset();
        }
    }

    /// The next occasion. Cancel-safe: a command is taken when it is given out.
    pub(crate) async fn next(&self) -> Occasion {
        let end = self.handle.controlled.layers().next_end();
        tokio::select! {
            waiting = self.handle.controlled.mailbox.next() => Occasion::Command(waiting),
            () = until(end.map(Into::into)) => Occasion::Over,
        }
    }

    /// A command that waits, for a node that comes to its end.
    pub(crate) fn take(&self) -> Option<Occasion> {
        self.handle.controlled.mailbox.take().map(Occasion::Command)
    }

    /// The node has ended: what its senders hear of commands from now on.
    pub(crate) fn close(&self, outcome: Outcome) {
        self.handle.controlled.mailbox.close(outcome);
    }

    /// Changes what there is to change, all of it or nothing, and gives back the answer, which is still on the books.
    pub(crate) fn act(
        &mut self,
        occasion: Occasion,
        adjust: impl FnMut(&Settings) -> Result<(), EventError>,
    ) -> (Port, Event) {
        let now = self.clock.instant();
        let answer = match occasion {
            Occasion::Command(waiting) => self.obey(waiting, now, adjust),
            Occasion::Over => self.end(now, adjust),
        };
        (self.response, answer)
    }

    /// Keeps on disk what must outlive the program, if that has changed.
    pub(crate) async fn save(&mut self) {
        let Some(checkpoint) = &self.checkpoint else { return };
        let kept = saved::to_map(self.handle.controlled.layers().kept());
        if self.on_disk.as_ref() != Some(&kept) {
            saved::save(checkpoint.clone(), kept.clone()).await;
            self.on_disk = Some(kept);
        }
    }

    fn obey(
        &self,
        waiting: Waiting,
        now: Instant,
        adjust: impl FnMut(&Settings) -> Result<(), EventError>,
    ) -> Event {
        let event = waiting.event;
        let changed = self.change(event.body(), waiting.input, now, adjust);
        let mut body = match &changed {
            Ok(changed) => answer("accepted", changed),
            Err(refusal) => refused(refusal),
        };
        body.insert("settings".into(), Value::from(&self.handle.controlled.layers().in_force()));
        body.extend(command::echoed(event.body()).map(|(name, value)| (name.into(), value.clone())));
        let answer = event.derive(Value::Map(body));
        event.finish(match changed {
            Ok(_) => Door::Absorbed,
            Err(refusal) => Door::Filtered(refusal.error.reason),
        });
        answer
    }

    fn change(
        &self,
        body: &Value,
        input: u16,
        now: Instant,
        mut adjust: impl FnMut(&Settings) -> Result<(), EventError>,
    ) -> Result<Settings, Refusal> {
        let node = &self.handle.node;
        let control = node.controls.get(usize::from(input));
        let control =
            control.ok_or_else(|| EventError::new("not_allowed", "this input is no longer there"))?;
        let command = command::read(body, node.settings, control)?;
        let mut layers = self.handle.controlled.layers();
        let mut next = layers.clone();
        next.set(&command, input, control.persist, now);
        let (before, after) = (layers.in_force(), next.in_force());
        if before != after {
            adjust(&after)?;
        }
        *layers = next;
        let changed = difference(&before, &after);
        if !changed.0.is_empty() {
            tracing::info!(node = %node.id, settings = %shown(&changed), "settings changed");
        }
        Ok(changed)
    }

    fn end(&self, now: Instant, mut adjust: impl FnMut(&Settings) -> Result<(), EventError>) -> Event {
        let node = &self.handle.node;
        let mut layers = self.handle.controlled.layers();
        let before = layers.in_force();
        layers.end(now);
        let mut after = layers.in_force();
        if let Err(error) = adjust(&after) {
            let error = &*error.message;
            tracing::warn!(node = %node.id, error, "what was set before does not fit any more and is forgotten");
            layers.reset();
            after = layers.in_force();
        }
        let changed = difference(&before, &after);
        tracing::info!(node = %node.id, settings = %shown(&changed), "settings went back");
        let mut body = answer("expired", &changed);
        body.insert("settings".into(), Value::from(&after));
        let meta = Meta::new(self.clock.time(), self.handle.name.clone());
        let mut event = Event::new(Value::Map(body), meta, Receipt::untracked());
        event.begin(&self.handle.ledger);
        event
    }
}

fn answer(status: &'static str, changed: &Settings) -> Map {
    Map::from_iter([("status".into(), status.into()), ("changed".into(), Value::from(changed))])
}

fn refused(refusal: &Refusal) -> Map {
    let mut body = Map::from_iter([
        ("status".into(), "rejected".into()),
        ("reason".into(), refusal.error.reason.into()),
        ("message".into(), Value::from(&*refusal.error.message)),
    ]);
    body.extend(refusal.setting.as_deref().map(|setting| ("setting".into(), setting.into())));
    body
}

/// The values of `after` that differ from those before.
fn difference(before: &Settings, after: &Settings) -> Settings {
    let changed = after.0.iter().filter(|(name, value)| before.0.get(*name) != Some(value));
    Settings(changed.map(|(name, value)| (*name, value.clone())).collect())
}

fn shown(settings: &Settings) -> String {
    let json = fieldline_core::json::encode(&Value::from(settings)).unwrap_or_default();
    String::from_utf8_lossy(&json).into_owned()
}
