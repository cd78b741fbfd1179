//! A broker that does what the test says, packet by packet, over a real socket on a port of the system's
//! choice. It speaks MQTT 3.1.1 or 5 with the MQTT library's own codec.

use std::future::Future;
use std::time::Duration;

use bytes::BytesMut;
use fieldline_mqtt::{Address, Connection, Options};
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error, QoS};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Far more than anything here takes, so that a test that would hang fails instead.
const PATIENCE: Duration = Duration::from_secs(60);
const LARGEST: usize = 64 * 1024 * 1024;

/// Fails the test if `future` does not end.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("nothing happened for too long")
}

/// Runs the driver in a task of its own; the end of the test's runtime ends it.
pub(crate) fn start(options: Options) -> Connection {
    let (connection, driver) = Connection::new(options).expect("valid options");
    run(driver);
    connection
}

#[expect(clippy::disallowed_methods, reason = "a test has no supervisor")]
pub(crate) fn run(driver: fieldline_mqtt::Driver) -> tokio::task::JoinHandle<()> {
    tokio::spawn(driver.run(std::future::pending()))
}

/// The listening side.
pub(crate) struct Broker {
    listener: TcpListener,
}

impl Broker {
    pub(crate) async fn bind() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a free port") }
    }

    /// Options to connect here, with a back-off that does not make tests slow.
    pub(crate) fn options(&self) -> Options {
        options(self.listener.local_addr().expect("bound").port())
    }

    /// The next connection, before its CONNECT.
    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _address) = within(self.listener.accept()).await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP socket");
        Peer::new(stream)
    }

    /// The next connection, accepted; answers no subscription.
    pub(crate) async fn welcome(&self, session_present: bool) -> Peer {
        let mut peer = self.accept().await;
        peer.welcome(session_present).await;
        peer
    }
}

pub(crate) fn options(port: u16) -> Options {
    let address = Address::parse(&format!("mqtt://127.0.0.1:{port}")).expect("a valid URL");
    Options {
        backoff_initial: Duration::from_millis(5),
        backoff_maximum: Duration::from_millis(20),
        ..Options::new(address, "device")
    }
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One client as the broker sees it.
pub(crate) struct Peer {
    stream: Box<dyn Stream>,
    buffer: BytesMut,
}

impl Peer {
    pub(crate) fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self { stream: Box::new(stream), buffer: BytesMut::new() }
    }

    /// Reads CONNECT and accepts it.
    pub(crate) async fn welcome(&mut self, session_present: bool) {
        self.connect().await;
        self.write(Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, session_present))).await;
    }

    /// The next packet; `None` once the client has closed the connection.
    pub(crate) async fn read(&mut self) -> Option<Packet> {
        within(async {
            loop {
                match Packet::read(&mut self.buffer, LARGEST) {
                    Ok(packet) => return Some(packet),
                    Err(Error::InsufficientBytes(_)) => {}
                    Err(error) => panic!("the client sent nonsense: {error}"),
                }
                match self.stream.read_buf(&mut self.buffer).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        })
        .await
    }

    pub(crate) async fn write(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, LARGEST).expect("a valid packet");
        self.write_bytes(&bytes).await;
    }

    pub(crate) async fn write_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the client is there");
        self.stream.flush().await.expect("the client is there");
    }

    pub(crate) async fn connect(&mut self) -> Connect {
        match self.read().await {
            Some(Packet::Connect(connect)) => connect,
            other => panic!("{other:?} instead of CONNECT"),
        }
    }

    /// The next PUBLISH; nothing else may come before it.
    pub(crate) async fn published(&mut self) -> Publish {
        match self.read().await {
            Some(Packet::Publish(publish)) => publish,
            other => panic!("{other:?} instead of PUBLISH"),
        }
    }

    pub(crate) async fn acknowledge(&mut self, packet_id: u16) {
        self.write(Packet::PubAck(PubAck::new(packet_id))).await;
    }

    /// The packet id of the next PUBACK; nothing else may come before it.
    pub(crate) async fn acknowledged(&mut self) -> u16 {
        match self.read().await {
            Some(Packet::PubAck(acknowledged)) => acknowledged.pkid,
            other => panic!("{other:?} instead of PUBACK"),
        }
    }

    /// Grants the next SUBSCRIBE and returns its filters.
    pub(crate) async fn grant(&mut self) -> Vec<String> {
        match self.read().await {
            Some(Packet::Subscribe(subscribe)) => {
                let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); subscribe.filters.len()];
                self.write(Packet::SubAck(SubAck::new(subscribe.pkid, granted))).await;
                subscribe.filters.into_iter().map(|filter| filter.path).collect()
            }
            other => panic!("{other:?} instead of SUBSCRIBE"),
        }
    }

    /// Sends a message at least once, or with packet id 0 at most once.
    pub(crate) async fn publish(&mut self, topic: &str, payload: &str, packet_id: u16) {
        let qos = if packet_id == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        let mut publish = Publish::new(topic, qos, payload);
        publish.pkid = packet_id;
        self.write(Packet::Publish(publish)).await;
    }
}
