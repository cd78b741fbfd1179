//! Runs a checked plan: builds its nodes, starts a task for each source, segment and sink, moves events
//! between them, and changes all that while it runs.
//!
//! Read in this order: how a plan is cut into [`unit`]s, how they are built and launched, the drivers that
//! are the only loops there are, and [`runtime`], which starts, applies and stops.

pub mod unit;

mod build;

mod outlet;

mod launch;

mod drivers;

mod buffer;

mod books;

mod sequence;

mod backoff;

mod supervise;

pub mod dead_letter;

mod inject;

pub mod status;

pub mod view;

pub mod clock;

pub mod runtime;

mod prepare;

mod switch;

pub use clock::{SystemTime, TokioTime};
pub use inject::InjectError;
pub use runtime::{Applied, ApplyError, Environment, Runtime};
pub use status::{BufferStatus, NodeState, NodeStatus, OutageStatus, Status, WearStatus};
pub use view::View;
