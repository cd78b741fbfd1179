//! A model of the BME680's registers on an I2C bus: identity, calibration, control, and a conversion in forced mode that
//! takes its time and then shows the state of the air. The chip's filter is not modelled; the air changes slowly anyway.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bme68x::compensation::decode_gas_wait_ms;
use bme68x::float::FloatCalibrationData;
use bme68x::{CALIBRATION_BLOCK_1_LEN, CALIBRATION_BLOCK_2_LEN, CALIBRATION_DATA_LEN};
use embedded_hal::i2c::{ErrorType, I2c, Operation};

use super::SimulationSettings;
use super::clock::SimulatedClock;
use super::fault::ChipFault;
use super::inverse::RawClimate;
use crate::bme680::registers::{
    BME680_ID, CALIBRATION_1, CALIBRATION_2, CHIP_ID, CTRL_GAS_0, CTRL_GAS_1, CTRL_HUM, CTRL_MEAS, FIELD,
    FORCED_MODE, GAS_VALID, GAS_WAIT_0, HEATER_OFF, HEATER_STABLE, MEASURING, MODE, NEW_DATA, RES_HEAT_0,
    RES_HEAT_VAL, RESET, RESET_COMMAND, RUN_GAS,
};
use crate::fault::BusError;

/// The calibration of a real chip, in the order of the blocks at 0x8A, 0xE1 and 0x00: T2 26519, T3 3, P1 35008,
/// P2 -10284, P3 88, P4 9692, P5 -202, P7 24, P6 30, P8 -516, P9 -3469, P10 30; H2 1007, H1 794, H3 0, H4 45, H5 20,
/// H6 120, H7 -100, T1 26203, GH2 -5969, GH1 -30, GH3 18; heater value 50 and range 1, range switching error -1.
const CALIBRATION: [u8; CALIBRATION_DATA_LEN] = [
    0x97, 0x67, 0x03, 0x00, 0xC0, 0x88, 0xD4, 0xD7, 0x58, 0x00, 0xDC, 0x25, 0x36, 0xFF, 0x18, 0x1E, 0x00,
    0x00, 0xFC, 0xFD, 0x73, 0xF2, 0x1E, 0x3E, 0xFA, 0x31, 0x00, 0x2D, 0x14, 0x78, 0x9C, 0x5B, 0x66, 0xAF,
    0xE8, 0xE2, 0x12, 0x32, 0x00, 0x10, 0x00, 0xF0,
];

/// The control registers that a reset clears.
const CONTROL: std::ops::RangeInclusive<u8> = RES_HEAT_0..=0x75;
const FIELD_LENGTH: usize = 15;
/// The heater needs about this long to reach its target (BST-BME680-DS001, section 3.3.5).
const HEATING: Duration = Duration::from_millis(20);

/// A handle to a simulated chip, alone on its bus; clones are handles to the same chip.
#[derive(Clone)]
pub struct SimulatedChip {
    model: Arc<Mutex<Model>>,
}

struct Model {
    settings: SimulationSettings,
    clock: SimulatedClock,
    calibration: FloatCalibrationData,
    registers: [u8; 256],
    pointer: u8,
    ready_at: Option<Duration>,
    conversions: u64,
    measurements: u64,
    fault: Option<ChipFault>,
}

impl SimulatedChip {
    /// A chip whose conversions take the time of `clock`.
    #[must_use]
    pub fn new(settings: SimulationSettings, clock: SimulatedClock) -> Self {
        let mut registers = [0; 256];
        let (first, rest) = CALIBRATION.split_at(CALIBRATION_BLOCK_1_LEN);
        let (second, third) = rest.split_at(CALIBRATION_BLOCK_2_LEN);
        for (start, block) in [(CALIBRATION_1, first), (CALIBRATION_2, second), (RES_HEAT_VAL, third)] {
            registers[usize::from(start)..][..block.len()].copy_from_slice(block);
        }
        registers[usize::from(CHIP_ID)] = BME680_ID;
        let mut model = Model {
            settings,
            clock,
            calibration: FloatCalibrationData::from_register_bytes(&CALIBRATION),
            registers,
            pointer: 0,
            ready_at: None,
            conversions: 0,
            measurements: 0,
            fault: None,
        };
        model.reset();
        Self { model: Arc::new(Mutex::new(model)) }
    }

    /// Gives the chip a fault that stays, or takes it away; scheduled faults are not touched.
    pub fn set_fault(&self, fault: Option<ChipFault>) {
        self.model().fault = fault;
    }

    /// How many conversions have ended.
    #[must_use]
    pub fn conversions(&self) -> u64 {
        self.model().conversions
    }

