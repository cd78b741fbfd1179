//! What the session itself publishes: that it is there, at the beginning of each connection, and that it is not, at the
//! end of the last. Nobody waits for it, so that it is not sent again.

use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use crate::message::Publish;
use crate::options::Options;
use crate::protocol;
use crate::session::{Entry, Inner};

impl Inner {
    /// Puts the birth message ahead of all that waits. Once the connection is being closed there is nothing to announce.
    pub(crate) fn announce(&mut self) {
        if self.closing.is_none()
            && let Some(birth) = &self.options.birth
        {
            self.outbox.push_ahead(entry(birth, &self.options));
        }
    }

    /// Puts the last will into an outbox that is empty at the end; returns whether there was anything to say. A client
    /// that says goodbye vanishes without one, and its birth message would stay.
    pub(crate) fn says_farewell(&mut self) -> bool {
        if self.farewell || self.link.is_none() {
            return false;
        }
        self.farewell = true;
        let (Some(_), Some(will)) = (&self.options.birth, &self.options.will) else { return false };
        self.outbox.push(entry(will, &self.options));
        true
    }
}

/// It takes no room from others, as there are never more than two.
fn entry(publish: &Publish, options: &Options) -> Entry {
    let (receipt, _nobody_waits) = oneshot::channel();
    let room = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("nobody else has it");
    let size = protocol::encoded_size(publish, options);
    Entry { publish: publish.clone(), size, receipt, room, only_while_awaited: true }
}
