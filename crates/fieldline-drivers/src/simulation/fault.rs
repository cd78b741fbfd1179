//! The faults that a simulated chip can be given, by hand or by schedule.

/// A way in which the simulated chip misbehaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChipFault {
    /// It does not acknowledge.
    NotAcknowledging,
    /// It is another chip, with this id.
    WrongId(u8),
    /// Each byte read is 0xFF.
    AllOnes,
    /// Each byte read is 0x00.
    AllZeros,
    /// Each transfer times out.
    TransferTimeout,
    /// A conversion that has started does not end.
    NeverReady,
    /// The two mode bits of the register 0x74 read as these.
    ModeGlitch(u8),
}

/// A fault that is present for some measurements of a [`SimulatedSensor`](crate::SimulatedSensor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultWindow {
    /// The fault.
    pub fault: ChipFault,
    /// The first measurement with it; the first of all is 0. Failed ones count.
    pub from: u64,
    /// For how many measurements.
    pub count: u64,
}

impl FaultWindow {
    pub(crate) fn contains(&self, measurement: u64) -> bool {
        measurement >= self.from && measurement - self.from < self.count
    }
}
