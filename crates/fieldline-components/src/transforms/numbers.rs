//! How transforms that calculate read and write the field they work on.

use fieldline_core::{Event, EventError, FieldPath, Value};

/// The finite number at `path` in the body.
pub(crate) fn number_at(event: &Event, path: &FieldPath) -> Option<f64> {
    path.get(event.body()).and_then(Value::as_f64).filter(|number| number.is_finite())
}

/// Why a value could not be put at `path`.
pub(crate) fn not_settable(path: &FieldPath) -> EventError {
    EventError::new("not_a_map", format!("`{path}` cannot be set: something else is in the way"))
}
