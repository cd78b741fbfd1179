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

/// Numbers as a value that is remembered.
pub(crate) fn list_of(numbers: impl IntoIterator<Item = f64>) -> Value {
    Value::List(numbers.into_iter().map(Value::Float).collect())
}

/// The numbers of such a value; `None` for anything else.
pub(crate) fn numbers_of(list: &Value) -> Option<Vec<f64>> {
    let finite = |value: &Value| value.as_f64().filter(|number| number.is_finite());
    list.as_list()?.iter().map(finite).collect()
}
