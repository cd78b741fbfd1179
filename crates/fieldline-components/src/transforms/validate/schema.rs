//! [`BodySchema`]: a JSON Schema that bodies must fit. What reads it is large, so it is only in programs built with the
//! feature `json-schema`.

use fieldline_core::Value;
use fieldline_core::json::JsonError;

/// Whether JSON Schema was built in.
pub(super) const IS_BUILT_IN: bool = cfg!(feature = "json-schema");

/// The most characters of a complaint: it may quote the whole body.
#[cfg(feature = "json-schema")]
const LONGEST_COMPLAINT: usize = 200;

/// Why a value is no JSON Schema.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    #[error(transparent)]
    Text(#[from] JsonError),
    #[cfg(feature = "json-schema")]
    #[error(transparent)]
    NoJson(#[from] serde_json::Error),
    #[cfg(feature = "json-schema")]
    #[error("at `{}`: {error}", error.instance_path())]
    Invalid { error: Box<jsonschema::ValidationError<'static>> },
    #[cfg(not(feature = "json-schema"))]
    #[error("this program was built without JSON Schema")]
    NotBuiltIn,
}

/// A JSON Schema that was read.
pub(super) struct BodySchema {
    #[cfg(feature = "json-schema")]
    validator: jsonschema::Validator,
}

#[cfg(feature = "json-schema")]
impl BodySchema {
    /// Reads a schema, of draft 2020-12 where it does not say another. What it refers to must be inside it.
    pub(super) fn new(schema: &Value) -> Result<Self, SchemaError> {
        let schema = serde_json::to_value(schema)?;
        let validator = jsonschema::validator_for(&schema);
        let validator = validator.map_err(|error| SchemaError::Invalid { error: Box::new(error) })?;
        Ok(BodySchema { validator })
    }

    /// The first thing in which the body does not fit, with its path as a JSON Pointer unless it is the body itself.
    pub(super) fn complaint(&self, body: &Value) -> Option<String> {
        let body = match serde_json::to_value(body) {
            Ok(body) => body,
            Err(error) => return Some(format!("schema: no JSON: {error}")),
        };
        let error = self.validator.iter_errors(&body).next()?;
        let complaint = match error.instance_path().as_str() {
            "" => format!("schema: {error}"),
            path => format!("schema: `{path}`: {error}"),
        };
        Some(complaint.chars().take(LONGEST_COMPLAINT).collect())
    }
}

#[cfg(not(feature = "json-schema"))]
impl BodySchema {
    pub(super) fn new(_: &Value) -> Result<Self, SchemaError> {
        Err(SchemaError::NotBuiltIn)
    }

    pub(super) fn complaint(&self, _: &Value) -> Option<String> {
        None
    }
}
