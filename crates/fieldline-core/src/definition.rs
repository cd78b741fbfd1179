//! [`Config`] and [`Definition`]: a component as data. The schema, the reference page, `fieldline explain`
//! and the contract tests are all read from here.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::connection::Connection;
use crate::context::{BuildCx, CheckCx, Files};
use crate::error::BuildError;
use crate::facts::Facts;
use crate::memory::Memory;
use crate::read::{ReadError, read};
use crate::read_cx::ReadCx;
use crate::setting::Setting;
use crate::sink::Sink;
use crate::source::Source;
use crate::transform::Transform;
use crate::value::Value;

/// What part a component plays in a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Shared by nodes, such as an MQTT session.
    Connection,
    /// Brings events in.
    Source,
    /// Works on events.
    Transform,
    /// Takes events out.
    Sink,
}

impl Kind {
    /// The section of a pipeline file that lists this kind: `connections`, `sources`, `transforms`, `sinks`.
    pub fn section(self) -> &'static str {
        match self {
            Kind::Connection => "connections",
            Kind::Source => "sources",
            Kind::Transform => "transforms",
            Kind::Sink => "sinks",
        }
    }

    /// The kind in words: `connection`, `source`, `transform`, `sink`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Connection => "connection",
            Kind::Source => "source",
            Kind::Transform => "transform",
            Kind::Sink => "sink",
        }
    }
}

/// An example that is documentation and test at once.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// What it shows, as a heading without a full stop.
    pub title: &'static str,
    /// The node's fields as YAML, without `inputs`.
    pub config: &'static str,
    /// Bodies that go in, one JSON text a line, one a second; empty for sources and where nothing can be run.
    pub input: &'static str,
    /// Bodies that come out, in order, each behind the second at which it does: `3s {…}`, `3s port: {…}` where outputs
    /// have names, and `end {…}` for what comes when the input has ended.
    pub output: &'static str,
}

/// A component that was built and has not begun to act.
pub enum Built {
    /// A connection.
    Connection(Box<dyn Connection>),
    /// A source.
    Source(Box<dyn Source>),
    /// A transform.
    Transform(Box<dyn Transform>),
    /// A sink.
    Sink(Box<dyn Sink>),
}

impl Built {
    /// The part it plays.
    pub fn kind(&self) -> Kind {
        match self {
            Built::Connection(_) => Kind::Connection,
            Built::Source(_) => Kind::Source,
            Built::Transform(_) => Kind::Transform,
            Built::Sink(_) => Kind::Sink,
        }
    }
}

/// The configuration of a component, and all that is known of it before it runs.
///
/// The struct's doc comments are the user's documentation. It must refuse unknown fields.
pub trait Config: DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The part it plays.
    const KIND: Kind;
    /// Its `type:`, and the name of its file.
    const NAME: &'static str;
    /// One sentence, with a full stop.
    const SUMMARY: &'static str;
    /// Examples; at least one.
    const EXAMPLES: &'static [Example];
    /// What may be changed while it runs, through `control:`; only for sources and transforms.
    const SETTINGS: &'static [Setting] = &[];
    /// Whether a transform reads the latest values of other nodes, its `with:`; refused elsewhere.
    const USES_WITH: bool = false;

    /// Complains about what types alone cannot refuse. Pure.
    fn check(&self, _cx: &mut CheckCx<'_>) {}

    /// What a whole-program check must know. Pure.
    fn facts(&self) -> Facts {
        Facts::default()
    }

    /// What a transform remembers from one event to the next; nothing by default. Pure.
    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        None
    }

    /// Makes the component. No task, socket, file or thread begins here.
    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError>;
}

/// A [`Config`] whose type has been forgotten.
pub trait Prepare: Send + Sync {
    /// See [`Config::check`].
    fn check(&self, cx: &mut CheckCx<'_>);
    /// See [`Config::facts`].
    fn facts(&self) -> Facts;
    /// See [`Config::memory`].
    fn memory(&self, _files: &dyn Files) -> Option<Memory> {
        None
    }
    /// See [`Config::build`].
    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError>;
}

impl<C: Config> Prepare for C {
    fn check(&self, cx: &mut CheckCx<'_>) {
        Config::check(self, cx);
    }

    fn facts(&self) -> Facts {
        Config::facts(self)
    }

    fn memory(&self, files: &dyn Files) -> Option<Memory> {
        Config::memory(self, files)
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Config::build(self, cx)
    }
}

/// A config that was read and type-checked.
pub type Prepared = Arc<dyn Prepare>;

/// One component as data.
#[derive(Clone, Copy)]
pub struct Definition {
    /// The part it plays.
    pub kind: Kind,
    /// Its `type:`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Examples.
    pub examples: &'static [Example],
    /// What may be changed while it runs.
    pub settings: &'static [Setting],
    /// Whether it reads the latest values of other nodes: its `with:`.
    pub uses_with: bool,
    /// The JSON Schema of its own fields. The program does without: it embeds what is written from it.
    #[cfg(feature = "schema")]
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Reads its fields, without `type`, `inputs` and what else belongs to every node.
    pub read: fn(&Value, &dyn ReadCx) -> Result<Prepared, ReadError>,
}

impl Definition {
    /// The definition of the component that `C` configures.
    pub const fn of<C: Config>() -> Self {
        Definition {
            kind: C::KIND,
            name: C::NAME,
            summary: C::SUMMARY,
            examples: C::EXAMPLES,
            settings: C::SETTINGS,
            uses_with: C::USES_WITH,
            #[cfg(feature = "schema")]
            schema: |generator| generator.subschema_for::<C>(),
            read: |value, cx| Ok(Arc::new(read::<C>(value, cx)?)),
        }
    }
}
