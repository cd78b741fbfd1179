//! Settings that the chip cannot do are refused before it is touched.

use std::time::Duration;

use fieldline_drivers::{Address, FilterSize, Heater, Oversampling, Settings, SettingsError};

fn check(settings: Settings, expected: Result<(), SettingsError>) {
    assert_eq!(settings.check(), expected);
}

#[test]
fn the_default_can_be_done() {
    check(Settings::default(), Ok(()));
}

#[test]
fn pressure_and_humidity_need_the_temperature() {
    let off = Oversampling::Off;
    let default = Settings::default();
    check(Settings { temperature: off, ..default }, Err(SettingsError::TemperatureOff));
    check(Settings { temperature: off, pressure: off, ..default }, Err(SettingsError::TemperatureOff));
    check(Settings { temperature: off, pressure: off, humidity: off, ..default }, Ok(()));
}

#[test]
fn the_heater_has_limits() {
    let with = |temperature, milliseconds| {
        let duration = Duration::from_millis(milliseconds);
        Settings { heater: Some(Heater { temperature, duration }), ..Settings::default() }
    };
    check(with(400, 4032), Ok(()));
    check(with(401, 150), Err(SettingsError::HeaterTemperature(401)));
    check(with(320, 0), Err(SettingsError::HeaterDuration(Duration::ZERO)));
    check(with(320, 4033), Err(SettingsError::HeaterDuration(Duration::from_millis(4033))));
}

#[test]
fn only_numbers_the_chip_knows_are_taken() {
    assert_eq!(Oversampling::try_from(8), Ok(Oversampling::X8));
    assert_eq!(Oversampling::try_from(3), Err(SettingsError::Oversampling(3)));
    assert_eq!(FilterSize::try_from(127), Ok(FilterSize::Size127));
    assert_eq!(FilterSize::try_from(2), Err(SettingsError::Filter(2)));
    assert_eq!(Address::try_from(0x77), Ok(Address::High));
    assert_eq!(Address::try_from(0x44), Err(SettingsError::Address(0x44)));
}

#[test]
fn a_conversion_takes_the_time_of_its_samples_and_of_the_heater() {
    // 14 samples of 1963 µs, nine steps of 477 µs, 1 ms to wake up, 150 ms to heat.
    assert_eq!(
        Settings::default().conversion_time(),
        Duration::from_micros(14 * 1963 + 9 * 477 + 1000 + 150_000)
    );
    let cold = Settings { heater: None, ..Settings::default() };
    assert_eq!(cold.conversion_time(), Duration::from_micros(14 * 1963 + 9 * 477 + 1000));
}
