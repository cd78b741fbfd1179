//! [`Session`]: drives a [`Reporter`] over a [`Link`]: hands it what to report, passes on what the service says, and
//! tells what became of each report.

use fieldline_core::ComponentError;
use fieldline_shadow::client::{ReportAction, Reporter};
use fieldline_shadow::json::Object;

use crate::shadow::link::{Happening, Link};

/// A reporter and its way to the service. Of no use any more after an error, or after a write that was called off.
pub(super) struct Session {
    reporter: Reporter,
    link: Link,
    /// The reports of the batch being written, by their place in it and the reporter's ticket.
    outstanding: Vec<(usize, u64)>,
    failed: Vec<(usize, ComponentError)>,
}

impl Session {
    /// A session that has not said anything yet.
    pub(super) fn new(reporter: Reporter, link: Link) -> Self {
        Session { reporter, link, outstanding: Vec::new(), failed: Vec::new() }
    }

    /// Reports all of them together, oldest first, each with its place in the batch. Gives back what was refused, once
    /// each is in the shadow, overtaken by a newer one that is, or refused; fails when nobody knows.
    pub(super) async fn write(
        &mut self,
        reports: Vec<(usize, Object)>,
    ) -> Result<Vec<(usize, ComponentError)>, ComponentError> {
        for (index, members) in reports {
            match self.reporter.report(members) {
                Ok(ticket) => self.outstanding.push((index, ticket)),
                Err(error) => self.failed.push((index, ComponentError::permanent("rejected", error))),
            }
        }
        while !self.outstanding.is_empty() {
            self.follow().await?;
        }
        Ok(std::mem::take(&mut self.failed))
    }

    /// Waits for one thing to happen and acts on it: messages left lying would hold up everybody who uses the
    /// connection. Cancel-safe: what has happened is acted on without another `await`.
    pub(super) async fn follow(&mut self) -> Result<(), ComponentError> {
        let happening = self.link.next(self.reporter.wake_at()).await?;
        for action in self.hear(happening) {
            match action {
                ReportAction::Publish(publication) => self.link.publish(publication),
                ReportAction::Confirmed { ticket, .. } => {
                    self.outstanding.retain(|(_, outstanding)| *outstanding > ticket);
                }
                ReportAction::Refused { ticket, code, message, .. } => {
                    let error = refusal(code, &message);
                    let refused = self.outstanding.extract_if(.., |(_, outstanding)| *outstanding <= ticket);
                    self.failed.extend(refused.map(|(index, _)| (index, error.clone())));
                }
                ReportAction::NoAnswer => {
                    let message = "the shadow service does not answer";
                    return Err(ComponentError::retryable("no_answer", message));
                }
            }
        }
        Ok(())
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
