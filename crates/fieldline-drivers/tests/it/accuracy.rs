//! Readings against the reference, over random plausible calibrations and raw values.

use std::cell::Cell;

use fieldline_drivers::{Address, Bme680, Fault, Reading, Selection, Settings};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::reference::{Coefficients, REAL};
use crate::register_file::{NoDelay, RawField, RegisterFile};

fn measured(coefficients: &Coefficients, raw: RawField) -> Result<Reading, Fault> {
    let chip = RegisterFile::new(coefficients.registers(), raw.bytes());
    let mut sensor =
        Bme680::new(&chip, NoDelay, Address::Auto, Settings::default()).expect("default settings");
    sensor.measure(Selection::ALL)
}

fn temperatures() -> impl Strategy<Value = Coefficients> {
    (25_000_u16..28_000, 25_000_i16..28_000, -10_i8..=10).prop_map(|(t1, t2, t3)| Coefficients {
        t1,
        t2,
        t3,
        ..REAL
    })
}

fn pressures() -> impl Strategy<Value = Coefficients> {
    let first = (34_000_u16..39_000, -11_000_i16..-9_500, 60_i8..=110, 6_000_i16..11_000, -250_i16..200);
    let second = (20_i8..=40, -10_i8..=60, -3_000_i16..3_000, -4_500_i16..-1_500, 20_u8..=40);
    (first, second).prop_map(|((p1, p2, p3, p4, p5), (p6, p7, p8, p9, p10))| Coefficients {
        p1,
        p2,
        p3,
        p4,
        p5,
        p6,
        p7,
        p8,
        p9,
        p10,
        ..REAL
    })
}

fn humidities() -> impl Strategy<Value = Coefficients> {
    (600_u16..1000, 900_u16..1100, -10_i8..=10, 30_i8..=60, 10_i8..=30, 100_u8..=140, -128_i8..=-70)
        .prop_map(|(h1, h2, h3, h4, h5, h6, h7)| Coefficients { h1, h2, h3, h4, h5, h6, h7, ..REAL })
}

fn coefficients() -> impl Strategy<Value = Coefficients> {
    (temperatures(), pressures(), humidities(), -8_i8..=7).prop_map(|(t, p, h, range_sw_err)| Coefficients {
        t1: t.t1,
        t2: t.t2,
        t3: t.t3,
        h1: h.h1,
        h2: h.h2,
        h3: h.h3,
        h4: h.h4,
        h5: h.h5,
        h6: h.h6,
        h7: h.h7,
        range_sw_err,
        ..p
    })
}

/// Raw values across the range of the chip: temperatures of about -38 °C to 83 °C, the rest as wide as it goes.
pub(crate) fn raw_fields(coefficients: &Coefficients) -> impl Strategy<Value = RawField> + use<> {
    let (t1, t2) = (f64::from(coefficients.t1), f64::from(coefficients.t2));
    let temperature_raw = move |celsius: f64| (16.0 * t1 + celsius * 5120.0 * 16384.0 / t2) as u32;
    let air = (-38.0..83.0_f64, 200_000_u32..700_000, 8_000_u16..45_000);
    (air, 0_u16..1024, 0_u8..16).prop_map(move |((celsius, pressure, humidity), gas, gas_range)| RawField {
        temperature: temperature_raw(celsius),
        pressure,
        humidity,
        gas,
        gas_range,
        gas_valid: true,
        heater_stable: true,
    })
}

