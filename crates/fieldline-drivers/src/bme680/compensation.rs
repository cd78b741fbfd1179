//! From the raw data of one conversion to physical values, by Bosch's floating-point formulas (BST-BME680-DS001, section
//! 3.3) as `bme68x::float` has them, and the checks that keep a broken value from being reported as a reading.

use bme68x::float::{
    FloatCalibrationData, compensate_gas_low, compensate_humidity, compensate_pressure,
    compensate_temperature,
};

use super::reading::{GasReading, Reading};
use super::registers::{GAS_VALID, HEATER_STABLE};
use super::settings::Settings;
use crate::fault::{Fault, Quantity};

const LARGEST_20_BIT: u32 = 0xF_FFFF;
const LARGEST_16_BIT: u32 = 0xFFFF;

/// The length of the data of one conversion, registers 0x1D to 0x2B.
pub(crate) const FIELD_LENGTH: usize = 15;

/// The raw data of one conversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    /// 20 bits.
    pub(crate) temperature: u32,
    /// 20 bits.
    pub(crate) pressure: u32,
    /// 16 bits.
    pub(crate) humidity: u16,
    /// 10 bits.
    pub(crate) gas: u16,
    /// 4 bits.
    pub(crate) gas_range: u8,
    pub(crate) gas_valid: bool,
    pub(crate) heater_stable: bool,
}

impl Raw {
    pub(crate) fn decode(field: &[u8; FIELD_LENGTH]) -> Self {
        let twenty_bits = |at: usize| {
            u32::from(field[at]) << 12 | u32::from(field[at + 1]) << 4 | u32::from(field[at + 2]) >> 4
        };
        Self {
            pressure: twenty_bits(2),
            temperature: twenty_bits(5),
            humidity: u16::from_be_bytes([field[8], field[9]]),
            gas: u16::from(field[13]) << 2 | u16::from(field[14]) >> 6,
            gas_range: field[14] & 0x0F,
            gas_valid: field[14] & GAS_VALID != 0,
            heater_stable: field[14] & HEATER_STABLE != 0,
        }
    }
}

/// Compensates what `settings` had the chip measure.
///
/// # Errors
/// [`Fault::AtConverterLimit`] or [`Fault::OutOfRange`] for the first quantity that cannot be true.
pub(crate) fn compensate(
    raw: Raw,
    settings: &Settings,
    calibration: &FloatCalibrationData,
) -> Result<Reading, Fault> {
    // The temperature passes from one formula to the next inside of it.
    let mut calibration = *calibration;
    let mut reading = Reading { temperature: None, pressure: None, humidity: None, gas: None };
    if settings.temperature.is_on() {
        within_converter(Quantity::Temperature, raw.temperature, LARGEST_20_BIT)?;
        let celsius = thousandths(compensate_temperature(raw.temperature, &mut calibration));
        reading.temperature = Some(within(Quantity::Temperature, celsius, -40.0, 85.0)?);
    }
    if settings.pressure.is_on() {
        within_converter(Quantity::Pressure, raw.pressure, LARGEST_20_BIT)?;
        let hectopascal = thousandths(compensate_pressure(raw.pressure, &calibration) / 100.0);
        reading.pressure = Some(within(Quantity::Pressure, hectopascal, 300.0, 1100.0)?);
    }
    if settings.humidity.is_on() {
        within_converter(Quantity::Humidity, u32::from(raw.humidity), LARGEST_16_BIT)?;
        let percent = thousandths(compensate_humidity(raw.humidity, &calibration));
        reading.humidity = Some(within(Quantity::Humidity, percent, 0.0, 100.0)?);
    }
    if settings.heater.is_some() {
        let ohms = thousandths(compensate_gas_low(raw.gas, raw.gas_range, &calibration));
        let resistance =
            if raw.gas_valid { Some(within(Quantity::GasResistance, ohms, 1.0, 1e9)?) } else { None };
        reading.gas = Some(GasReading { resistance, heater_stable: raw.heater_stable });
    }
    Ok(reading)
}

fn within_converter(quantity: Quantity, raw: u32, largest: u32) -> Result<(), Fault> {
    if raw == 0 || raw == largest { Err(Fault::AtConverterLimit { quantity, raw }) } else { Ok(()) }
}

/// Cuts the digits that single precision does not carry, so that 21.5 does not become 21.500000381469727.
fn thousandths(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}

/// Also refuses what is not a number.
fn within(quantity: Quantity, value: f64, least: f64, most: f64) -> Result<f64, Fault> {
    if value >= least && value <= most { Ok(value) } else { Err(Fault::OutOfRange { quantity, value }) }
}
