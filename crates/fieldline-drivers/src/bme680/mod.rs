//! The BME680 on I2C: find it, set it up, make one conversion in forced mode, compensate. The protocol is written here and
//! in [`registers`]; the formulas and the calibration layout come from `bme68x`. Every control register is read back
//! before a conversion is started and after it has ended, so that a disturbed bus gives a [`Fault`] and not a wrong value.

mod calibration;
mod compensation;
mod reading;
pub(crate) mod registers;
mod settings;

use std::time::Duration;

use bme68x::float::FloatCalibrationData;
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;

use self::calibration::read_calibration;
use self::compensation::{Raw, compensate};
use self::registers::{
    BME688_VARIANT, CTRL_MEAS, FIELD, FORCED_MODE, GAS_MEASURING, MEASURING, MODE, NEW_DATA, RESET,
    RESET_COMMAND, Registers, VARIANT_ID, controls, sleep_mode,
};
use crate::fault::{BusError, Fault, Recovery};

pub use self::reading::{GasReading, Reading};
pub use self::settings::{Address, FilterSize, Heater, Oversampling, Selection, Settings, SettingsError};

/// How long the chip needs after a reset; the data sheet says 2 ms, Bosch's driver waits 10 ms.
const START_UP: Duration = Duration::from_millis(10);
/// How often the end of a conversion is asked for once it is due.
const POLL: Duration = Duration::from_millis(5);
/// How late the end of a conversion may be; the heater's and the converter's clocks are not exact.
const LATENESS: Duration = Duration::from_millis(100);
/// The temperature the heater is computed for until one was measured, in °C.
const ROOM_TEMPERATURE: f64 = 25.0;

/// A BME680 on the bus `I`. It blocks, for up to half a second with the default settings; run it on a thread of its own
/// ([`DeviceThread`](crate::DeviceThread)).
///
/// There is nothing to do after a fault but to measure again, later: the driver finds, resets and sets up the chip by
/// itself when [`Fault::recovery`] asks for it. Only [`Recovery::Reopen`] is the caller's.
pub struct Bme680<I, D> {
    bus: I,
    delay: D,
    address: Address,
    settings: Settings,
    chip: Option<Chip>,
}

/// What is known of the chip after it was set up.
#[derive(Clone, Copy)]
struct Chip {
    address: u8,
    calibration: FloatCalibrationData,
    /// The temperature around the heater in °C.
    ambient: f64,
}

impl<I, D> Bme680<I, D>
where
    I: I2c,
    D: DelayNs,
    BusError: From<I::Error>,
{
    /// A driver for the chip at `address` of `bus`. Nothing is sent yet.
    ///
    /// # Errors
    /// Settings that the chip cannot do.
    pub fn new(bus: I, delay: D, address: Address, settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Self { bus, delay, address, settings, chip: None })
    }

    /// Makes one conversion and waits for its end. Finds, resets and reads the calibration of the chip first, if this is
    /// the first measurement or the last one failed so.
    ///
    /// # Errors
    /// The cause for which there is no reading.
    pub fn measure(&mut self, selection: Selection) -> Result<Reading, Fault> {
        let result = self.chip().and_then(|chip| self.convert(chip, selection));
        match &result {
            Err(fault) if fault.recovery() != Recovery::Retry => self.chip = None,
            _ => {}
        }
        result
    }

    /// The address at which the chip was found, once it was.
    #[must_use]
    pub fn found_at(&self) -> Option<u8> {
        self.chip.map(|chip| chip.address)
    }

    fn chip(&mut self) -> Result<Chip, Fault> {
        let chip = match self.chip {
            Some(chip) => {
                Registers::new(&mut self.bus, chip.address).check_identity()?;
                chip
            }
            None => self.initialise()?,
        };
        self.chip = Some(chip);
        Ok(chip)
    }

    /// The chip is only written to after its id was read: another device may live at the address.
    fn initialise(&mut self) -> Result<Chip, Fault> {
        let address = self.find()?;
        let mut registers = Registers::new(&mut self.bus, address);
        registers.write(RESET, RESET_COMMAND)?;
        wait(&mut self.delay, START_UP);
        if registers.read_one(VARIANT_ID)? == BME688_VARIANT {
            return Err(Fault::WrongVariant { address });
        }
        let calibration = FloatCalibrationData::new(read_calibration(&mut registers)?);
        Ok(Chip { address, calibration, ambient: ROOM_TEMPERATURE })
    }

    /// The first candidate address with a BME680; otherwise what was found at the last one where anything answered.
    fn find(&mut self) -> Result<u8, Fault> {
        let tried = self.address.candidates();
        let mut fault = Fault::NoChip { tried: tried.to_vec() };
        for &address in tried {
            match Registers::new(&mut self.bus, address).check_identity() {
                Ok(()) => return Ok(address),
                Err(Fault::NotAcknowledged { .. }) => {}
                Err(other) => fault = other,
            }
        }
        Err(fault)
    }

    fn convert(&mut self, mut chip: Chip, selection: Selection) -> Result<Reading, Fault> {
        let settings = self.settings.limited_to(selection);
        let mut registers = Registers::new(&mut self.bus, chip.address);
        let controls = controls(&settings, &chip.calibration, chip.ambient.round() as i8);
        registers.set(&controls)?;
        registers.write(CTRL_MEAS, sleep_mode(&settings) | FORCED_MODE)?;
        await_data(&mut registers, &mut self.delay, settings.conversion_time())?;
        let raw = Raw::decode(&registers.read(FIELD)?);
        registers.verify(&controls)?;
        let reading = compensate(raw, &settings, &chip.calibration)?;
        if let Some(temperature) = reading.temperature {
            chip.ambient = temperature;
            self.chip = Some(chip);
        }
        Ok(reading)
    }
}

/// Waits until the chip has new data and is at rest.
fn await_data<I, D>(registers: &mut Registers<'_, I>, delay: &mut D, expected: Duration) -> Result<(), Fault>
where
    I: I2c,
    D: DelayNs,
    BusError: From<I::Error>,
{
    let limit = expected * 3 / 2 + LATENESS;
    let mut waited = expected;
    wait(delay, expected);
    while !is_at_rest(registers)? {
        if waited >= limit {
            return Err(registers.cause_of(Fault::ConversionUnfinished { limit }));
        }
        wait(delay, POLL);
        waited += POLL;
    }
    Ok(())
}

/// Whether new data is there and the chip has left forced mode, which it may do a little later.
fn is_at_rest<I>(registers: &mut Registers<'_, I>) -> Result<bool, Fault>
where
    I: I2c,
    BusError: From<I::Error>,
{
    let has_data = registers.read_one(FIELD)? & (NEW_DATA | MEASURING | GAS_MEASURING) == NEW_DATA;
    Ok(has_data && registers.read_one(CTRL_MEAS)? & MODE != FORCED_MODE)
}

fn wait(delay: &mut impl DelayNs, duration: Duration) {
    delay.delay_us(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX));
}
