//! [`Desk`]: the task that drives a [`Reporter`] for a `shadow` sink: takes orders, hears the service, and says what
//! became of each report.

use fieldline_core::ComponentError;
use fieldline_shadow::client::{ReportAction, Reporter};
use fieldline_shadow::json::Object;
use tokio::sync::{mpsc, oneshot};

use crate::shadow::link::{Happening, Link};

/// What was not written, by its place in the batch; or that nobody knows what was written.
pub(super) type Verdict = Result<Vec<(usize, ComponentError)>, ComponentError>;

/// Reports of one batch, each with its place in it, and where to say what became of them.
pub(super) struct Order {
    /// The reports, oldest first.
    pub(super) reports: Vec<(usize, Object)>,
    /// Told once, when each report is in the shadow, overtaken by a newer one that is, or refused.
    pub(super) verdict: oneshot::Sender<Verdict>,
}

/// Works on one order at a time, and follows the shadow between them.
pub(super) struct Desk {
    reporter: Reporter,
    link: Link,
    orders: mpsc::Receiver<Order>,
    open: Option<Open>,
}

/// An order under way.
struct Open {
    /// Places in the batch with the reporter's tickets.
    outstanding: Vec<(usize, u64)>,
    failed: Vec<(usize, ComponentError)>,
    verdict: oneshot::Sender<Verdict>,
}

impl Desk {
    /// A desk that has not begun.
    pub(super) fn new(reporter: Reporter, link: Link, orders: mpsc::Receiver<Order>) -> Self {
        Desk { reporter, link, orders, open: None }
    }

    /// Works until nobody can order any more, or until the service cannot be reached; the order under way hears
    /// of that.
    pub(super) async fn run(mut self) {
        loop {
            let actions = tokio::select! {
                biased;
                order = self.orders.recv(), if self.open.is_none() => match order {
                    Some(order) => self.begin(order),
                    None => return,
                },
                happening = self.link.next(self.reporter.wake_at()) => match happening {
                    Ok(happening) => self.hear(happening),
                    Err(error) => return self.give_up(error),
                },
            };
            for action in actions {
                match action {
                    ReportAction::Publish(publication) => self.link.publish(publication),
                    ReportAction::Confirmed { ticket, .. } => self.confirm(ticket),
                    ReportAction::Refused { ticket, code, message, .. } => {
                        self.refuse(ticket, &refusal(code, &message));
                    }
                    ReportAction::NoAnswer => {
                        let message = "the shadow service does not answer";
                        return self.give_up(ComponentError::retryable("no_answer", message));
                    }
                }
            }
            self.close_if_done();
        }
    }

    /// Nothing is sent yet: the link wakes the reporter when it may.
    fn begin(&mut self, order: Order) -> Vec<ReportAction> {
        let (mut outstanding, mut failed) = (Vec::new(), Vec::new());
        for (index, members) in order.reports {
            match self.reporter.report(members) {
                Ok(ticket) => outstanding.push((index, ticket)),
                Err(error) => failed.push((index, ComponentError::permanent("rejected", error))),
            }
        }
        self.open = Some(Open { outstanding, failed, verdict: order.verdict });
        Vec::new()
    }

    fn hear(&mut self, happening: Happening) -> Vec<ReportAction> {
        let now = self.link.now();
        match happening {
            Happening::Online => self.reporter.connected(now),
            Happening::Offline => {
                self.reporter.disconnected();
                Vec::new()
            }
            Happening::Due => self.reporter.tick(now),
            Happening::Message(message) => {
                let actions = self.reporter.received(&message.topic, &message.payload, now);
                message.token.acknowledge();
                actions
            }
        }
    }

    fn confirm(&mut self, ticket: u64) {
        if let Some(open) = &mut self.open {
            open.outstanding.retain(|(_, outstanding)| *outstanding > ticket);
        }
    }

    fn refuse(&mut self, ticket: u64, error: &ComponentError) {
        if let Some(open) = &mut self.open {
            let refused = open.outstanding.extract_if(.., |(_, outstanding)| *outstanding <= ticket);
            open.failed.extend(refused.map(|(index, _)| (index, error.clone())));
        }
    }

    fn close_if_done(&mut self) {
        if let Some(open) = self.open.take_if(|open| open.outstanding.is_empty()) {
            // Nobody listens any more if the sink is being stopped.
            let _stopped = open.verdict.send(Ok(open.failed));
        }
    }

    fn give_up(self, error: ComponentError) {
        if let Some(open) = self.open {
            let _stopped = open.verdict.send(Err(error));
        }
    }
}

/// What the service refused for good, or only now: a conflict or an overload that outlasted the attempts.
fn refusal(code: u16, message: &str) -> ComponentError {
    let message = format!("the shadow service refused it with {code}: {message}");
    match code {
        409 => ComponentError::retryable("conflict", message),
        429 | 500.. => ComponentError::retryable("overloaded", message),
        _ => ComponentError::permanent("rejected", message),
    }
}
