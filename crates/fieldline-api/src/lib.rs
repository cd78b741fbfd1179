//! The types that a running program and its users exchange: status, change, reload and replay. Plain data, written and
//! read as JSON; each type describes itself as JSON Schema.
//!
//! The engine fills them in, the admin listener sends them, commands and other front ends read them.

mod status;

mod node;

mod change;

mod reload;

mod replay;

mod problem;

mod routes;

pub mod openapi;

pub use change::{Change, Fate, NodeChange, PlanPreview};
pub use node::{Balance, Buffer, DiskUsage, Kind, Memory, NodeState, NodeStatus, Reason, Setting};
pub use problem::Problem;
pub use reload::{Applied, Losses, ReloadOutcome, ReloadRequest, ReloadResult};
pub use replay::ReplayOutcome;
pub use routes::{COMMAND_HEADER, Content, Method, Operation, ROUTES, Route};
pub use status::{ClockState, ClockStatus, FilesStatus, ProgramStatus, Status, UnusedBuffer};
