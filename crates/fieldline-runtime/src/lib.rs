//! Runs a checked plan: builds its nodes, starts a task for each source, segment and sink, moves events
//! between them, and changes all that while it runs.
//!
//! Read in this order: how nodes are built and launched, the drivers that are the only loops there are, where events
//! wait and where they go when they fail, and [`runtime`], which prepares a change, switches to it and stops.

mod build;

mod outlet;

mod launch;

mod wiring;

mod drivers;

mod control;

mod sequence;

mod buffer;

mod books;

mod memory;

pub mod dead_letter;

mod supervise;

pub mod clock;

pub mod status;

pub mod view;

pub mod runtime;

mod prepare;

mod switch;

mod drain;

mod retiring;

mod inject;

pub use clock::{SystemTime, TokioTime, Unset};
pub use inject::InjectError;
pub use runtime::{Applied, ApplyError, Environment, Runtime};
pub use status::{
    BufferStatus, CardStatus, FailedEvent, MemoryStatus, NodeState, NodeStatus, OutageStatus, SettingStatus,
    Status, UnusedBuffer, WearStatus,
};
pub use view::View;
