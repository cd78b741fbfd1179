//! [`Edge`]: by which of its inputs an event came into a node. [`Port`]: by which output it left the node before.

use std::fmt;
use std::sync::Arc;

/// Which of its outputs a transform sends to: an index into what its config lists as outputs.
pub type Port = u16;

/// The port a transform with one output has.
pub const MAIN: Port = 0;

/// The output of another node that a node reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The node that is read, by its name in the pipeline.
    pub node: Arc<str>,
    /// Which of its outputs.
    pub port: Port,
    /// The name of that output.
    pub output: Arc<str>,
}

impl Edge {
    /// Whether this is what `input` means under `inputs`: `node` for its first output, or `node.output`.
    pub fn is(&self, input: &str) -> bool {
        match input.split_once('.') {
            Some((node, output)) => (node, output) == (&*self.node, &*self.output),
            None => input == &*self.node && self.port == MAIN,
        }
    }
}

impl fmt::Display for Edge {
    /// As it is written under `inputs`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            MAIN => write!(formatter, "{}", self.node),
            _ => write!(formatter, "{}.{}", self.node, self.output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_told_by_node_and_output_as_inputs_are_written() {
        let edge = |port, output: &str| Edge { node: "sorted".into(), port, output: output.into() };
        assert!(edge(0, "main").is("sorted") && edge(0, "main").is("sorted.main"));
        assert!(edge(1, "rest").is("sorted.rest") && !edge(1, "rest").is("sorted"));
        assert!([edge(0, "main"), edge(1, "rest")].iter().all(|edge| edge.is(&edge.to_string())));
        assert!(!edge(0, "main").is("sort") && !edge(1, "rest").is("sorted.main"));
    }
}
