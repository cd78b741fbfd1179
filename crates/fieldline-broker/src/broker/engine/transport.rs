//! Makes a guarded stream one of the library's transports. The variant for WebSockets is the one
//! that takes any byte stream; no WebSocket is involved.

use std::net::SocketAddr;

use mqtt5::broker::transport::WebSocketTransport;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::broker::guard::GuardedStream;

impl<S> WebSocketTransport for GuardedStream<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin,
{
    fn peer_addr(&self) -> mqtt5::Result<SocketAddr> {
        Ok(self.peer())
    }
}