#[test]
fn readings_agree_with_the_data_sheet_in_thousands_of_random_chips() {
    let compared = Cell::new(0);
    let strategy = coefficients().prop_flat_map(|chip| (Just(chip), raw_fields(&chip)));
    let mut runner = TestRunner::new(Config { cases: 6000, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&strategy, |(chip, raw)| {
        let celsius = chip.temperature(raw.temperature);
        let hectopascal = chip.pressure(raw.pressure, chip.fine_temperature(raw.temperature));
        let percent = chip.humidity(raw.humidity, celsius);
        let ohms = chip.gas_resistance(raw.gas, raw.gas_range);
        if !(300.1..1099.9).contains(&hectopascal) {
            let is_near_the_end = (299.9..1100.1).contains(&hectopascal);
            let result = measured(&chip, raw);
            prop_assert!(is_near_the_end || matches!(result, Err(Fault::OutOfRange { .. })), "{:?}", result);
            return Ok(());
        }
        let reading = measured(&chip, raw).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        let gas = reading.gas.expect("gas was measured");
        prop_assert!(
            (reading.temperature.expect("measured") - celsius).abs() < 0.01,
            "{:?} {}",
            reading,
            celsius
        );
        prop_assert!(
            (reading.pressure.expect("measured") - hectopascal).abs() < 0.1,
            "{:?} {}",
            reading,
            hectopascal
        );
        prop_assert!(
            (reading.humidity.expect("measured") - percent).abs() < 0.1,
            "{:?} {}",
            reading,
            percent
        );
        prop_assert!((gas.resistance.expect("valid") / ohms - 1.0).abs() < 0.005, "{:?} {}", reading, ohms);
        compared.set(compared.get() + 1);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    assert!(compared.get() >= 2000, "only {} vectors are within the chip's range", compared.get());
}

#[test]
fn each_gas_range_agrees_for_each_switching_error() {
    for range_sw_err in -8..=7 {
        for gas_range in 0..16 {
            for gas in [0, 1, 511, 512, 700, 1023] {
                let chip = Coefficients { range_sw_err, ..REAL };
                let raw = RawField { gas, gas_range, ..ORDINARY };
                let ohms = measured(&chip, raw)
                    .expect("a reading")
                    .gas
                    .expect("measured")
                    .resistance
                    .expect("valid");
                let expected = chip.gas_resistance(gas, gas_range);
                assert!(
                    (ohms / expected - 1.0).abs() < 0.005,
                    "{ohms} {expected} {range_sw_err} {gas_range} {gas}"
                );
            }
        }
    }
}

pub(crate) const ORDINARY: RawField = RawField {
    temperature: 490_000,
    pressure: 350_000,
    humidity: 20_000,
    gas: 600,
    gas_range: 5,
    gas_valid: true,
    heater_stable: true,
};

#[test]
fn a_temperature_below_zero_is_negative() {
    let raw = RawField { temperature: 390_000, ..ORDINARY };
    let celsius = measured(&REAL, raw).expect("a reading").temperature.expect("measured");
    assert!((celsius - REAL.temperature(390_000)).abs() < 0.01);
    assert!((-9.7..-9.1).contains(&celsius), "{celsius}");
}

#[test]
fn gas_that_the_chip_calls_invalid_has_no_resistance() {
    let raw = RawField { gas_valid: false, heater_stable: false, ..ORDINARY };
    let gas = measured(&REAL, raw).expect("a reading").gas.expect("measured");
    assert_eq!((gas.resistance, gas.heater_stable), (None, false));
}

#[test]
fn an_unstable_heater_is_told_with_the_resistance() {
    let raw = RawField { heater_stable: false, ..ORDINARY };
    let gas = measured(&REAL, raw).expect("a reading").gas.expect("measured");
    assert!(gas.resistance.is_some());
    assert!(!gas.heater_stable);
}

#[test]
fn air_too_dry_or_too_damp_is_limited_as_bosch_does() {
    let humidity = |raw| {
        measured(&REAL, RawField { humidity: raw, ..ORDINARY })
            .expect("a reading")
            .humidity
            .expect("measured")
    };
    assert_eq!((humidity(100), humidity(60_000)), (0.0, 100.0));
}

#[test]
fn values_no_air_has_are_faults() {
    let hot = measured(&REAL, RawField { temperature: 900_000, ..ORDINARY }).expect_err("too hot");
    assert!(hot.to_string().starts_with("the temperature `"), "{hot}");
    let high = measured(&REAL, RawField { pressure: 20_000, ..ORDINARY }).expect_err("too high");
    assert!(high.to_string().starts_with("the pressure `"), "{high}");
    for (raw, quantity) in [
        (RawField { temperature: 0xF_FFFF, ..ORDINARY }, "temperature"),
        (RawField { pressure: 0, ..ORDINARY }, "pressure"),
        (RawField { humidity: 0xFFFF, ..ORDINARY }, "humidity"),
    ] {
        let fault = measured(&REAL, raw).expect_err("at the end of the converter");
        assert!(matches!(fault, Fault::AtConverterLimit { .. }), "{fault}");
        assert!(fault.to_string().contains(quantity), "{fault}");
    }
}
