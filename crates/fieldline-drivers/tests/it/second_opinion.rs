//! The crate `bme680` 0.6, a driver of others for the same chip, reads the same registers as ours: both agree where it is
//! right, and each of its known faults is shown beside our answer. `crates/DECISIONS.md` says why it is not the driver.

use std::cell::Cell;
use std::time::Duration;

use bme680::{
    Bme680 as Other, FieldData, FieldDataCondition, I2CAddress, IIRFilterSize, OversamplingSetting,
    PowerMode, Settings as OtherSettings, SettingsBuilder,
};
use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use fieldline_drivers::{
    Address, Bme680, ChipFault, Fault, Reading, Selection, Settings, SimulatedChip, SimulatedClock,
    SimulationSettings,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::accuracy::{ORDINARY, raw_fields};
use crate::reference::{Coefficients, REAL};
use crate::register_file::{NoDelay, RawField, RegisterFile};

/// A chip or a clock of embedded-hal 1.0, as a driver for embedded-hal 0.2 sees it.
struct Older<T>(T);

impl<B: I2c> embedded_hal_0_2::blocking::i2c::Read for Older<B> {
    type Error = B::Error;

    fn read(&mut self, address: u8, buffer: &mut [u8]) -> Result<(), B::Error> {
        self.0.read(address, buffer)
    }
}

impl<B: I2c> embedded_hal_0_2::blocking::i2c::Write for Older<B> {
    type Error = B::Error;

    fn write(&mut self, address: u8, bytes: &[u8]) -> Result<(), B::Error> {
        self.0.write(address, bytes)
    }
}

impl<D: DelayNs> embedded_hal_0_2::blocking::delay::DelayMs<u8> for Older<D> {
    fn delay_ms(&mut self, milliseconds: u8) {
        self.0.delay_ms(milliseconds.into());
    }
}

/// The settings that are the default of our driver, but for the oversampling of the pressure, which the other driver
/// takes from the temperature.
fn other_settings() -> OtherSettings {
    SettingsBuilder::new()
        .with_temperature_oversampling(OversamplingSetting::OS8x)
        .with_pressure_oversampling(OversamplingSetting::OS4x)
        .with_humidity_oversampling(OversamplingSetting::OS2x)
        .with_temperature_filter(IIRFilterSize::Size3)
        .with_gas_measurement(Duration::from_millis(150), 320, 25)
        .with_run_gas(true)
        .build()
}

/// One measurement of `chip` by the other driver, which waits on `delay`.
fn other_reading(chip: impl I2c, delay: impl DelayNs + Clone) -> (FieldData, FieldDataCondition) {
    let mut waiting = Older(delay.clone());
    let mut delay = Older(delay);
    let mut sensor = Other::init(Older(chip), &mut delay, I2CAddress::Primary).expect("a chip answers");
    sensor.set_sensor_settings(&mut delay, other_settings()).expect("it takes the settings");
    sensor.set_sensor_mode(&mut delay, PowerMode::ForcedMode).expect("it starts to measure");
    waiting.0.delay_ms(250);
    sensor.get_sensor_data(&mut delay).expect("it answers")
}

fn our_reading(chip: &RegisterFile) -> Result<Reading, Fault> {
    let mut sensor =
        Bme680::new(chip, NoDelay, Address::Auto, Settings::default()).expect("the default settings");
    sensor.measure(Selection::ALL)
}

/// Both readings of a chip with these calibration and raw values, if ours is one that the other driver can compute: its
/// 32 bits overflow above some 1,060 hPa.
fn both(chip: &Coefficients, raw: RawField) -> Option<(Reading, FieldData)> {
    let file = || RegisterFile::new(chip.registers(), raw.bytes());
    let ours =
        our_reading(&file()).ok().filter(|ours| ours.pressure.is_some_and(|pressure| pressure < 1050.0))?;
    Some((ours, other_reading(&file(), NoDelay).0))
}

fn close(ours: Option<f64>, other: f32, tolerance: f64) -> bool {
    ours.is_some_and(|ours| (ours - f64::from(other)).abs() <= tolerance)
}

fn resistance(reading: &Reading) -> f64 {
    reading.gas.and_then(|gas| gas.resistance).expect("the gas was measured")
}

/// Hundredths of a degree and of a hectopascal are the steps of the other driver, which computes in whole numbers.
fn agree(ours: &Reading, other: &FieldData) -> bool {
    let ohms = f64::from(other.gas_resistance_ohm());
    close(ours.temperature, other.temperature_celsius(), 0.02)
        && close(ours.pressure, other.pressure_hpa(), 0.15)
        && close(ours.humidity, other.humidity_percent(), 0.1)
        && (resistance(ours) / ohms - 1.0).abs() < 0.005
}

#[test]
fn both_drivers_read_the_same_from_a_real_calibration() {
    let chip = Coefficients { range_sw_err: 0, ..REAL };
    let mut runner = TestRunner::new(Config { cases: 2000, failure_persistence: None, ..Config::default() });
    let compared = Cell::new(0);
    let outcome = runner.run(&raw_fields(&chip), |raw| {
        if let Some((ours, other)) = both(&chip, raw).filter(|_| raw.gas_range != 12) {
            prop_assert!(agree(&ours, &other), "{:?} {:?}", ours, other);
            compared.set(compared.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(compared.get() >= 500, "only {} values are within the chip's range", compared.get());
}

#[test]
fn both_drivers_read_the_same_air_from_the_simulated_chip() {
    for seed in 0..50 {
        let settings = SimulationSettings { seed, ..SimulationSettings::default() };
        let clock = SimulatedClock::default();
        let chip = SimulatedChip::new(settings.clone(), clock.clone());
        let mut sensor =
            Bme680::new(chip, clock, Address::Auto, Settings::default()).expect("the default settings");
        // The other driver starts a conversion with its settings, and reads the second.
        sensor.measure(Selection::ALL).expect("a reading");
        let ours = sensor.measure(Selection::ALL).expect("a reading");
        let clock = SimulatedClock::default();
        let (other, _) = other_reading(SimulatedChip::new(settings, clock.clone()), clock);
        assert!((resistance(&ours) / f64::from(other.gas_resistance_ohm()) - 1.0).abs() < 0.03, "{other:?}");
        assert!(close(ours.temperature, other.temperature_celsius(), 0.02), "{ours:?} {other:?}");
        assert!(close(ours.pressure, other.pressure_hpa(), 0.15), "{ours:?} {other:?}");
        assert!(close(ours.humidity, other.humidity_percent(), 0.1), "{ours:?} {other:?}");
    }
}

#[test]
fn the_other_driver_gives_the_pressure_the_oversampling_of_the_temperature() {
    let pressure_code = |file: &RegisterFile| file.registers.borrow()[0x74] >> 2 & 0x07;
    let file = RegisterFile::new(REAL.registers(), ORDINARY.bytes());
    other_reading(&file, NoDelay);
    assert_eq!(pressure_code(&file), 4, "8x, asked for 4x");
    let file = RegisterFile::new(REAL.registers(), ORDINARY.bytes());
    our_reading(&file).expect("a reading");
    assert_eq!(pressure_code(&file), 3, "4x");
}

#[test]
fn the_other_driver_reads_nothing_in_gas_range_12() {
    let (ours, other) = both(&REAL, RawField { gas_range: 12, ..ORDINARY }).expect("two readings");
    assert_eq!(other.gas_resistance_ohm(), 0);
    let expected = REAL.gas_resistance(ORDINARY.gas, 12);
    assert!((resistance(&ours) / expected - 1.0).abs() < 0.005);
}

#[test]
fn the_other_driver_takes_a_negative_switching_error_for_a_positive_one() {
    let chip = Coefficients { range_sw_err: -8, ..REAL };
    let raw = RawField { gas: 1000, ..ORDINARY };
    let (ours, other) = both(&chip, raw).expect("two readings");
    let expected = chip.gas_resistance(raw.gas, raw.gas_range);
    assert!((resistance(&ours) / expected - 1.0).abs() < 0.005);
    assert!((f64::from(other.gas_resistance_ohm()) / expected - 1.0).abs() > 0.01);
}

#[test]
fn the_other_driver_gives_zeros_for_a_chip_that_is_never_ready() {
    let clock = SimulatedClock::default();
    let chip = SimulatedChip::new(SimulationSettings::default(), clock.clone());
    chip.set_fault(Some(ChipFault::NeverReady));
    let (other, condition) = other_reading(chip.clone(), clock.clone());
    assert_eq!((other.pressure_hpa(), condition), (0.0, FieldDataCondition::Unchanged));
    let mut sensor =
        Bme680::new(chip, clock, Address::Auto, Settings::default()).expect("the default settings");
    assert!(sensor.measure(Selection::ALL).is_err());
}

#[test]
#[should_panic(expected = "Unknown power mode")]
fn the_other_driver_panics_at_a_mode_that_the_chip_does_not_have() {
    let clock = SimulatedClock::default();
    let chip = SimulatedChip::new(SimulationSettings::default(), clock.clone());
    chip.set_fault(Some(ChipFault::ModeGlitch(3)));
    other_reading(chip, clock);
}