    /// Counts a measurement for the schedule of faults.
    pub(crate) fn begin_measurement(&self) {
        self.model().measurements += 1;
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ErrorType for SimulatedChip {
    type Error = BusError;
}

impl I2c for SimulatedChip {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        let mut model = self.model();
        if address != model.settings.address {
            return Err(BusError::NotAcknowledged);
        }
        match model.fault() {
            Some(ChipFault::NotAcknowledging) => return Err(BusError::NotAcknowledged),
            Some(ChipFault::TransferTimeout) => return Err(BusError::TimedOut),
            _ => {}
        }
        for operation in operations {
            match operation {
                Operation::Write(bytes) => model.write(bytes),
                Operation::Read(bytes) => model.read(bytes),
            }
        }
        Ok(())
    }
}

impl Model {
    fn fault(&self) -> Option<ChipFault> {
        let measurement = self.measurements.saturating_sub(1);
        let scheduled = self.settings.faults.iter().find(|window| window.contains(measurement));
        self.fault.or(scheduled.map(|window| window.fault))
    }

    fn register(&self, register: u8) -> u8 {
        self.registers[usize::from(register)]
    }

    /// A register address, then values that alternate with further addresses.
    fn write(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks(2) {
            self.pointer = pair[0];
            if let Some(value) = pair.get(1) {
                self.write_register(pair[0], *value);
            }
        }
    }

    fn write_register(&mut self, register: u8, value: u8) {
        if register == RESET && value == RESET_COMMAND {
            self.reset();
        } else if CONTROL.contains(&register) {
            self.registers[usize::from(register)] = value;
        }
        if register == CTRL_MEAS && value & MODE == FORCED_MODE && self.ready_at.is_none() {
            self.ready_at = Some(self.clock.now() + self.conversion_time());
            self.registers[usize::from(FIELD)] = MEASURING;
        }
    }

    fn reset(&mut self) {
        self.ready_at = None;
        self.registers[usize::from(*CONTROL.start())..=usize::from(*CONTROL.end())].fill(0);
        self.show(0, 0x8_0000, 0x8_0000, 0x8000, 0);
    }

    fn read(&mut self, bytes: &mut [u8]) {
        self.finish_conversion();
        for byte in bytes {
            let register = self.pointer;
            *byte = match self.fault() {
                Some(ChipFault::AllOnes) => 0xFF,
                Some(ChipFault::AllZeros) => 0x00,
                Some(ChipFault::WrongId(id)) if register == CHIP_ID => id,
                Some(ChipFault::ModeGlitch(mode)) if register == CTRL_MEAS => {
                    self.register(register) & !MODE | mode & MODE
                }
                _ => self.register(register),
            };
            self.pointer = self.pointer.wrapping_add(1);
        }
    }

    fn conversion_time(&self) -> Duration {
        let meas = self.register(CTRL_MEAS);
        let codes = [meas >> 5, meas >> 2 & 0x07, self.register(CTRL_HUM) & 0x07];
        let samples: u64 =
            codes.into_iter().map(|code| if code == 0 { 0 } else { 1 << (code.min(5) - 1) }).sum();
        Duration::from_micros(samples * 1963 + 9 * 477 + 500) + self.heating_time()
    }

    fn heating_time(&self) -> Duration {
        let heats = self.register(CTRL_GAS_1) & RUN_GAS != 0 && self.register(CTRL_GAS_0) & HEATER_OFF == 0;
        let wait = decode_gas_wait_ms(self.register(GAS_WAIT_0));
        if heats { Duration::from_millis(wait.into()) } else { Duration::ZERO }
    }

    fn finish_conversion(&mut self) {
        let due = self.ready_at.is_some_and(|ready_at| self.clock.now() >= ready_at);
        if !due || self.fault() == Some(ChipFault::NeverReady) {
            return;
        }
        self.ready_at = None;
        let climate = self.settings.climate.at(self.clock.now(), self.conversions, self.settings.seed);
        let raw = RawClimate::of(&climate, &self.calibration);
        self.conversions += 1;
        let meas = self.register(CTRL_MEAS);
        let unless_off = |code: u8, value, off| if code == 0 { off } else { value };
        let temperature = unless_off(meas >> 5, raw.temperature, 0x8_0000);
        let pressure = unless_off(meas >> 2 & 0x07, raw.pressure, 0x8_0000);
        let humidity = unless_off(self.register(CTRL_HUM) & 0x07, raw.humidity, 0x8000);
        let stable = if self.heating_time() >= HEATING { HEATER_STABLE } else { 0 };
        let valid = if self.heating_time().is_zero() { 0 } else { GAS_VALID };
        let gas = raw.gas << 6 | u32::from(valid | stable | raw.gas_range);
        self.show(NEW_DATA, temperature, pressure, humidity, gas);
        self.registers[usize::from(CTRL_MEAS)] &= !MODE;
    }

    /// Fills the field registers; `gas` is the two bytes of its value, flags and range.
    fn show(&mut self, status: u8, temperature: u32, pressure: u32, humidity: u32, gas: u32) {
        let mut field = [0; FIELD_LENGTH];
        field[0] = status;
        field[1] = self.conversions.to_le_bytes()[0];
        field[2..5].copy_from_slice(&(pressure << 4).to_be_bytes()[1..]);
        field[5..8].copy_from_slice(&(temperature << 4).to_be_bytes()[1..]);
        field[8..10].copy_from_slice(&humidity.to_be_bytes()[2..]);
        field[13..15].copy_from_slice(&gas.to_be_bytes()[2..]);
        self.registers[usize::from(FIELD)..][..FIELD_LENGTH].copy_from_slice(&field);
    }
}
