//! Noise in place of a chip: whatever is read, the driver returns, and what it returns is possible.

use std::cell::Cell;

use embedded_hal::i2c::{ErrorType, I2c, Operation};
use fieldline_drivers::{Address, Bme680, BusError, Fault, Reading, Selection, Settings};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::reference::REAL;
use crate::register_file::{NoDelay, RegisterFile};

const CASES: u32 = 20_000;

/// A linear congruential generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 56) as u8
    }
}

/// Whether there is a reading, which then is possible.
fn is_possible_reading(result: Result<Reading, Fault>) -> bool {
    let reading = match result {
        Ok(reading) => reading,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return false;
        }
    };
    let within =
        |value: Option<f64>, least: f64, most: f64| value.is_none_or(|value| value >= least && value <= most);
    assert!(within(reading.temperature, -40.0, 85.0), "{reading:?}");
    assert!(within(reading.pressure, 300.0, 1100.0), "{reading:?}");
    assert!(within(reading.humidity, 0.0, 100.0), "{reading:?}");
    assert!(within(reading.gas.and_then(|gas| gas.resistance), 1.0, 1e9), "{reading:?}");
    true
}

/// Runs `case`, which says whether it had a reading; noise that never passes for one would prove nothing.
fn for_random_seeds(case: impl Fn(u64) -> bool) {
    let readings = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&any::<u64>(), |seed| {
        readings.set(readings.get() + u32::from(case(seed)));
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(readings.get() > 100, "only {} readings in {CASES} cases", readings.get());
}

#[test]
fn random_registers_never_give_an_impossible_reading() {
    for_random_seeds(|seed| {
        let mut random = Random(seed);
        let mut registers = [0; 256];
        registers.fill_with(|| random.byte());
        registers[0xD0] = 0x61;
        registers[0xF0] = 0;
        let mut field = [0; 15];
        field.fill_with(|| random.byte());
        field[0] = 0x80;
        let chip = RegisterFile::new(registers, field);
        let mut sensor =
            Bme680::new(&chip, NoDelay, Address::Auto, Settings::default()).expect("default settings");
        is_possible_reading(sensor.measure(Selection::ALL))
    });
}

/// A line to a sound chip on which one byte in `one_in` is read as noise.
struct NoisyLine<'chip> {
    chip: &'chip RegisterFile,
    random: Random,
    one_in: u8,
}

impl ErrorType for NoisyLine<'_> {
    type Error = BusError;
}

impl I2c for NoisyLine<'_> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        I2c::transaction(&mut { self.chip }, address, operations)?;
        for operation in operations {
            if let Operation::Read(bytes) = operation {
                for byte in bytes.iter_mut() {
                    if self.random.byte().is_multiple_of(self.one_in) {
                        *byte = self.random.byte();
                    }
                }
            }
        }
        Ok(())
    }
}

#[test]
fn a_noisy_line_never_gives_an_impossible_reading() {
    for_random_seeds(|seed| {
        let mut random = Random(seed);
        let mut field = [0; 15];
        field.fill_with(|| random.byte());
        field[0] = 0x80;
        let chip = RegisterFile::new(REAL.registers(), field);
        let one_in = random.byte().saturating_add(1);
        let line = NoisyLine { chip: &chip, random, one_in };
        let mut sensor =
            Bme680::new(line, NoDelay, Address::Auto, Settings::default()).expect("default settings");
        (0..3).filter(|_| is_possible_reading(sensor.measure(Selection::ALL))).count() > 0
    });
}
