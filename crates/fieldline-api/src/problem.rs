//! [`Problem`]: the answer to a request that failed, after RFC 9457.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer to a request that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The status code of the answer.
    pub status: u16,
    /// The problem in one sentence.
    pub title: String,
}
