//! The driver against three chips: a register file that tests fill, the simulated chip, and noise.

mod accuracy;
mod device_thread;
mod faults;
mod fuzz;
#[cfg(all(feature = "linux", target_os = "linux"))]
mod linux;
mod protocol;
mod reference;
mod register_file;
mod second_opinion;
mod settings;
mod simulation;
