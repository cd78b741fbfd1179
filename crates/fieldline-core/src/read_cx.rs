//! [`ReadCx`]: what is known of a config beside its value, such as the file in which each of its fields stands. A path is
//! that of a field below the config that is read.

use std::path::PathBuf;

use crate::path::FieldPath;

/// What the reader must know beside the value.
pub trait ReadCx {
    /// Joins a relative path with the folder of the file in which `field` was written.
    fn resolve(&self, field: &FieldPath, path: &str) -> PathBuf;
    /// Whether the text of `field` came from a variable, so that `"8883"` may become a number.
    fn is_variable(&self, field: &FieldPath) -> bool;
    /// The scalar at `field` as it stands in its file, where that is known.
    fn written(&self, _field: &FieldPath) -> Option<&str> {
        None
    }
    /// Takes note that `field` is read as a [`Secret`](crate::Secret), which nobody may be shown.
    fn conceal(&self, field: &FieldPath);
}

/// A context for values that were not written in a file.
pub struct Plain;

impl ReadCx for Plain {
    fn resolve(&self, _: &FieldPath, path: &str) -> PathBuf {
        PathBuf::from(path)
    }

    fn is_variable(&self, _: &FieldPath) -> bool {
        false
    }

    fn conceal(&self, _: &FieldPath) {}
}
