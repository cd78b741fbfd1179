//! [`Mailbox`]: where commands for a node wait. Whoever sends one never waits: commands may lead back to what the
//! sender itself waits for, and a wait here could close the circle. So when it is full the newest wins.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fieldline_core::{Door, Event, Outcome};
use tokio::sync::Notify;

/// How many commands wait at most. A node takes them between its events, so they only add up while it is stuck.
const ROOM: usize = 64;

/// A command, and by which of the node's inputs for commands it came.
pub(crate) struct Waiting {
    pub(crate) input: u16,
    pub(crate) event: Event,
}

/// The commands that wait for one node. They are on its books already.
#[derive(Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Set when the node has ended: what its sender hears of further commands.
    closed: Option<Outcome>,
}

impl Mailbox {
    /// Puts commands in; the oldest make room. At the end of a node nobody takes them.
    pub(crate) fn put(&self, input: u16, events: Vec<Event>) {
        let mut state = self.state();
        if let Some(outcome) = state.closed {
            events.into_iter().for_each(|event| end(event, outcome));
            return;
        }
        state.waiting.extend(events.into_iter().map(|event| Waiting { input, event }));
        while state.waiting.len() > ROOM {
            if let Some(oldest) = state.waiting.pop_front() {
                oldest.event.finish(Door::Dropped("superseded"));
            }
        }
        self.wake.notify_one();
    }

    /// The next command. Cancel-safe: it is taken when it is given out.
    pub(crate) async fn next(&self) -> Waiting {
        loop {
            if let Some(waiting) = self.take() {
                return waiting;
            }
            self.wake.notified().await;
        }
    }

    /// The next command, if there is one.
    pub(crate) fn take(&self) -> Option<Waiting> {
        self.state().waiting.pop_front()
    }

    /// A driver takes commands again.
    pub(crate) fn open(&self) {
        self.state().closed = None;
    }

    /// No driver takes commands any more: those that wait, and all that come, end so for their sender.
    pub(crate) fn close(&self, outcome: Outcome) {
        let mut state = self.state();
        state.closed = Some(outcome);
        state.waiting.drain(..).for_each(|waiting| end(waiting.event, outcome));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(event: Event, outcome: Outcome) {
    event.finish_as(Door::Dropped("node_ended"), outcome);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fieldline_core::{Ledger, Meta, Receipt, Value};
    use jiff::Timestamp;

    use super::*;

    fn commands(ledger: &Arc<Ledger>, count: i64) -> Vec<Event> {
        let command = |number| {
            let meta = Meta::new(Timestamp::UNIX_EPOCH, "test".into());
            let mut event = Event::new(Value::Int(number), meta, Receipt::untracked());
            event.enter(ledger);
            event
        };
        (0..count).map(command).collect()
    }

    #[tokio::test]
    async fn the_newest_commands_win_and_those_that_made_room_are_on_the_books() {
        let (mailbox, ledger) = (Mailbox::default(), Arc::new(Ledger::default()));
        mailbox.put(0, commands(&ledger, 70));
        let first = mailbox.next().await;
        assert_eq!(first.event.body(), &Value::Int(6));
        assert_eq!(ledger.balance().reasons[&("dropped", "superseded")], 6);
        first.event.finish(Door::Absorbed);
        mailbox.close(Outcome::Retryable);
        assert_eq!((ledger.balance().in_flight(), ledger.balance().lost), (0, 0));
    }

    #[test]
    fn a_closed_mailbox_takes_nothing_until_it_is_opened() {
        let (mailbox, ledger) = (Mailbox::default(), Arc::new(Ledger::default()));
        mailbox.close(Outcome::Retryable);
        mailbox.put(0, commands(&ledger, 1));
        assert!(mailbox.take().is_none());
        mailbox.open();
        mailbox.put(0, commands(&ledger, 1));
        mailbox.take().expect("it waits").event.finish(Door::Absorbed);
        assert_eq!((ledger.balance().dropped, ledger.balance().absorbed), (1, 1));
    }
}
