//! From a file that is a program to its fields with everything put in: what it uses and includes, what a template
//! asks for, and what a station file answers.

// What a file uses and includes becomes one set of fields.
pub(crate) mod template;

// The params that a template declares, and the values they get.
mod bind;
mod declare;
mod stand_in;

// Values in place of `${…}`.
pub(crate) mod fill;
mod interpolate;
pub(crate) mod secrets;

// The params of a template, for people.
pub(crate) mod describe;

use compact_str::CompactString;
use indexmap::IndexMap;

use crate::text::files::Span;
use crate::text::node::Node;

/// The params of a pipeline with their values, by name; `None` for one whose value was complained about.
pub(crate) type Bound = IndexMap<CompactString, Option<Node>>;

/// The types a param can have, as users write them.
pub(crate) const TYPES: [&str; 8] =
    ["string", "integer", "number", "boolean", "duration", "size", "list", "map"];

/// One declared param.
#[derive(Clone)]
pub(crate) struct Param {
    /// Where its name was written.
    pub(crate) span: Span,
    /// One of [`TYPES`].
    pub(crate) kind: &'static str,
    /// The value without one set; null means that it may stay unset.
    pub(crate) default: Option<Node>,
    /// The least amount.
    pub(crate) min: Option<Limit>,
    /// The greatest amount.
    pub(crate) max: Option<Limit>,
    /// What the whole text must match.
    pub(crate) pattern: Option<(regex_lite::Regex, String)>,
    /// The values there are.
    pub(crate) choices: Vec<Node>,
    /// For people.
    pub(crate) description: Option<String>,
    /// The unit of a number, for people.
    pub(crate) unit: Option<String>,
    /// Its value is never shown.
    pub(crate) secret: bool,
}

/// A bound of a param: the amount, and how it was written.
#[derive(Clone)]
pub(crate) struct Limit {
    pub(crate) amount: f64,
    pub(crate) text: String,
}
