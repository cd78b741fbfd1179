//! [`Retiring`]: a source that has ended, in the background, until it has heard what became of all its batches.

use fieldline_compiler::NodeId;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::drivers::retired::Retired;
use crate::supervise::spawn;

/// A source that has ended, and the connection by which it answers. Dropped, it hears nothing more: what it has not
/// answered is sent again by those who can.
pub(crate) struct Retiring {
    connection: Option<NodeId>,
    task: JoinHandle<()>,
}

impl Retiring {
    /// Lets it hear of its batches beside everything else.
    pub(crate) fn new(retired: Retired) -> Self {
        let connection = retired.handle.node.connection.clone();
        Retiring { connection, task: spawn(retired.settle()) }
    }

    /// Whether it still waits.
    pub(crate) fn waits(&self) -> bool {
        !self.task.is_finished()
    }

    /// The connection by which it answers.
    pub(crate) fn connection(&self) -> Option<&NodeId> {
        self.connection.as_ref()
    }

    /// Waits for its end, until `deadline` at most.
    pub(crate) async fn end(mut self, deadline: Instant) {
        let _ended_or_late = timeout_at(deadline, &mut self.task).await;
    }
}

impl Drop for Retiring {
    fn drop(&mut self) {
        self.task.abort();
    }
}
