//! The byte stream between a client and the protocol engine, which enforces permission to receive.
//!
//! The engine has no hook at delivery, so each packet it writes passes here: a message that the
//! policy withholds is dropped and, so that its delivery ends, acknowledged in the client's name.

use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::broker::client::Client;
use crate::broker::packet::{Answer, Boundary, Outbound, answer, outbound, packet_length};
use crate::broker::policy::Action;

/// A client's socket as the engine sees it.
pub(super) struct GuardedStream<S> {
    socket: S,
    client: Arc<Client>,
    inbound: Boundary,
    /// Acknowledgements for withheld messages, read by the engine between two of the client's packets.
    answers: BytesMut,
    reader: Option<Waker>,
    /// Bytes of the engine that do not make a whole packet yet.
    partial: BytesMut,
    /// Packets that may go out and the socket has not taken yet.
    outgoing: BytesMut,
    /// Withheld QoS 2 messages whose release is still to come.
    withheld: HashSet<u16>,
}

impl<S> GuardedStream<S> {
    pub(super) fn new(socket: S, client: Arc<Client>) -> Self {
        Self {
            socket,
            client,
            inbound: Boundary::default(),
            answers: BytesMut::new(),
            reader: None,
            partial: BytesMut::new(),
            outgoing: BytesMut::new(),
            withheld: HashSet::new(),
        }
    }

    /// Address of the client.
    pub(super) fn peer(&self) -> SocketAddr {
        self.client.peer()
    }

    /// Moves whole packets from `partial` to `outgoing`, but for those withheld.
    fn sort_packets(&mut self) -> io::Result<()> {
        while let Some(length) = packet_length(&self.partial).map_err(invalid)? {
            if self.partial.len() < length {
                break;
            }
            let packet = self.partial.split_to(length);
            match outbound(&packet) {
                Outbound::Publish { topic, quality, identifier }
                    if !self.client.may(Action::Receive(topic)) =>
                {
                    self.withhold(quality, identifier);
                }
                Outbound::Release { identifier } if self.withheld.remove(&identifier) => {
                    self.reply(Answer::Complete, identifier);
                }
                _ => self.outgoing.extend_from_slice(&packet),
            }
        }
        Ok(())
    }

    fn withhold(&mut self, quality: u8, identifier: Option<u16>) {
        match (quality, identifier) {
            (1, Some(identifier)) => self.reply(Answer::Acknowledged, identifier),
            (2, Some(identifier)) => {
                self.withheld.insert(identifier);
                self.reply(Answer::Received, identifier);
            }
            _ => {}
        }
    }

    fn reply(&mut self, kind: Answer, identifier: u16) {
        self.answers.extend_from_slice(&answer(kind, identifier));
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn check_not_cut(&self) -> io::Result<()> {
        if self.client.is_cut() {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the policy ended the connection"));
        }
        Ok(())
    }
}

impl<S: AsyncWrite + Unpin> GuardedStream<S> {
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.socket).poll_write(context, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for GuardedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check_not_cut()?;
        if this.inbound.between_packets() && !this.answers.is_empty() {
            let taken = this.answers.len().min(buffer.remaining());
            buffer.put_slice(&this.answers.split_to(taken));
            return Poll::Ready(Ok(()));
        }
        let filled = buffer.filled().len();
        let read = Pin::new(&mut this.socket).poll_read(context, buffer);
        if read.is_pending() {
            this.reader = Some(context.waker().clone());
        }
        ready!(read)?;
        this.inbound.advance(&buffer.filled()[filled..]).map_err(invalid)?;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for GuardedStream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_not_cut()?;
        ready!(this.poll_drain(context))?;
        this.partial.extend_from_slice(bytes);
        this.sort_packets()?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(context))?;
        Pin::new(&mut this.socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_drain(context))?;
        Pin::new(&mut this.socket).poll_shutdown(context)
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::GuardedStream;
    use crate::broker::client::Client;
    use crate::broker::identity::Identity;
    use crate::broker::policy::Action;

    /// A guarded stream that withholds `no/#`, and the client's end of it.
    fn guarded() -> (GuardedStream<DuplexStream>, DuplexStream) {
        let policy = |_: &Identity, action: Action<'_>| !matches!(action, Action::Receive(topic) if topic.starts_with("no/"));
        let peer = "127.0.0.1:1".parse().expect("the address is well-formed");
        let client = Arc::new(Client::new(Arc::new(policy), peer, None));
        assert!(client.admit("pi", None));
        let (ours, theirs) = duplex(1024);
        (GuardedStream::new(ours, client), theirs)
    }

    /// The next bytes, which are expected at once.
    async fn read(from: &mut (impl AsyncRead + Unpin), length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        timeout(Duration::from_secs(10), from.read_exact(&mut bytes))
            .await
            .expect("the bytes come in time")
            .expect("the stream is open");
        bytes
    }

    fn publish(topic: &str, quality: u8, identifier: u16) -> Vec<u8> {
        let mut body = vec![0, u8::try_from(topic.len()).expect("the topic is short")];
        body.extend(topic.as_bytes());
        if quality > 0 {
            body.extend(identifier.to_be_bytes());
        }
        let length = u8::try_from(body.len()).expect("the body is short");
        [vec![0x30 | quality << 1, length], body].concat()
    }

    #[tokio::test]
    async fn a_withheld_message_is_acknowledged_and_its_neighbours_pass() {
        let (mut stream, mut theirs) = guarded();
        let packets = [publish("yes/1", 1, 1), publish("no/2", 1, 2), publish("yes/3", 0, 0)].concat();
        for part in packets.chunks(3) {
            stream.write_all(part).await.expect("the stream takes the packets");
        }
        stream.flush().await.expect("the stream flushes");
        let expected = [publish("yes/1", 1, 1), publish("yes/3", 0, 0)].concat();
        assert_eq!(read(&mut theirs, expected.len()).await, expected);
        assert_eq!(read(&mut stream, 4).await, [0x40, 2, 0, 2]);
    }

    #[tokio::test]
    async fn a_withheld_exactly_once_delivery_is_completed() {
        let (mut stream, _theirs) = guarded();
        stream.write_all(&publish("no/1", 2, 9)).await.expect("the stream takes the message");
        assert_eq!(read(&mut stream, 4).await, [0x50, 2, 0, 9]);
        stream.write_all(&[0x62, 2, 0, 9]).await.expect("the stream takes the release");
        assert_eq!(read(&mut stream, 4).await, [0x70, 2, 0, 9]);
    }

    #[tokio::test]
    async fn an_acknowledgement_waits_for_the_end_of_the_clients_packet() {
        let (mut stream, mut theirs) = guarded();
        let packet = publish("up/1", 0, 0);
        theirs.write_all(&packet[..4]).await.expect("the client sends half a packet");
        assert_eq!(read(&mut stream, 4).await, packet[..4]);
        stream.write_all(&publish("no/1", 1, 5)).await.expect("the stream takes the message");
        theirs.write_all(&packet[4..]).await.expect("the client sends the rest");
        let expected = [&packet[4..], &[0x40, 2, 0, 5]].concat();
        assert_eq!(read(&mut stream, expected.len()).await, expected);
    }
}
