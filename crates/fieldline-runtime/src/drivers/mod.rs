//! The only loops there are: one for sources, one for segments of transforms, one for sinks. Connecting,
//! back-off, retry, batching, settling, draining and restarting after a panic are here, once.

use crate::control::desk::{Desk, Occasion};

pub(crate) mod carried;

pub(crate) mod leave;

pub(crate) mod pace;

pub(crate) mod retired;

pub(crate) mod source;

pub(crate) mod segment;

pub(crate) mod stage;

pub(crate) mod latest;

pub(crate) mod sink;

pub(crate) mod writer;

pub(crate) mod rate;

/// The next occasion to change settings; never one for a node that nothing steers. Cancel-safe.
pub(crate) async fn occasion(desk: Option<&Desk>) -> Occasion {
    match desk {
        Some(desk) => desk.next().await,
        None => std::future::pending().await,
    }
}
