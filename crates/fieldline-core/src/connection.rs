//! [`Connection`]: something several nodes share, such as one MQTT session. A node of the plan like any
//! other: built without effects, run by a supervised task, found by its name.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::error::ComponentError;

/// What a component holds of a connection: cheap to copy, usable before the connection is up.
pub type Handle = Arc<dyn Any + Send + Sync>;

/// The folder of the data folder in which a connection may keep what it must know of its session after a restart, as
/// file `PIPELINE/NODE`. Who runs it removes the file of a connection that is gone.
pub const SESSIONS: &str = "sessions";

/// Resolves when a connection shall close.
pub type Stop = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes a running connection go on with other files.
pub type Renewal = Box<dyn FnOnce() + Send>;

/// How a connection is doing, for health and status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not up yet, or lost, and tried again; with the reason.
    Down(String),
    /// Up.
    Up,
}

/// Told whenever the standing changes.
pub type Report = Arc<dyn Fn(Standing) + Send + Sync>;

/// A connection before it runs.
#[async_trait]
pub trait Connection: Send {
    /// What components use. Its type is known to the components that share it.
    fn handle(&self) -> Handle;

    /// Lets a running connection, whose handle is `running`, go on with what this one was built with: nothing but
    /// the content of files has changed, such as a renewed certificate. Checks now and changes nothing before the
    /// [`Renewal`] is called; those who use the connection notice no more than a short absence.
    fn renewal(&self, running: &Handle, clock: &Clock) -> Result<Renewal, ComponentError>;

    /// Keeps the connection up until `stop` resolves, then closes it in good order. Returns an error only if
    /// it can never work; everything else is retried inside.
    async fn run(self: Box<Self>, clock: Clock, report: Report, stop: Stop) -> Result<(), ComponentError>;
}
