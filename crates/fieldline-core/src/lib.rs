//! The vocabulary of Fieldline: what an event is, who answers for it, and what a component is.
//!
//! Everything else depends on this crate and it depends on none of ours. It opens no file, starts no
//! task and asks no clock. Read the stanzas in the order below: first the event, then its account,
//! then the components, then how a component is described and how it complains.

// The event: what it carries, who answers for it, and where it is booked.
mod edge;
mod event;
mod ledger;
mod outputs;
mod path;
mod receipt;
mod value;

// The components: what they are given and what they do.
mod clock;
pub mod connection;
mod error;
pub mod memory;
mod setting;
mod sink;
mod source;
mod transform;

// Their configs: how they are described, read, checked and built.
pub mod condition;
mod context;
mod definition;
mod facts;
pub mod policy;
pub mod read;
mod read_cx;
mod registry;
pub mod report;
mod secret;
mod units;

// What all of them use.
mod amount;
pub mod json;
mod lines;
mod redactor;
pub mod suggest;
mod table;
mod time;

pub use edge::{Edge, MAIN, Port};
pub use event::{Event, Meta};
pub use ledger::{Balance, Door, Ledger};
pub use outputs::Outputs;
pub use path::{FieldPath, PathError, Step};
pub use receipt::{Outcome, Receipt, Settle};
pub use value::{Map, Value};

pub use clock::{Clock, TimeSource, rfc3339};
pub use error::{BuildError, Cause, ComponentError, EventError, Failure, FileError};
pub use setting::{Setting, SettingError, Settings, Shape};
pub use sink::{Sink, WriteError};
pub use source::{Batch, Draft, Source};
pub use transform::{Moment, Transform, downcast};

pub use amount::amount;
pub use lines::{Line, Lines, MOST_LINE_BYTES};
pub use redactor::{Redactor, url_password};
pub use table::{HeadError, Record, RecordError, Table};
pub use time::{TimeError, TimeForm, TimeUnit, Zone};

pub use context::{BuildCx, CheckCx, FilePath, Files, Origin};
pub use definition::{Built, Config, Definition, Example, Kind, Prepare, Prepared};
pub use facts::{Channel, Claim, Direction, Facts, Resource, Session, Writes};
pub use read_cx::{Plain, ReadCx};
pub use registry::Registry;
pub use secret::Secret;
pub use units::{Period, Size, UnitError};
