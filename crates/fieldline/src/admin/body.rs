//! [`Bodies`]: reads what requests carry. All that is held at the same time has one bound, and so has the time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::problem::problem;

/// What all bodies together may take: the largest one and a half.
const ALL: usize = 48 << 20;
/// How long a body may pause, and how long all of it may take.
const PAUSE: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(60);

/// The room for all bodies.
pub(super) struct Bodies(Arc<Semaphore>);

/// A body; its room is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is larger than {0} KiB")]
    TooLarge(usize),
    #[error("the body did not come in time")]
    TooSlow,
    #[error("other requests hold all the memory that there is for bodies; try again")]
    NoRoom,
    #[error("the body broke off: {0}")]
    Broken(#[from] axum::Error),
}

impl Held {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(super) fn new() -> Self {
        Bodies(Arc::new(Semaphore::new(ALL)))
    }

    /// All of `body`, of at most `limit` bytes, or why it is refused.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        limit: usize,
    ) -> Result<Held, BodyError> {
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > limit as u64) {
            return Err(BodyError::TooLarge(limit >> 10));
        }
        timeout(WHOLE, self.collect(body, limit)).await.unwrap_or(Err(BodyError::TooSlow))
    }

    async fn collect(&self, mut body: Body, limit: usize) -> Result<Held, BodyError> {
        let mut bytes = BytesMut::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = timeout(PAUSE, body.frame()).await.map_err(|_| BodyError::TooSlow)? {
            let frame = frame?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > limit {
                return Err(BodyError::TooLarge(limit >> 10));
            }
            let more = u32::try_from(data.len()).ok().and_then(|length| self.take(length));
            let more = more.ok_or(BodyError::NoRoom)?;
            match &mut room {
                Some(room) => room.merge(more),
                None => room = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Held { bytes: bytes.freeze(), _room: room })
    }

    fn take(&self, length: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_many_owned(length).ok()
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let status = match self {
            BodyError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
            BodyError::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            BodyError::Broken(_) => StatusCode::BAD_REQUEST,
        };
        problem(status, &self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_bodies_share_one_bound() {
        let bodies = Bodies::new();
        let headers = HeaderMap::new();
        let read = |length: usize| bodies.read(&headers, Body::from(vec![0; length]), 32 << 20);
        let first = read(32 << 20).await.expect("there is room");
        assert_eq!(first.bytes().len(), 32 << 20);
        let refused = read(17 << 20).await.expect_err("there is none");
        assert!(matches!(refused, BodyError::NoRoom));
        drop(first);
        assert!(read(17 << 20).await.is_ok());
        let refused = read((32 << 20) + 1).await.expect_err("it is too large");
        assert!(matches!(refused, BodyError::TooLarge(_)));
    }
}
