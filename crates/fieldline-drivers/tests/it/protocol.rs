//! What is written to the chip's registers, bit by bit, and what is refused before a chip is trusted.

use std::time::Duration;

use fieldline_drivers::{
    Address, Bme680, Fault, FilterSize, Heater, Oversampling, Reading, Recovery, Selection, Settings,
};

use crate::reference::{Coefficients, REAL};
use crate::register_file::{NoDelay, RawField, RegisterFile};

const FIELD: RawField = RawField {
    temperature: 490_000,
    pressure: 350_000,
    humidity: 20_000,
    gas: 600,
    gas_range: 5,
    gas_valid: true,
    heater_stable: true,
};

fn chip() -> RegisterFile {
    RegisterFile::new(REAL.registers(), FIELD.bytes())
}

fn sensor(chip: &RegisterFile, settings: Settings) -> Bme680<&RegisterFile, NoDelay> {
    Bme680::new(chip, NoDelay, Address::Auto, settings).expect("settings the chip can do")
}

fn written_by(settings: Settings, selection: Selection) -> (Vec<(u8, u8)>, Reading) {
    let chip = chip();
    let reading = sensor(&chip, settings).measure(selection).expect("a reading");
    (chip.writes.take(), reading)
}

#[test]
fn the_default_settings_set_the_registers_of_the_data_sheet() {
    let (writes, _) = written_by(Settings::default(), Selection::ALL);
    let heater = REAL.heater_register(320.0, 25.0);
    // T 8x is code 4, P 4x code 3, H 2x code 2, filter 3 code 2; 150 ms are 4 times 37.
    let expected = [
        (0xE0, 0xB6),
        (0x5A, heater),
        (0x64, 0b0110_0101),
        (0x71, 0x10),
        (0x72, 0x02),
        (0x75, 0x08),
        (0x74, 0b1000_1100),
        (0x74, 0b1000_1101),
    ];
    assert_eq!(writes, expected);
}

#[test]
fn each_oversampling_reaches_its_own_register() {
    use Oversampling::{Off, X1, X2, X4, X8, X16};
    for (code, oversampling) in [Off, X1, X2, X4, X8, X16].into_iter().enumerate() {
        let code = u8::try_from(code).expect("six codes");
        let settings = Settings {
            pressure: oversampling,
            humidity: Off,
            temperature: X1,
            filter: FilterSize::Off,
            heater: None,
        };
        let (writes, _) = written_by(settings, Selection::ALL);
        assert_eq!(writes, [(0xE0, 0xB6), (0x70, 0x08), (0x74, 0x20 | code << 2), (0x74, 0x21 | code << 2)]);
    }
}

#[test]
fn each_filter_size_has_its_code() {
    for (code, size) in [0, 1, 3, 7, 15, 31, 63, 127].into_iter().enumerate() {
        let filter = FilterSize::try_from(size).expect("a size of the chip");
        let chip = chip();
        sensor(&chip, Settings { filter, ..Settings::default() }).measure(Selection::ALL).expect("a reading");
        assert_eq!(usize::from(chip.registers.borrow()[0x75]), code << 2);
    }
}

#[test]
fn the_heater_duration_is_rounded_down_to_what_the_register_can_hold() {
    for (milliseconds, register) in
        [(1, 0x01), (63, 0x3F), (64, 0x50), (150, 0x65), (1000, 0xBE), (4032, 0xFF)]
    {
        let heater = Some(Heater { temperature: 200, duration: Duration::from_millis(milliseconds) });
        let chip = chip();
        sensor(&chip, Settings { heater, ..Settings::default() }).measure(Selection::ALL).expect("a reading");
        assert_eq!(chip.registers.borrow()[0x64], register, "{milliseconds} ms");
    }
}

#[test]
fn a_second_measurement_only_writes_what_changed() {
    let chip = chip();
    let mut sensor = sensor(&chip, Settings::default());
    sensor.measure(Selection::ALL).expect("a reading");
    sensor.measure(Selection::ALL).expect("a reading");
    chip.writes.take();
    sensor.measure(Selection::ALL).expect("a reading");
    assert_eq!(chip.writes.take(), [(0x74, 0x8D)]);
}

#[test]
fn the_heater_follows_the_temperature_around_it() {
    let chip = chip();
    let mut sensor = sensor(&chip, Settings::default());
    chip.field.set(RawField { temperature: 390_000, ..FIELD }.bytes());
    sensor.measure(Selection::ALL).expect("a reading");
    sensor.measure(Selection::ALL).expect("a reading");
    let ambient = REAL.temperature(390_000).round();
    assert_eq!(chip.registers.borrow()[0x5A], REAL.heater_register(320.0, ambient));
}

#[test]
fn what_is_not_selected_is_none() {
    let nothing = Selection { pressure: false, humidity: false, gas: false };
    let (writes, reading) = written_by(Settings::default(), nothing);
    assert_eq!(writes, [(0xE0, 0xB6), (0x70, 0x08), (0x75, 0x08), (0x74, 0x80), (0x74, 0x81)]);
    assert!(reading.temperature.is_some());
    assert_eq!((reading.pressure, reading.humidity, reading.gas), (None, None, None));

    let (_, reading) = written_by(Settings::default(), Selection { humidity: true, ..nothing });
    assert!(reading.humidity.is_some());
    assert_eq!((reading.pressure, reading.gas), (None, None));
}

#[test]
fn the_selection_can_change_between_measurements() {
    let chip = chip();
    let mut sensor = sensor(&chip, Settings::default());
    let with_gas = sensor.measure(Selection::ALL).expect("a reading");
    let without = sensor.measure(Selection { gas: false, ..Selection::ALL }).expect("a reading");
    let again = sensor.measure(Selection::ALL).expect("a reading");
    assert_eq!((with_gas.gas.is_some(), without.gas.is_some(), again.gas.is_some()), (true, false, true));
}

