//! From a file that is a program to its fields with everything put in: what it uses and includes, what a template
//! asks for, and what a station file answers.

mod bind;
mod declare;
mod describe;
pub(crate) mod interpolate;
pub(crate) mod template;

use compact_str::CompactString;
use indexmap::IndexMap;

pub(crate) use self::bind::bind;
pub(crate) use self::declare::declare;
pub use self::describe::{ParamInfo, template_params};
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
