//! Runs a checked plan: builds its nodes, starts a task for each source, segment and sink, moves events
//! between them, and changes all that while it runs.
//!
//! Read in this order: how nodes are built and launched, the drivers that are the only loops there are, where events
//! wait and where they go when they fail, and [`runtime`], which prepares a change, switches to it and stops.

mod outlet;

mod node;

mod record;

mod wait;

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

pub use clock::{SystemTime, TokioTime, Unset};
pub use runtime::inject::InjectError;
pub use runtime::{Applied, ApplyError, Environment, Runtime};
pub use status::{
    BufferStatus, CardStatus, FailedEvent, MemoryStatus, NodeState, NodeStatus, OutageStatus, SettingStatus,
    Status, UnusedBuffer, WearStatus,
};
pub use view::View;
