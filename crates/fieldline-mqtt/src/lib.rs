//! One MQTT connection, 3.1.1 or 5, plain or TLS: kept alive, made again with back-off, subscribed again,
//! with an outbox that is replayed and acknowledgements that leave in order. Knows nothing of pipelines and
//! starts no tasks: whoever makes a [`Connection`] runs its [`Driver`].
//!
//! In reading order: [`Options`] say where to connect, [`tls::check`] checks the certificates, [`Connection`]
//! is the handle, [`Inbound`] what comes in. Behind them `driver` makes connections, `session` is what
//! outlives them, and `protocol` is the only place that knows the MQTT library.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use fieldline_mqtt::{Address, Connection, Options, Publish};
//!
//! let options = Options::new(Address::parse("mqtt://localhost")?, "device-1");
//! let (connection, driver) = Connection::new(options)?;
//! tokio::select! {
//!     () = driver.run(std::future::pending()) => {}
//!     sent = connection.publish(Publish::new("greetings", "hello")) => sent?,
//! }
//! # Ok(())
//! # }
//! ```

mod acknowledge;
mod connection;
mod driver;
mod error;
mod inbound;
mod message;
mod options;
mod protocol;
mod session;
mod state;
pub mod tls;
pub mod topic;

pub use acknowledge::AckToken;
pub use connection::{Connection, Expected, Receipt};
pub use driver::Driver;
pub use error::{ConnectError, FilterRefusal, PublishError, Refusal, SubscribeError};
pub use inbound::Inbound;
pub use message::{Message, Properties, Publish, QoS};
pub use options::{Address, Credentials, Options, OptionsError, Scheme, Version};
pub use state::{Counters, State};
