//! The sink driver: takes events into the sink's buffer and, beside it, lets the [`Writer`] bring batches to
//! their end, so that a sink that is down does not keep the buffer from filling.

use std::sync::Arc;

use fieldline_core::Clock;
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::writer::Writer;
use crate::buffer::Buffer;
use crate::build::NodeHandle;
use crate::outlet::Parcel;

/// Runs one sink until its inbox is closed and its buffer is empty.
pub(crate) struct SinkDriver {
    pub(crate) handle: Arc<NodeHandle>,
    pub(crate) inbox: mpsc::Receiver<Parcel>,
    pub(crate) buffer: Buffer,
    pub(crate) clock: Clock,
}

impl SinkDriver {
    /// Works until there is nothing left to write.
    pub(crate) async fn run(mut self, writer: Writer) {
        let most = self.handle.node.policy.batch.max_events;
        let mut idle: Option<Writer> = None;
        let mut delivery: Option<BoxFuture<'static, Writer>> = Some(writer.greet().boxed());
        let mut open = true;
        loop {
            if let Some(writer) = idle.take() {
                match self.buffer.take(most, self.clock.time()) {
                    Some(batch) => delivery = Some(writer.deliver(batch).boxed()),
                    None if open => idle = Some(writer),
                    None => {
                        idle = Some(writer);
                        break;
                    }
                }
            }
            tokio::select! {
                writer = async { delivery.as_mut().expect("checked by the branch").await }, if delivery.is_some() => {
                    delivery = None;
                    idle = Some(writer);
                    self.buffer.delivered();
                }
                parcel = self.inbox.recv(), if open && self.buffer.has_room() => match parcel {
                    Some(parcel) => self.buffer.put(parcel.events, self.clock.time()),
                    None => open = false,
                },
            }
        }
        if let Some(mut writer) = idle {
            writer.sink.close().await;
        }
    }
}
