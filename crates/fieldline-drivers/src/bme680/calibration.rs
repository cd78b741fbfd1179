//! The factory calibration, read twice and checked, because a byte that was wrong here would bend every later reading
//! without a trace. `bme68x` knows the layout of the blocks.

use bme68x::{CALIBRATION_BLOCK_1_LEN, CALIBRATION_BLOCK_2_LEN, CALIBRATION_BLOCK_3_LEN, CalibrationData};
use embedded_hal::i2c::I2c;

use super::registers::{CALIBRATION_1, CALIBRATION_2, RES_HEAT_VAL, Registers};
use crate::fault::{BusError, Fault};

/// The three blocks of calibration registers, at 0x8A, 0xE1 and 0x00.
#[derive(PartialEq)]
struct Blocks {
    first: [u8; CALIBRATION_BLOCK_1_LEN],
    second: [u8; CALIBRATION_BLOCK_2_LEN],
    third: [u8; CALIBRATION_BLOCK_3_LEN],
}

/// Reads the calibration of the chip.
///
/// # Errors
/// A failed transfer, two reads that differ, or coefficients that no BME680 has.
pub(crate) fn read_calibration<I>(registers: &mut Registers<'_, I>) -> Result<CalibrationData, Fault>
where
    I: I2c,
    BusError: From<I::Error>,
{
    let blocks = read_blocks(registers)?;
    if blocks != read_blocks(registers)? {
        return Err(Fault::Calibration { reason: "two reads of it differ" });
    }
    let calibration = CalibrationData::from_register_blocks(&blocks.first, &blocks.second, &blocks.third);
    match implausible(&blocks, &calibration) {
        Some(reason) => Err(registers.cause_of(Fault::Calibration { reason })),
        None => Ok(calibration),
    }
}

fn read_blocks<I>(registers: &mut Registers<'_, I>) -> Result<Blocks, Fault>
where
    I: I2c,
    BusError: From<I::Error>,
{
    Ok(Blocks {
        first: registers.read(CALIBRATION_1)?,
        second: registers.read(CALIBRATION_2)?,
        third: registers.read(RES_HEAT_VAL)?,
    })
}

/// The coefficients named here are factors of the formulas: with a zero the result would not depend on the air.
fn implausible(blocks: &Blocks, calibration: &CalibrationData) -> Option<&'static str> {
    let uniform = |value: u8| {
        blocks.first.iter().all(|byte| *byte == value) || blocks.second.iter().all(|byte| *byte == value)
    };
    if uniform(0xFF) {
        return Some("all bits of a block are one");
    }
    if uniform(0x00) {
        return Some("all bits of a block are zero");
    }
    if calibration.par_t1 == 0 || calibration.par_t2 == 0 {
        return Some("the coefficient T1 or T2 is zero");
    }
    if calibration.par_p1 == 0 {
        return Some("the coefficient P1 is zero");
    }
    if calibration.par_h2 == 0 {
        return Some("the coefficient H2 is zero");
    }
    None
}
