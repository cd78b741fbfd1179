//! [`Accident`]: what goes wrong in a round, how it begins and how it is over.

use anyhow::Result;

use super::plant::Plant;
use crate::proxy::Weather;

/// What goes wrong in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Accident {
    /// The program is killed without a word, and started again.
    ProgramKilled,
    /// Its connections are closed, and new ones refused.
    NetworkCut,
    /// The broker is stopped in good order, and started again.
    BrokerStopped,
    /// Its connections stay open and pass nothing.
    NetworkSilent,
    /// Its disk is full while its sinks cannot send.
    DiskFull,
    /// The broker is killed without a word, and started again with what it has saved.
    BrokerKilled,
}

impl Accident {
    /// All there are, in the order in which a run has them.
    pub const ALL: [Accident; 6] = [
        Accident::ProgramKilled,
        Accident::NetworkCut,
        Accident::BrokerStopped,
        Accident::NetworkSilent,
        Accident::DiskFull,
        Accident::BrokerKilled,
    ];

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Accident::ProgramKilled => "program killed",
            Accident::NetworkCut => "network cut",
            Accident::BrokerStopped => "broker stopped",
            Accident::NetworkSilent => "network silent",
            Accident::DiskFull => "disk full",
            Accident::BrokerKilled => "broker killed",
        }
    }

    /// Lets it begin.
    pub(super) fn strike(self, plant: &mut Plant<'_>) -> Result<()> {
        match self {
            Accident::ProgramKilled => plant.kill_program()?,
            Accident::NetworkCut => plant.set_weather(Weather::Cut),
            Accident::BrokerStopped => plant.broker.stop()?,
            Accident::NetworkSilent => plant.set_weather(Weather::Silent),
            Accident::DiskFull => {
                plant.sink_network.set(Weather::Cut);
                plant.card.iter().for_each(|card| card.fill());
            }
            Accident::BrokerKilled => plant.broker.kill(),
        }
        Ok(())
    }

    /// Ends it.
    pub(super) fn mend(self, plant: &mut Plant<'_>) -> Result<()> {
        plant.set_weather(Weather::Fair);
        match (self, &plant.card) {
            (Accident::DiskFull, Some(card)) => card.free(),
            (Accident::BrokerStopped | Accident::BrokerKilled, _) => plant.broker.resume(),
            _ => Ok(()),
        }
    }
}
