//! What configs have in common: schemas of fields that hold any value, and checks that several fields need.

use fieldline_core::{CheckCx, Period};
use schemars::{Schema, SchemaGenerator, json_schema};

/// The schema of a map whose values are free.
pub(crate) fn any_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": true })
}

/// What a field that is left out says: true.
pub(crate) fn yes() -> bool {
    true
}

/// Complains where a span of time is zero and nothing could ever be done in it.
pub(crate) fn check_not_zero(cx: &mut CheckCx<'_>, field: &str, period: Period) {
    if period.0.is_zero() {
        cx.error("zero-period", field, format!("`{field}` must be longer than zero"))
            .help(format!("write for example `{field}: 1s`"));
    }
}
