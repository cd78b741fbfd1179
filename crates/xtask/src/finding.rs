//! [`Finding`]: one place where the tree breaks a rule.

use std::fmt;

/// A broken rule and where it is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path from the workspace's root, with `:line` where there is one.
    pub place: String,
    /// What is wrong, and what to do where that is not obvious.
    pub problem: String,
}

impl Finding {
    /// A finding about a whole file.
    pub fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Finding { place: place.into(), problem: problem.into() }
    }

    /// A finding about one line, counted from 1.
    pub fn at(path: &str, line: usize, problem: impl Into<String>) -> Self {
        Finding::new(format!("{path}:{line}"), problem)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}
