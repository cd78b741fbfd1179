//! An `mqtt` connection at work: its session's driver, a watcher that reports its state, and the embedded
//! broker where there is one.

use async_trait::async_trait;
use fieldline_core::connection::{Renewal, Report, Standing, Stop};
use fieldline_core::{Clock, ComponentError, Connection as RunsConnection, Handle};
use fieldline_mqtt::{Connection, Driver, Options, State, tls};

use super::embedded::Embedded;

/// A connection before it runs.
pub(super) struct MqttConnection {
    pub(super) connection: Connection,
    pub(super) driver: Driver,
    pub(super) options: Options,
    pub(super) embedded: Option<Embedded>,
}

#[async_trait]
impl RunsConnection for MqttConnection {
    fn handle(&self) -> Handle {
        std::sync::Arc::new(self.connection.clone())
    }

    /// The session stays, with its outbox and its subscribers, and continues on a new network connection.
    fn renewal(&self, running: &Handle, clock: &Clock) -> Result<Renewal, ComponentError> {
        let refused = |reason: &dyn std::fmt::Display| ComponentError::permanent("renewal", reason);
        let running = running.clone().downcast::<Connection>();
        let running = running.map_err(|_other| refused(&"what runs is no MQTT connection"))?;
        if let Some(options) = &self.options.tls {
            let now = u64::try_from(clock.time().as_second()).unwrap_or_default();
            tls::check(options, now).map_err(|error| refused(&error))?;
        }
        let options = self.options.clone();
        Ok(Box::new(move || {
            running.reconnect_with(options).expect("they were checked when this connection was built");
        }))
    }

    async fn run(self: Box<Self>, clock: Clock, report: Report, stop: Stop) -> Result<(), ComponentError> {
        let watching = watch(self.connection.clone(), report);
        let MqttConnection { connection, driver, options, embedded } = *self;
        let running = async {
            match embedded {
                Some(embedded) => {
                    run_with_broker(embedded, &connection, driver, options, (clock, stop)).await
                }
                None => {
                    driver.run(stop).await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            result = running => result,
            () = watching => unreachable!("the watcher ends only with the session, which `running` awaits first"),
        }
    }
}

/// Reports each change of the session's state.
async fn watch(connection: Connection, report: Report) {
    let mut state = connection.state();
    loop {
        let standing = match &*state.borrow_and_update() {
            State::Connected { .. } => Some(Standing::Up),
            State::Disconnected { error, .. } => {
                let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                Some(Standing::Down(format!("{error}{hint}")))
            }
            State::Connecting | State::Closed => None,
        };
        if let Some(standing) = standing {
            report(standing);
        }
        if state.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Starts the broker, and the shadow service where there is one, points the session at the port it got, and stops
/// them, the broker and its service last.
#[cfg(feature = "broker")]
async fn run_with_broker(
    embedded: Embedded,
    connection: &Connection,
    driver: Driver,
    mut options: Options,
    (clock, stop): (Clock, Stop),
) -> Result<(), ComponentError> {
    use fieldline_broker::{AllowLoopback, Broker, BrokerOptions, Listener, ServerTls};
    use futures::future::{FutureExt, OptionFuture, join3};

    use super::shadows::Shadows;

    let shadows = match embedded.shadows {
        true => Some(Shadows::open(embedded.data.join("shadows"), clock).await?),
        false => None,
    };
    let tls = embedded.tls.map(|files| ServerTls {
        client_authority: files.client_authority,
        certificate: files.certificate,
        key: files.key,
    });
    let listener = Listener { address: embedded.listen, tls };
    let mut broker_options = BrokerOptions::new(vec![listener], std::sync::Arc::new(AllowLoopback));
    broker_options.data_directory = Some(embedded.data);
    let failed = |error: &dyn std::fmt::Display| ComponentError::permanent("broker", error);
    let broker = Broker::start(broker_options).await.map_err(|error| failed(&error))?;
    let answering = match shadows {
        Some(shadows) => Some(shadows.listen(broker.link()).map_err(|error| failed(&error))?),
        None => None,
    };
    options.address.port = broker.addresses().first().expect("it has one listener").port();
    connection.reconnect_with(options).map_err(|error| failed(&error))?;
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let session = driver.run(stop).map(|()| drop(ended));
    let serving = broker.run(end.map(|_session_ended| ()));
    join3(session, serving, OptionFuture::from(answering)).await;
    Ok(())
}

#[cfg(not(feature = "broker"))]
async fn run_with_broker(
    embedded: Embedded,
    _: &Connection,
    _: Driver,
    _: Options,
    _: (Clock, Stop),
) -> Result<(), ComponentError> {
    let message = format!(
        "no broker is built in to listen at {} and keep `{}`{}{}",
        embedded.listen,
        embedded.data.display(),
        if embedded.shadows { " with shadows" } else { "" },
        if embedded.tls.is_some() { " behind TLS" } else { "" },
    );
    Err(ComponentError::permanent("broker", message))
}
