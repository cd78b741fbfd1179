//! One connection to the broker: the codec of rumqttc on a plain socket.

use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Connect, Packet, Publish, Subscribe};
use rumqttc::{Error as CodecError, QoS};

use crate::Failure;

const PACKET: usize = 64 * 1024;

/// One connection to the broker.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    received: BytesMut,
}

impl Socket {
    /// Connects to the broker on this machine.
    pub(crate) fn connect(port: u16, id: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        let mut socket = Socket { stream, received: BytesMut::new() };
        let mut packet = BytesMut::new();
        Connect::new(id.replace('/', "-")).write(&mut packet)?;
        socket.stream.write_all(&packet)?;
        socket.next()?;
        Ok(socket)
    }

    /// The same connection once more, for another thread.
    pub(crate) fn another(&self) -> Result<Self, Failure> {
        Ok(Socket { stream: self.stream.try_clone()?, received: BytesMut::new() })
    }

    /// Subscribes, and waits until the broker has acknowledged that.
    pub(crate) fn subscribe(&mut self, filter: &str, qos: QoS) -> Result<(), Failure> {
        let mut packet = BytesMut::new();
        let mut subscribe = Subscribe::new(filter, qos);
        subscribe.pkid = 1;
        subscribe.write(&mut packet)?;
        self.stream.write_all(&packet)?;
        self.next()?;
        Ok(())
    }

    /// The next packet of any kind.
    pub(crate) fn next(&mut self) -> Result<Packet, Failure> {
        loop {
            match Packet::read(&mut self.received, PACKET) {
                Ok(packet) => return Ok(packet),
                Err(CodecError::InsufficientBytes(_)) => self.fill()?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// All messages that are there, at least one.
    pub(crate) fn next_messages(&mut self) -> Result<Vec<Publish>, Failure> {
        let mut messages = Vec::new();
        while messages.is_empty() {
            self.fill()?;
            loop {
                match Packet::read(&mut self.received, PACKET) {
                    Ok(Packet::Publish(message)) => messages.push(message),
                    Ok(_) => {}
                    Err(CodecError::InsufficientBytes(_)) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(messages)
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let mut bytes = [0; PACKET];
        let count = self.stream.read(&mut bytes)?;
        if count == 0 {
            return Err("the broker has closed the connection".into());
        }
        self.received.extend_from_slice(&bytes[..count]);
        Ok(())
    }
}
