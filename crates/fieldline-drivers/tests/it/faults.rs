//! Each fault of the simulated chip, and that the driver is well again as soon as the chip is.

use std::time::Duration;

use embedded_hal::delay::DelayNs;
use fieldline_drivers::{
    Address, Bme680, ChipFault, Fault, FaultWindow, Reading, Recovery, Selection, Settings, SimulatedChip,
    SimulatedClock, SimulatedSensor, SimulationSettings,
};

fn sensor(address: Address, simulation: SimulationSettings) -> SimulatedSensor {
    SimulatedSensor::new(address, Settings::default(), simulation).expect("default settings")
}

fn measure(sensor: &mut SimulatedSensor) -> Result<Reading, Fault> {
    sensor.measure(Duration::ZERO, Selection::ALL)
}

/// The fault appears on a chip in use and, the second time, on one that was never seen before.
fn check(fault: ChipFault, in_use: Fault, at_first: Fault) {
    for (warm_up, expected) in [(1, in_use), (0, at_first)] {
        let mut sensor = sensor(Address::Auto, SimulationSettings::default());
        for _ in 0..warm_up {
            measure(&mut sensor).expect("a sound chip");
        }
        sensor.chip().set_fault(Some(fault));
        for _ in 0..3 {
            let found = measure(&mut sensor).expect_err("a faulty chip");
            assert_eq!(found.recovery(), Recovery::Reinitialise);
            if warm_up == 0 {
                assert_eq!(found, expected);
            }
        }
        sensor.chip().set_fault(None);
        measure(&mut sensor).expect("a chip that was mended");
        if warm_up == 1 {
            sensor.chip().set_fault(Some(fault));
            assert_eq!(measure(&mut sensor).expect_err("a faulty chip"), expected);
        }
    }
}

#[test]
fn a_chip_that_does_not_answer() {
    check(
        ChipFault::NotAcknowledging,
        Fault::NotAcknowledged { address: 0x76 },
        Fault::NoChip { tried: vec![0x76, 0x77] },
    );
}

#[test]
fn a_chip_with_another_id() {
    let fault = Fault::WrongChip { address: 0x76, id: 0x60 };
    check(ChipFault::WrongId(0x60), fault.clone(), fault);
}

#[test]
fn a_line_that_reads_all_ones() {
    let fault = Fault::AllOnes { address: 0x76 };
    check(ChipFault::AllOnes, fault.clone(), fault);
}

#[test]
fn a_line_that_reads_all_zeros() {
    let fault = Fault::AllZeros { address: 0x76 };
    check(ChipFault::AllZeros, fault.clone(), fault);
}

#[test]
fn a_transfer_that_times_out() {
    let fault = Fault::TransferTimedOut { address: 0x76 };
    check(ChipFault::TransferTimeout, fault.clone(), fault);
}

#[test]
fn a_conversion_that_never_ends() {
    let limit = Settings::default().conversion_time() * 3 / 2 + Duration::from_millis(100);
    let fault = Fault::ConversionUnfinished { limit };
    check(ChipFault::NeverReady, fault.clone(), fault);
}

#[test]
fn mode_bits_that_no_bme680_has() {
    for mode in [1, 2, 3] {
        let fault = Fault::RegisterMismatch { register: 0x74, expected: 0x8C, found: 0x8C | mode };
        check(ChipFault::ModeGlitch(mode), fault.clone(), fault);
    }
}

/// A wait during which the chip gets a fault, as soon as it is longer than the one after a reset.
struct BreakingWait {
    chip: SimulatedChip,
    clock: SimulatedClock,
    fault: ChipFault,
}

impl DelayNs for BreakingWait {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.clock.delay_ns(nanoseconds);
        if nanoseconds > 20_000_000 {
            self.chip.set_fault(Some(self.fault));
        }
    }

    fn delay_us(&mut self, microseconds: u32) {
        self.delay_ns(microseconds * 1000);
    }
}

#[test]
fn a_line_that_breaks_during_the_conversion_is_named() {
    let address = 0x76;
    for (fault, expected) in [
        (ChipFault::AllOnes, Fault::AllOnes { address }),
        (ChipFault::AllZeros, Fault::AllZeros { address }),
        (ChipFault::NotAcknowledging, Fault::NotAcknowledged { address }),
    ] {
        let clock = SimulatedClock::default();
        let chip = SimulatedChip::new(SimulationSettings::default(), clock.clone());
        let delay = BreakingWait { chip: chip.clone(), clock, fault };
        let mut sensor =
            Bme680::new(chip, delay, Address::Auto, Settings::default()).expect("default settings");
        assert_eq!(sensor.measure(Selection::ALL), Err(expected));
    }
}

#[test]
fn a_scheduled_fault_comes_and_goes() {
    let faults = vec![
        FaultWindow { fault: ChipFault::NotAcknowledging, from: 2, count: 3 },
        FaultWindow { fault: ChipFault::AllOnes, from: 7, count: 1 },
    ];
    let mut sensor = sensor(Address::Auto, SimulationSettings { faults, ..SimulationSettings::default() });
    let outcome: Vec<&str> =
        (0..10).map(|_| measure(&mut sensor).map_or_else(|fault| fault.label(), |_| "ok")).collect();
    let expected = ["ok", "ok", "not_acknowledged", "no_chip", "no_chip", "ok", "ok", "all_ones", "ok", "ok"];
    assert_eq!(outcome, expected);
}

#[test]
fn the_second_address_is_tried_when_asked_to() {
    let simulation = SimulationSettings { address: 0x77, ..SimulationSettings::default() };
    measure(&mut sensor(Address::Auto, simulation.clone())).expect("found at the second address");
    measure(&mut sensor(Address::High, simulation.clone())).expect("found where it is");
    let fault = measure(&mut sensor(Address::Low, simulation)).expect_err("not where it is");
    assert_eq!(fault, Fault::NoChip { tried: vec![0x76] });
}

#[test]
fn an_operator_is_told_in_plain_words() {
    let told = |fault: Fault, expected: &str| assert_eq!(fault.to_string(), expected);
    told(
        Fault::NoChip { tried: vec![0x76, 0x77] },
        "no chip answers at `0x76` or `0x77`; check the wiring, the power and the address",
    );
    told(
        Fault::WrongChip { address: 0x76, id: 0x58 },
        "the chip at `0x76` has id `0x58`, a BME680 has `0x61`; this is a BMP280",
    );
    told(Fault::BusStuck { limit: Duration::from_secs(1) }, "the bus is stuck: no answer within 1s");
}
