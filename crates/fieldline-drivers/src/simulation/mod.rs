//! A simulated sensor: the real driver over a model of the chip's registers, in simulated time. Nothing here sleeps, reads
//! a clock or draws a random number that the seed does not determine, so a run can be repeated bit for bit.

mod chip;
mod climate;
mod clock;
mod fault;
mod inverse;

use std::time::Duration;

pub use self::chip::SimulatedChip;
pub use self::climate::Climate;
pub use self::clock::SimulatedClock;
pub use self::fault::{ChipFault, FaultWindow};
use crate::bme680::{Address, Bme680, Reading, Selection, Settings, SettingsError};
use crate::fault::Fault;

/// What is simulated.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulationSettings {
    /// Determines the noise.
    pub seed: u64,
    /// The air around the chip.
    pub climate: Climate,
    /// The address the chip answers at.
    pub address: u8,
    /// When which fault is present.
    pub faults: Vec<FaultWindow>,
}

impl Default for SimulationSettings {
    fn default() -> Self {
        Self { seed: 0, climate: Climate::default(), address: 0x76, faults: Vec::new() }
    }
}

/// The driver of the BME680 with a simulated chip.
pub struct SimulatedSensor {
    driver: Bme680<SimulatedChip, SimulatedClock>,
    chip: SimulatedChip,
    clock: SimulatedClock,
}

impl SimulatedSensor {
    /// A sensor that looks for its chip at `address` and measures as `settings` say.
    ///
    /// # Errors
    /// Settings that the chip cannot do.
    pub fn new(
        address: Address,
        settings: Settings,
        simulation: SimulationSettings,
    ) -> Result<Self, SettingsError> {
        let clock = SimulatedClock::default();
        let chip = SimulatedChip::new(simulation, clock.clone());
        let driver = Bme680::new(chip.clone(), clock.clone(), address, settings)?;
        Ok(Self { driver, chip, clock })
    }

    /// Measures, `elapsed` after the start of the simulation. Does not block.
    ///
    /// # Errors
    /// As [`Bme680::measure`].
    pub fn measure(&mut self, elapsed: Duration, selection: Selection) -> Result<Reading, Fault> {
        self.clock.advance_to(elapsed);
        self.chip.begin_measurement();
        self.driver.measure(selection)
    }

    /// The chip, to give it a fault or to mend it.
    #[must_use]
    pub fn chip(&self) -> &SimulatedChip {
        &self.chip
    }
}
