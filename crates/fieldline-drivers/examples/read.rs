//! Prints readings of a BME680: `cargo run --example read -- /dev/i2c-1 3`. A fault is printed instead of its reading.

use std::error::Error;

use fieldline_drivers::{Address, Bme680, LinuxBus, LinuxDelay, Selection, Settings};

#[expect(clippy::print_stdout, reason = "an example prints what it reads")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "/dev/i2c-1".to_owned());
    let count: usize = arguments.next().map_or(Ok(1), |count| count.parse())?;
    let mut sensor = Bme680::new(LinuxBus::open(path)?, LinuxDelay, Address::Auto, Settings::default())?;
    for _ in 0..count {
        match sensor.measure(Selection::ALL) {
            Ok(reading) => println!("{reading:?}"),
            Err(fault) => println!("{}: {fault}", fault.label()),
        }
    }
    Ok(())
}
