//! The table of units: known pairs, and what every row must satisfy.

use std::collections::HashSet;

use fieldline_signal::unit::{ALL, Conversion, UnitError};
use proptest::prelude::{prop_assert, proptest};

fn convert(value: f64, from: &str, to: &str) -> f64 {
    Conversion::between(from, to).expect("they measure the same").convert(value)
}

#[test]
fn conversions_give_what_reference_books_say() {
    let pairs = [
        (21.5, "°C", "K", 294.65),
        (212.0, "°F", "°C", 100.0),
        (-40.0, "C", "F", -40.0),
        (1013.25, "hPa", "Pa", 101_325.0),
        (1013.25, "mbar", "atm", 1.0),
        (1.0, "bar", "psi", 14.503_773_773),
        (250.0, "kPa", "bar", 2.5),
        (1.0, "mmHg", "Pa", 133.322_387_415),
        (10.0, "m/s", "km/h", 36.0),
        (1.0, "g", "m/s²", 9.80665),
        (250.0, "g", "kg", 0.25),
        (45.5, "%", "ratio", 0.455),
        (1500.0, "rpm", "Hz", 25.0),
        (1.0, "kWh", "kJ", 3600.0),
        (180.0, "°", "rad", std::f64::consts::PI),
    ];
    for (value, from, to, wanted) in pairs {
        let found = convert(value, from, to);
        assert!((found - wanted).abs() < 1e-9 * wanted.abs(), "{value} {from} is {wanted} {to}, not {found}");
    }
}

#[test]
fn a_name_means_one_unit_of_a_dimension() {
    let mut names = HashSet::new();
    for unit in ALL {
        for name in unit.names {
            assert!(names.insert((unit.dimension.word(), name)), "{name}");
        }
    }
}

#[test]
fn what_measures_something_else_is_not_converted() {
    let error = Conversion::between("K", "Pa").expect_err("a temperature is no pressure");
    assert_eq!(error.to_string(), "`K` measures temperature and `Pa` measures pressure");
    assert_eq!(Conversion::between("Celsius", "K"), Err(UnitError::Unknown("Celsius".into())));
}

proptest! {
    #[test]
    fn there_and_back_is_where_it_began(value in -1e6..1e6f64, from in 0..ALL.len(), to in 0..ALL.len()) {
        let (from, to) = (ALL[from], ALL[to]);
        if from.dimension == to.dimension {
            let end = convert(convert(value, from.names[0], to.names[0]), to.names[0], from.names[0]);
            prop_assert!((end - value).abs() <= 1e-6, "{value} {} {} {end}", from.names[0], to.names[0]);
        }
    }
}
