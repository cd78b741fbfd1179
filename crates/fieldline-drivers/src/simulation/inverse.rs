//! What the chip's converters must give so that the driver computes a wanted value: the compensation, inverted by
//! bisection, which its being monotonic allows.

use bme68x::float::{
    FloatCalibrationData, compensate_gas_low, compensate_humidity, compensate_pressure,
    compensate_temperature,
};

use super::climate::Climate;

const TWENTY_BITS: u32 = 0xF_FFFF;
const SIXTEEN_BITS: u32 = 0xFFFF;
const TEN_BITS: u32 = 0x3FF;

/// The output of the converters for one state of the air.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawClimate {
    /// 20 bits.
    pub(crate) temperature: u32,
    /// 20 bits.
    pub(crate) pressure: u32,
    /// 16 bits.
    pub(crate) humidity: u32,
    /// 10 bits.
    pub(crate) gas: u32,
    /// 4 bits.
    pub(crate) gas_range: u8,
}

impl RawClimate {
    pub(crate) fn of(climate: &Climate, calibration: &FloatCalibrationData) -> Self {
        let mut warm = *calibration;
        let temperature = first_reaching(climate.temperature, TWENTY_BITS, |raw| {
            f64::from(compensate_temperature(raw, &mut warm))
        });
        // Leaves the temperature in `warm`, which pressure and humidity are compensated with.
        let _celsius = compensate_temperature(temperature, &mut warm);
        let pressure = first_reaching(-climate.pressure, TWENTY_BITS, |raw| {
            -f64::from(compensate_pressure(raw, &warm)) / 100.0
        });
        let humidity = first_reaching(climate.humidity, SIXTEEN_BITS, |raw| {
            f64::from(compensate_humidity(narrow(raw), &warm))
        });
        let ohms = |raw: u32, range: u8| f64::from(compensate_gas_low(narrow(raw), range, &warm));
        let in_range = |range: &u8| ohms(TEN_BITS, *range) <= climate.gas_resistance;
        let gas_range = (0..15).find(in_range).unwrap_or(15);
        let gas = first_reaching(-climate.gas_resistance, TEN_BITS, |raw| -ohms(raw, gas_range));
        Self { temperature, pressure, humidity, gas, gas_range }
    }
}

/// The first of 1 to `largest` - 1 at which `value`, which increases, reaches `target`.
fn first_reaching(target: f64, largest: u32, mut value: impl FnMut(u32) -> f64) -> u32 {
    let (mut low, mut high) = (1, largest - 1);
    while low < high {
        let middle = low.midpoint(high);
        if value(middle) < target {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn narrow(raw: u32) -> u16 {
    u16::try_from(raw).unwrap_or(u16::MAX)
}
