//! From the paths asked for to the files that are programs, each a tree of YAML.

pub(crate) mod documents;
pub(crate) mod roots;
pub(crate) mod yaml;
