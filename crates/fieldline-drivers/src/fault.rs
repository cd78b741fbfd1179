//! What can go wrong between the processor and a chip, one variant per cause an operator can act on. A driver returns a
//! fault instead of a reading; it never panics and never fills a gap with a made-up value.

use std::time::Duration;

use embedded_hal::i2c::{Error, ErrorKind, NoAcknowledgeSource};

/// Why one I2C transfer failed. `embedded_hal`'s own kinds have no time-out, which an operator must tell from a missing
/// chip; so a bus used with [`Bme680`](crate::Bme680) converts its errors into this type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// No chip acknowledged its address or a byte.
    #[error("not acknowledged")]
    NotAcknowledged,
    /// The transfer did not end in the time the bus allows.
    #[error("timed out")]
    TimedOut,
    /// The bus itself is no longer there.
    #[error("the bus is gone")]
    Gone,
    /// Any other failure, in the words of the system.
    #[error("{0}")]
    Other(String),
}

impl Error for BusError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAcknowledged => ErrorKind::NoAcknowledge(NoAcknowledgeSource::Unknown),
            Self::TimedOut | Self::Gone => ErrorKind::Bus,
            Self::Other(_) => ErrorKind::Other,
        }
    }
}

/// A physical quantity, to say which one a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Air temperature in °C.
    Temperature,
    /// Air pressure in hPa.
    Pressure,
    /// Relative humidity in %RH.
    Humidity,
    /// Resistance of the gas sensor in Ω.
    GasResistance,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Temperature => "temperature",
            Self::Pressure => "pressure",
            Self::Humidity => "humidity",
            Self::GasResistance => "gas resistance",
        })
    }
}

/// What has to happen before the next measurement can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing: measure again.
    Retry,
    /// The chip is found, reset and set up anew; the driver does so by itself at the next measurement.
    Reinitialise,
    /// The bus or the thread is lost: the caller opens it anew.
    Reopen,
}

/// Why there is no reading. The text of each is a sentence for the operator.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Neither possible address was acknowledged.
    #[error("no chip answers at {}; check the wiring, the power and the address", hexadecimal(tried))]
    NoChip {
        /// The addresses that were tried.
        tried: Vec<u8>,
    },
    /// A chip that had answered before no longer acknowledges.
    #[error("the chip at `{address:#04x}` stopped answering; check the wiring and the power")]
    NotAcknowledged {
        /// The address of the chip.
        address: u8,
    },
    /// Another chip answered.
    #[error("the chip at `{address:#04x}` has id `{id:#04x}`, a BME680 has `0x61`{}", known_chip(*id))]
    WrongChip {
        /// The address of the chip.
        address: u8,
        /// Its id register, 0xD0.
        id: u8,
    },
    /// A BME688, which has the BME680's id but another gas sensor.
    #[error("the chip at `{address:#04x}` is a BME688, whose gas sensor this driver cannot read")]
    WrongVariant {
        /// The address of the chip.
        address: u8,
    },
    /// Each byte read is 0xFF: the data line is not driven.
    #[error("all bits read from `{address:#04x}` are one; the data line is open or the chip has no power")]
    AllOnes {
        /// The address of the chip.
        address: u8,
    },
    /// Each byte read is 0x00: the data line is held low.
    #[error("all bits read from `{address:#04x}` are zero; the data line is shorted to ground")]
    AllZeros {
        /// The address of the chip.
        address: u8,
    },
    /// A transfer did not end.
    #[error("a transfer with `{address:#04x}` timed out; a device may be holding the clock line")]
    TransferTimedOut {
        /// The address of the chip.
        address: u8,
    },
    /// The bus is no longer there.
    #[error("the i2c bus is gone")]
    BusGone,
    /// A transfer failed for a reason of the system.
    #[error("a transfer with `{address:#04x}` failed: {reason}")]
    Transfer {
        /// The address of the chip.
        address: u8,
        /// The words of the system.
        reason: String,
    },
    /// The chip did not report the end of a conversion.
    #[error("the conversion did not end within {limit:?}")]
    ConversionUnfinished {
        /// How long it was waited for.
        limit: Duration,
    },
    /// A control register does not hold what was written to it.
    #[error(
        "register `{register:#04x}` holds `{found:#04x}` where `{expected:#04x}` was set; the bus is disturbed or the chip was reset"
    )]
    RegisterMismatch {
        /// The register.
        register: u8,
        /// The bits that were set.
        expected: u8,
        /// The bits that were read, without reserved ones.
        found: u8,
    },
    /// The calibration cannot be that of a BME680, or two reads of it differ.
    #[error("the calibration of the chip is not usable: {reason}")]
    Calibration {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A raw value is at an end of the converter's range, where it says nothing about the quantity.
    #[error("the raw {quantity} `{raw:#x}` is at the end of the converter's range")]
    AtConverterLimit {
        /// The quantity.
        quantity: Quantity,
        /// The raw value.
        raw: u32,
    },
    /// The compensated value is outside what the chip can measure.
    #[error("the {quantity} `{value:.2}` is outside what the chip can measure")]
    OutOfRange {
        /// The quantity, which gives the unit.
        quantity: Quantity,
        /// The value.
        value: f64,
    },
    /// The thread that owns the device is still in an earlier transfer.
    #[error("the bus is stuck: no answer within {limit:?}")]
    BusStuck {
        /// The deadline that passed.
        limit: Duration,
    },
    /// The thread that owned the device has ended.
    #[error("the device's thread has ended")]
    ThreadEnded,
}

