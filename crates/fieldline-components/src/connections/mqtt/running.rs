//! An `mqtt` connection at work: its session's driver, a watcher that reports its state, and the embedded
//! broker where it was to start one.

use std::collections::BTreeSet;

use async_trait::async_trait;
use fieldline_core::connection::{Connection as RunsConnection, Handle, Renewal, Report, Standing, Stop};
use fieldline_core::{Clock, ComponentError};
use fieldline_mqtt::{Connection, Driver, Options, State, tls};

use super::embedded::Embedded;
use super::session_file::SessionFile;

/// A connection before it runs.
pub(super) struct MqttConnection {
    pub(super) connection: Connection,
    pub(super) driver: Driver,
    pub(super) options: Options,
    pub(super) embedded: Option<Embedded>,
    /// Absent where the broker keeps no session.
    pub(super) session: Option<SessionFile>,
}

#[async_trait]
impl RunsConnection for MqttConnection {
    fn handle(&self) -> Handle {
        std::sync::Arc::new(self.connection.clone())
    }

    /// The session stays, with its outbox and its subscribers, and continues on a new network connection.
    fn renewal(&self, running: &Handle, clock: &Clock) -> Result<Renewal, ComponentError> {
        let running = running.clone().downcast::<Connection>();
        let running = running
            .map_err(|_other| ComponentError::permanent("renewal", "what runs is no MQTT connection"))?;
        if let Some(options) = &self.options.tls {
            let now = u64::try_from(clock.time().as_second()).unwrap_or_default();
            tls::check(options, now).map_err(|error| ComponentError::permanent("renewal", error))?;
        }
        let options = self.options.clone();
        Ok(Box::new(move || {
            running.reconnect_with(options).expect("they were checked when this connection was built");
        }))
    }

    async fn run(self: Box<Self>, clock: Clock, report: Report, stop: Stop) -> Result<(), ComponentError> {
        let watching = watch(self.connection.clone(), report);
        let MqttConnection { connection, driver, options, embedded, session } = *self;
        let saved = match &session {
            Some(file) => file.recall(&connection).await,
            None => BTreeSet::new(),
        };
        let keeping = async {
            match &session {
                Some(file) => file.keep(&connection, saved).await,
                None => std::future::pending().await,
            }
        };
        let running = async {
            match embedded {
                Some(embedded) => embedded.run(&connection, driver, options, (clock, stop)).await,
                None => {
                    driver.run(stop).await;
                    Ok(())
                }
            }
        };
        tokio::select! {
            result = running => result,
            () = keeping => unreachable!("it never ends"),
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
