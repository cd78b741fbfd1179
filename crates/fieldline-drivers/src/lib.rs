//! Device drivers that know nothing of pipelines: they talk to a chip, block while they do, and return a reading or a
//! [`Fault`]. Read [`Bme680`] first, then [`SimulatedSensor`], which runs the same driver over a register-level model of
//! the chip, then [`DeviceThread`], which keeps a stuck bus from stalling anybody else.

mod bme680;
mod device_thread;
mod fault;
#[cfg(all(feature = "linux", target_os = "linux"))]
mod linux;
mod simulation;

pub use bme680::{
    Address, Bme680, FilterSize, GasReading, Heater, Oversampling, Reading, Selection, Settings,
    SettingsError,
};
pub use device_thread::DeviceThread;
pub use fault::{BusError, Fault, Quantity, Recovery};
#[cfg(all(feature = "linux", target_os = "linux"))]
pub use linux::{LinuxBus, LinuxDelay, OpenError};
pub use simulation::{
    ChipFault, Climate, FaultWindow, SimulatedChip, SimulatedClock, SimulatedSensor, SimulationSettings,
};