impl Fault {
    /// What has to happen before the next measurement can succeed.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::AtConverterLimit { .. } | Self::OutOfRange { .. } | Self::BusStuck { .. } => {
                Recovery::Retry
            }
            Self::BusGone | Self::ThreadEnded => Recovery::Reopen,
            Self::NoChip { .. }
            | Self::NotAcknowledged { .. }
            | Self::WrongChip { .. }
            | Self::WrongVariant { .. }
            | Self::AllOnes { .. }
            | Self::AllZeros { .. }
            | Self::TransferTimedOut { .. }
            | Self::Transfer { .. }
            | Self::ConversionUnfinished { .. }
            | Self::RegisterMismatch { .. }
            | Self::Calibration { .. } => Recovery::Reinitialise,
        }
    }

    /// A fixed word for the kind of fault, to label a metric with.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::NoChip { .. } => "no_chip",
            Self::NotAcknowledged { .. } => "not_acknowledged",
            Self::WrongChip { .. } => "wrong_chip",
            Self::WrongVariant { .. } => "wrong_variant",
            Self::AllOnes { .. } => "all_ones",
            Self::AllZeros { .. } => "all_zeros",
            Self::TransferTimedOut { .. } => "transfer_timed_out",
            Self::BusGone => "bus_gone",
            Self::Transfer { .. } => "transfer",
            Self::ConversionUnfinished { .. } => "conversion_unfinished",
            Self::RegisterMismatch { .. } => "register_mismatch",
            Self::Calibration { .. } => "calibration",
            Self::AtConverterLimit { .. } => "at_converter_limit",
            Self::OutOfRange { .. } => "out_of_range",
            Self::BusStuck { .. } => "bus_stuck",
            Self::ThreadEnded => "thread_ended",
        }
    }

    /// The fault that a failed transfer with the chip at `address` is.
    pub(crate) fn of_transfer(address: u8, error: BusError) -> Self {
        match error {
            BusError::NotAcknowledged => Self::NotAcknowledged { address },
            BusError::TimedOut => Self::TransferTimedOut { address },
            BusError::Gone => Self::BusGone,
            BusError::Other(reason) => Self::Transfer { address, reason },
        }
    }
}

fn hexadecimal(addresses: &[u8]) -> String {
    let words: Vec<String> = addresses.iter().map(|address| format!("`{address:#04x}`")).collect();
    words.join(" or ")
}

/// The chips that are mistaken for a BME680 most often, by their id registers.
const fn known_chip(id: u8) -> &'static str {
    match id {
        0x55 => "; this is a BMP180",
        0x56..=0x58 => "; this is a BMP280",
        0x60 => "; this is a BME280 or a BMP390",
        _ => "",
    }
}
