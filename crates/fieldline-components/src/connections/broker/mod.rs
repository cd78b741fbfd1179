//! [`EmbeddedBroker`]: a broker inside the program and the shadow service behind it. It knows nothing of the
//! connections that use it: where it listens and who may do what there is the caller's decision.

mod file_store;
mod shadow_service;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use fieldline_broker::{Broker, BrokerError, BrokerOptions, LinkError, Listener, Policy};
use fieldline_core::{Clock, ComponentError};
use fieldline_store::DiskStorage;
use futures::future::{BoxFuture, FutureExt, OptionFuture, join};

use file_store::FileStoreError;
use shadow_service::ShadowService;

/// The folder of the shadows inside the broker's.
const SHADOWS: &str = "shadows";

/// What a broker inside the program needs.
pub(crate) struct Setup {
    /// Where it listens.
    pub(crate) listeners: Vec<Listener>,
    /// Decides what its clients may do.
    pub(crate) policy: Arc<dyn Policy>,
    /// Where it keeps sessions, retained messages and shadows.
    pub(crate) data: PathBuf,
    /// Whether a shadow service answers behind it.
    pub(crate) shadows: bool,
}

/// A broker that has its ports and its data; it serves while [`EmbeddedBroker::run`] is polled.
pub(crate) struct EmbeddedBroker {
    broker: Broker,
    shadows: Option<BoxFuture<'static, ()>>,
}

/// Why a broker inside the program did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The broker itself.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The shadows that were kept.
    #[error(transparent)]
    Shadows(#[from] FileStoreError),
    /// The way between the two.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl From<StartError> for ComponentError {
    /// Permanent: a port that is taken and a file that is no shadow stay so until somebody acts.
    fn from(error: StartError) -> Self {
        let reason = match error {
            StartError::Broker(_) | StartError::Link(_) => "broker",
            StartError::Shadows(_) => "shadows",
        };
        ComponentError::permanent(reason, describe(&error))
    }
}

impl EmbeddedBroker {
    /// Takes the ports and opens the data; `clock` dates what happens to shadows.
    pub(crate) async fn start(setup: Setup, clock: Clock) -> Result<Self, StartError> {
        let Setup { listeners, policy, data, shadows } = setup;
        let folder = data.join(SHADOWS);
        let options = BrokerOptions { data_directory: Some(data), ..BrokerOptions::new(listeners, policy) };
        // First, because the broker sees to it that no other program uses the folder.
        let broker = Broker::start(options).await?;
        let shadows = match shadows {
            true => {
                let shadows = ShadowService::open(Arc::new(DiskStorage), folder, clock).await?;
                Some(shadows.listen(broker.link())?.boxed())
            }
            false => None,
        };
        Ok(EmbeddedBroker { broker, shadows })
    }

    /// Where clients connect to, in the order of the listeners, with the ports the system chose.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        self.broker.addresses()
    }

    /// Serves until `stop` completes. When it returns, everything is on disk, and ports and data are free again.
    pub(crate) async fn run(self, stop: impl Future<Output = ()>) {
        // The service ends with the broker, after it has answered what the broker had taken.
        join(self.broker.run(stop), OptionFuture::from(self.shadows)).await;
    }
}

/// An error in one line, with those of its causes that it does not tell itself.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    text
}