#[test]
fn gas_can_be_measured_alone() {
    let off = Oversampling::Off;
    let settings = Settings { temperature: off, pressure: off, humidity: off, ..Settings::default() };
    let (_, reading) = written_by(settings, Selection::ALL);
    assert_eq!((reading.temperature, reading.pressure, reading.humidity), (None, None, None));
    assert!(reading.gas.is_some());
}

#[test]
fn a_chip_that_lost_its_settings_is_set_up_again() {
    let chip = chip();
    let mut sensor = sensor(&chip, Settings::default());
    sensor.measure(Selection::ALL).expect("a reading");
    chip.registers.borrow_mut()[0x50..=0x75].fill(0);
    sensor.measure(Selection::ALL).expect("a reading");
    assert_eq!(chip.registers.borrow()[0x75], 0x08);
    assert_eq!(chip.registers.borrow()[0x74], 0x8C);
}

#[test]
fn nothing_is_written_to_another_chip() {
    for (id, hint) in [(0x58, "BMP280"), (0x60, "BME280"), (0x12, "")] {
        let chip = chip();
        chip.registers.borrow_mut()[0xD0] = id;
        let fault = sensor(&chip, Settings::default()).measure(Selection::ALL).expect_err("another chip");
        assert_eq!(fault, Fault::WrongChip { address: 0x76, id });
        assert!(fault.to_string().contains(hint), "{fault}");
        assert_eq!(chip.writes.take(), []);
    }
}

#[test]
fn a_bme688_is_told_from_a_bme680() {
    let chip = chip();
    chip.registers.borrow_mut()[0xF0] = 1;
    let fault = sensor(&chip, Settings::default()).measure(Selection::ALL).expect_err("a BME688");
    assert_eq!(fault, Fault::WrongVariant { address: 0x76 });
}

#[test]
fn a_calibration_that_cannot_be_is_refused() {
    let broken = |change: fn(&mut [u8; 256])| {
        let chip = chip();
        change(&mut chip.registers.borrow_mut());
        let fault =
            sensor(&chip, Settings::default()).measure(Selection::ALL).expect_err("an unusable calibration");
        assert!(matches!(fault, Fault::Calibration { .. }), "{fault}");
        assert_eq!(fault.recovery(), Recovery::Reinitialise);
        fault.to_string()
    };
    assert!(broken(|registers| registers[0x8A..0xA1].fill(0xFF)).contains("one"));
    assert!(broken(|registers| registers[0xE1..0xEF].fill(0xFF)).contains("one"));
    assert!(broken(|registers| registers[0x8A..0xA1].fill(0x00)).contains("zero"));
    assert!(broken(|registers| registers[0xE9..0xEB].fill(0x00)).contains("T1"));
    assert!(broken(|registers| registers[0x8E..0x90].fill(0x00)).contains("P1"));
    assert!(broken(|registers| registers[0xE1..0xE3].fill(0x00)).contains("H2"));
}

#[test]
fn no_conversion_is_started_with_settings_that_did_not_arrive() {
    let chip = chip();
    chip.read_only.set(Some(0x72));
    let fault =
        sensor(&chip, Settings::default()).measure(Selection::ALL).expect_err("a write that was lost");
    assert_eq!(fault, Fault::RegisterMismatch { register: 0x72, expected: 0x02, found: 0 });
    assert!(chip.writes.take().iter().all(|(register, value)| *register != 0x74 || value & 0x03 == 0));
}

#[test]
fn a_reset_during_the_conversion_is_noticed() {
    /// A field, and then zeros in the control registers.
    struct Resetting<'chip>(&'chip RegisterFile);
    impl embedded_hal::delay::DelayNs for Resetting<'_> {
        fn delay_ns(&mut self, _nanoseconds: u32) {
            let mut registers = self.0.registers.borrow_mut();
            if registers[0x1D] == 0x80 {
                registers[0x50..=0x75].fill(0);
            }
        }
    }
    let chip = chip();
    let mut sensor =
        Bme680::new(&chip, Resetting(&chip), Address::Low, Settings::default()).expect("settings");
    let fault = sensor.measure(Selection::ALL).expect_err("a reset");
    assert!(matches!(fault, Fault::RegisterMismatch { found: 0, .. }), "{fault}");
}

#[test]
fn a_calibration_that_two_reads_disagree_on_is_refused() {
    /// Changes a coefficient while the chip starts up, and again each time the driver reads on.
    struct Flickering<'chip>(&'chip RegisterFile, u8);
    impl embedded_hal::i2c::ErrorType for Flickering<'_> {
        type Error = fieldline_drivers::BusError;
    }
    impl embedded_hal::i2c::I2c for Flickering<'_> {
        fn transaction(
            &mut self,
            address: u8,
            operations: &mut [embedded_hal::i2c::Operation<'_>],
        ) -> Result<(), Self::Error> {
            self.1 = self.1.wrapping_add(1);
            self.0.registers.borrow_mut()[0x9C] = self.1;
            embedded_hal::i2c::I2c::transaction(&mut { self.0 }, address, operations)
        }
    }
    let chip = RegisterFile::new(Coefficients { p8: 1, ..REAL }.registers(), FIELD.bytes());
    let mut sensor =
        Bme680::new(Flickering(&chip, 0), NoDelay, Address::Low, Settings::default()).expect("settings");
    let fault = sensor.measure(Selection::ALL).expect_err("a flickering bit");
    assert_eq!(fault, Fault::Calibration { reason: "two reads of it differ" });
}
