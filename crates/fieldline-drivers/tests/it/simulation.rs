//! The simulated chip gives readings that look like a room's, the same ones for the same seed.

use std::time::Duration;

use fieldline_drivers::{
    Address, Climate, GasReading, Heater, Reading, Selection, Settings, SimulatedSensor, SimulationSettings,
};

const HOUR: Duration = Duration::from_secs(3600);

fn sensor(simulation: SimulationSettings) -> SimulatedSensor {
    SimulatedSensor::new(Address::Auto, Settings::default(), simulation).expect("default settings")
}

fn readings(seed: u64) -> Vec<Reading> {
    let mut sensor = sensor(SimulationSettings { seed, ..SimulationSettings::default() });
    (0..20).map(|hour| sensor.measure(HOUR * hour, Selection::ALL).expect("a sound chip")).collect()
}

fn assert_near(found: Option<f64>, expected: f64, distance: f64) {
    let found = found.expect("measured");
    assert!((found - expected).abs() <= distance, "{found} is not within {distance} of {expected}");
}

#[test]
fn the_first_reading_is_that_of_an_ordinary_room() {
    let reading = readings(1)[0];
    assert_near(reading.temperature, 21.5, 0.1);
    assert_near(reading.pressure, 1013.0, 0.2);
    assert_near(reading.humidity, 45.0, 0.5);
    let gas = reading.gas.expect("measured");
    assert_near(gas.resistance, 100_000.0, 5_000.0);
    assert!(gas.heater_stable);
}

#[test]
fn the_same_seed_gives_the_same_readings_and_another_seed_others() {
    assert_eq!(readings(7), readings(7));
    assert_ne!(readings(7), readings(8));
}

#[test]
fn the_room_follows_the_day() {
    let mut sensor = sensor(SimulationSettings::default());
    let noon = sensor.measure(6 * HOUR, Selection::ALL).expect("a sound chip");
    assert_near(noon.temperature, 23.5, 0.1);
    assert_near(noon.humidity, 39.0, 0.5);
    let night = sensor.measure(18 * HOUR, Selection::ALL).expect("a sound chip");
    assert_near(night.temperature, 19.5, 0.1);
    assert_near(night.humidity, 51.0, 0.5);
}

#[test]
fn two_readings_at_once_differ_by_noise_only() {
    let mut sensor = sensor(SimulationSettings::default());
    let mut next = || sensor.measure(Duration::ZERO, Selection::ALL).expect("a sound chip").temperature;
    let (first, second) = (next(), next());
    assert_ne!(first, second);
    assert_near(first, second.expect("measured"), 0.2);
}

#[test]
fn any_climate_of_the_chip_can_be_had() {
    for (temperature, pressure, humidity, gas_resistance) in
        [(-30.0, 950.0, 80.0, 1_000.0), (-11.0, 700.0, 20.0, 20_000.0), (60.0, 1050.0, 8.0, 3_000_000.0)]
    {
        let climate = Climate { temperature, pressure, humidity, gas_resistance };
        let reading = sensor(SimulationSettings { climate, ..SimulationSettings::default() })
            .measure(Duration::ZERO, Selection::ALL)
            .expect("a sound chip");
        assert_near(reading.temperature, temperature, 0.1);
        assert_near(reading.pressure, pressure, 0.3);
        assert_near(reading.humidity, humidity, 0.5);
        assert_near(reading.gas.and_then(|gas| gas.resistance), gas_resistance, gas_resistance * 0.05);
    }
}

#[test]
fn a_short_heating_does_not_make_the_heater_stable() {
    let settings = Settings {
        heater: Some(Heater { temperature: 320, duration: Duration::from_millis(5) }),
        ..Settings::default()
    };
    let mut sensor =
        SimulatedSensor::new(Address::Auto, settings, SimulationSettings::default()).expect("settings");
    let gas = sensor.measure(Duration::ZERO, Selection::ALL).expect("a sound chip").gas;
    assert!(matches!(gas, Some(GasReading { resistance: Some(_), heater_stable: false })), "{gas:?}");
}

#[test]
fn each_measurement_is_one_conversion() {
    let mut sensor = sensor(SimulationSettings::default());
    for measurement in 1..=3 {
        sensor.measure(Duration::ZERO, Selection::ALL).expect("a sound chip");
        assert_eq!(sensor.chip().conversions(), measurement);
    }
}
