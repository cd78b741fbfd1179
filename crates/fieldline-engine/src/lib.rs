//! Runs pipeline files: compiles and applies them, reloads what is edited, takes back what does worse, and remembers the
//! last version that worked.
//!
//! The engine knows neither command line nor signals nor HTTP. It is given options, a [`ConfigSource`], a registry, a
//! queue of [`Trigger`]s and a future that ends it; it is asked through an [`EngineHandle`] and tells an [`Observer`].

// Text to plan: the source of files, what was read of them, and the last good version.
mod blocking;

mod source;

mod inputs;

mod load;

mod last_good;

mod start;

// What goes in and out of a running engine.
mod event;

mod watch;

mod clock_monitor;

mod handle;

mod status;

mod outcome;

pub mod preview;

// The engine.
mod rollback;

mod trial;

mod failing;

mod shutdown;

mod engine;

pub use clock_monitor::ClockMonitor;
pub use engine::{Engine, EngineError};
pub use event::{EngineEvent, Observer, Summary, Trigger};
pub use handle::{EngineHandle, Stopping};
pub use load::{Loaded, Loader, error_lines};
pub use source::{ConfigSource, MemorySource, Stamp};
pub use start::{EngineOptions, Start};
pub use watch::watch;
