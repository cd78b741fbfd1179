//! Turns the text of pipeline files into a checked [`Plan`]; pure.

pub mod plan;

pub use plan::{Node, NodeId, Plan};
