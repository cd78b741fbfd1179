//! Answers that say no, as `application/problem+json`.

use std::fmt::Display;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use fieldline_api::Problem;

pub(super) fn problem(status: StatusCode, title: &dyn Display) -> Response {
    let problem = Problem { status: status.as_u16(), title: title.to_string() };
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
}
