//! Runs a checked plan: builds its nodes, starts a task for each source, segment and sink, moves events
//! between them, and changes all that while it runs.
//!
//! Read in this order: how nodes are built and launched, the drivers that are the only loops there are, where events
//! wait and where they go when they fail, and [`Runtime`], which prepares a change, switches to it and stops.

// A node while it runs, and the ways between nodes.
mod node;
mod outlet;
mod wiring;

// The loops, and how they are started.
mod control;
mod drivers;
mod launch;
mod supervise;

// What drivers keep: numbers, accounts, events that wait or have failed, the state of transforms.
mod books;
mod buffer;
pub mod dead_letter;
mod memory;
mod record;
mod sequence;

// The program as a whole: started, changed, stopped and looked at.
mod clock;
mod runtime;
mod status;
mod view;
mod wait;

pub use clock::{SystemTime, TokioTime, Unset};
pub use runtime::inject::InjectError;
pub use runtime::{Applied, ApplyError, Environment, Runtime};
pub use status::{
    BufferStatus, CardStatus, FailedEvent, Faults, MemoryStatus, NodeState, NodeStatus, OutageStatus,
    SettingStatus, Status, UnusedBuffer, WearStatus,
};
pub use view::View;
