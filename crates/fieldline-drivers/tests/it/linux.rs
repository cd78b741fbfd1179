//! Opening a bus that is not there says what to do.

use fieldline_drivers::{LinuxBus, OpenError};

#[test]
fn a_missing_bus_says_how_to_switch_it_on() {
    let error = LinuxBus::open("/dev/i2c-that-is-not-there").err().expect("no such bus");
    assert!(matches!(error, OpenError::Missing { .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("`/dev/i2c-that-is-not-there`") && told.contains("raspi-config"), "{told}");
}

#[test]
fn a_file_that_is_no_bus_is_refused() {
    let error = LinuxBus::open("/dev/null").err().expect("not a bus");
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
}
