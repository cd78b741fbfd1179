//! The register map of the chip (BST-BME680-DS001, section 5) and single transfers with it. Every failed transfer becomes
//! a [`Fault`] here, so that the rest of the driver reads as the protocol does.

use bme68x::compensation::encode_gas_wait;
use bme68x::float::{FloatCalibrationData, calculate_heater_resistance};
use embedded_hal::i2c::I2c;

use super::settings::Settings;
use crate::fault::{BusError, Fault};

pub(crate) const RES_HEAT_VAL: u8 = 0x00;
pub(crate) const FIELD: u8 = 0x1D;
pub(crate) const RES_HEAT_0: u8 = 0x5A;
pub(crate) const GAS_WAIT_0: u8 = 0x64;
pub(crate) const CTRL_GAS_0: u8 = 0x70;
pub(crate) const CTRL_GAS_1: u8 = 0x71;
pub(crate) const CTRL_HUM: u8 = 0x72;
pub(crate) const CTRL_MEAS: u8 = 0x74;
pub(crate) const CONFIG: u8 = 0x75;
pub(crate) const CALIBRATION_1: u8 = 0x8A;
pub(crate) const CHIP_ID: u8 = 0xD0;
pub(crate) const RESET: u8 = 0xE0;
pub(crate) const CALIBRATION_2: u8 = 0xE1;
pub(crate) const VARIANT_ID: u8 = 0xF0;

pub(crate) const BME680_ID: u8 = 0x61;
pub(crate) const BME688_VARIANT: u8 = 1;
pub(crate) const RESET_COMMAND: u8 = 0xB6;
pub(crate) const MODE: u8 = 0x03;
pub(crate) const FORCED_MODE: u8 = 0x01;
pub(crate) const RUN_GAS: u8 = 0x10;
pub(crate) const HEATER_OFF: u8 = 0x08;

pub(crate) const NEW_DATA: u8 = 0x80;
pub(crate) const GAS_MEASURING: u8 = 0x40;
pub(crate) const MEASURING: u8 = 0x20;
pub(crate) const GAS_VALID: u8 = 0x20;
pub(crate) const HEATER_STABLE: u8 = 0x10;

/// The bits of a control register that the driver owns, and what they are to hold. The others are reserved.
#[derive(Clone, Copy)]
pub(crate) struct Control {
    pub(crate) register: u8,
    mask: u8,
    value: u8,
}

/// The control registers for `settings`, in the order they are written: the chip takes up `CTRL_HUM` when `CTRL_MEAS` is
/// written, so that one is last.
pub(crate) fn controls(settings: &Settings, calibration: &FloatCalibrationData, ambient: i8) -> Vec<Control> {
    let mut controls = Vec::with_capacity(7);
    if let Some(heater) = settings.heater {
        let milliseconds = u16::try_from(heater.duration.as_millis()).unwrap_or(u16::MAX);
        let resistance = calculate_heater_resistance(heater.temperature, ambient, calibration);
        controls.push(Control { register: RES_HEAT_0, mask: 0xFF, value: resistance });
        controls.push(Control { register: GAS_WAIT_0, mask: 0xFF, value: encode_gas_wait(milliseconds) });
    }
    let (heater_off, run_gas) = if settings.heater.is_some() { (0, RUN_GAS) } else { (HEATER_OFF, 0) };
    controls.push(Control { register: CTRL_GAS_0, mask: HEATER_OFF, value: heater_off });
    controls.push(Control { register: CTRL_GAS_1, mask: 0x1F, value: run_gas });
    controls.push(Control { register: CTRL_HUM, mask: 0x07, value: settings.humidity.code() });
    controls.push(Control { register: CONFIG, mask: 0x1C, value: settings.filter.code() << 2 });
    controls.push(Control { register: CTRL_MEAS, mask: 0xFF, value: sleep_mode(settings) });
    controls
}

/// `CTRL_MEAS` for `settings` with the mode bits at sleep.
pub(crate) fn sleep_mode(settings: &Settings) -> u8 {
    settings.temperature.code() << 5 | settings.pressure.code() << 2
}

/// The chip at one address of a bus.
pub(crate) struct Registers<'bus, I> {
    bus: &'bus mut I,
    pub(crate) address: u8,
}

impl<'bus, I> Registers<'bus, I>
where
    I: I2c,
    BusError: From<I::Error>,
{
    pub(crate) fn new(bus: &'bus mut I, address: u8) -> Self {
        Self { bus, address }
    }

    pub(crate) fn read<const N: usize>(&mut self, register: u8) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        match self.bus.write_read(self.address, &[register], &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => Err(Fault::of_transfer(self.address, error.into())),
        }
    }

    pub(crate) fn read_one(&mut self, register: u8) -> Result<u8, Fault> {
        self.read(register).map(|[value]| value)
    }

    pub(crate) fn write(&mut self, register: u8, value: u8) -> Result<(), Fault> {
        let written = self.bus.write(self.address, &[register, value]);
        written.map_err(|error| Fault::of_transfer(self.address, error.into()))
    }

    /// Whether a BME680 answers, and not another chip or a broken line.
    pub(crate) fn check_identity(&mut self) -> Result<(), Fault> {
        let address = self.address;
        match self.read_one(CHIP_ID)? {
            BME680_ID => Ok(()),
            0xFF => Err(Fault::AllOnes { address }),
            0x00 => Err(Fault::AllZeros { address }),
            id => Err(Fault::WrongChip { address, id }),
        }
    }

    /// The cause of `symptom`: if the chip no longer answers as a BME680 does, that explains whatever was read from it.
    pub(crate) fn cause_of(&mut self, symptom: Fault) -> Fault {
        self.check_identity().err().unwrap_or(symptom)
    }

    /// Writes the control registers that differ. The filter's memory is lost when its register is written, so what is
    /// right already stays untouched.
    pub(crate) fn set(&mut self, controls: &[Control]) -> Result<(), Fault> {
        for control in controls {
            let found = self.read_one(control.register)?;
            if found & control.mask != control.value {
                self.write(control.register, found & !control.mask | control.value)?;
            }
        }
        self.verify(controls)
    }

    /// Reads the control registers back.
    pub(crate) fn verify(&mut self, controls: &[Control]) -> Result<(), Fault> {
        for &Control { register, mask, value } in controls {
            let found = self.read_one(register)? & mask;
            if found != value {
                return Err(self.cause_of(Fault::RegisterMismatch { register, expected: value, found }));
            }
        }
        Ok(())
    }
}
