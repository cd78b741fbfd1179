//! The vocabulary of Fieldline: what an event is, who answers for it, and what a component is.
//!
//! Everything else depends on this crate and it depends on none of ours. It opens no file, starts no
//! task and asks no clock. Read the modules in the order below: first the event, then its account,
//! then the components, then how a component is described and how it complains.

pub mod value;

pub mod path;

pub mod json;

pub mod condition;

pub mod event;

pub mod receipt;

pub mod ledger;

pub mod outputs;

pub mod edge;

pub mod clock;

pub mod source;

pub mod transform;

pub mod sink;

pub mod connection;

pub mod facts;

pub mod memory;

pub mod definition;

pub mod registry;

pub mod context;

pub mod report;

pub mod read;

pub mod error;

pub mod units;

pub mod secret;

pub mod suggest;

pub mod policy;

pub mod setting;

pub use clock::Clock;
pub use connection::{Connection, Handle};
pub use context::{BuildCx, CheckCx, FilePath, Files};
pub use definition::{Built, Config, Definition, Example, Kind, Prepared};
pub use edge::Edge;
pub use error::{BuildError, ComponentError, EventError, FileError};
pub use event::{Event, Meta};
pub use facts::{Channel, Claim, Direction, Facts, Session, Writes};
pub use ledger::Ledger;
pub use memory::Memory;
pub use outputs::Outputs;
pub use path::FieldPath;
pub use receipt::{Outcome, Receipt};
pub use registry::Registry;
pub use setting::{Setting, Settings};
pub use sink::{Sink, WriteError};
pub use source::{Batch, Draft, Source};
pub use transform::{Moment, Transform};
pub use value::{Map, Value};
