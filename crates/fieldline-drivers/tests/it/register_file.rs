//! A chip that is nothing but its 256 registers: a test fills them, a conversion ends at once and shows the field that the
//! test prepared. It shares no code with the simulated chip.

use std::cell::{Cell, RefCell};

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{ErrorType, I2c, Operation};
use fieldline_drivers::BusError;

pub(crate) const ADDRESS: u8 = 0x76;

/// The raw data of a conversion, as the field registers hold it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawField {
    pub(crate) temperature: u32,
    pub(crate) pressure: u32,
    pub(crate) humidity: u16,
    pub(crate) gas: u16,
    pub(crate) gas_range: u8,
    pub(crate) gas_valid: bool,
    pub(crate) heater_stable: bool,
}

impl RawField {
    /// BST-BME680-DS001, section 5.3.4: status, index, pressure, temperature, humidity, four unused bytes, gas.
    pub(crate) fn bytes(self) -> [u8; 15] {
        let [_, p0, p1, p2] = (self.pressure << 4).to_be_bytes();
        let [_, t0, t1, t2] = (self.temperature << 4).to_be_bytes();
        let [h0, h1] = self.humidity.to_be_bytes();
        let flags = u8::from(self.gas_valid) << 5 | u8::from(self.heater_stable) << 4;
        let [g0, g1] = (self.gas << 6 | u16::from(flags | self.gas_range)).to_be_bytes();
        [0x80, 0, p0, p1, p2, t0, t1, t2, h0, h1, 0, 0, 0, g0, g1]
    }
}

pub(crate) struct RegisterFile {
    pub(crate) registers: RefCell<[u8; 256]>,
    pub(crate) field: Cell<[u8; 15]>,
    pub(crate) writes: RefCell<Vec<(u8, u8)>>,
    /// A register that loses what is written to it.
    pub(crate) read_only: Cell<Option<u8>>,
    pointer: Cell<u8>,
}

impl RegisterFile {
    pub(crate) fn new(registers: [u8; 256], field: [u8; 15]) -> Self {
        Self {
            registers: RefCell::new(registers),
            field: Cell::new(field),
            writes: RefCell::default(),
            read_only: Cell::new(None),
            pointer: Cell::new(0),
        }
    }

    fn set_register(&self, register: u8, value: u8) {
        self.writes.borrow_mut().push((register, value));
        let mut registers = self.registers.borrow_mut();
        match register {
            0xE0 => registers[0x50..=0x75].fill(0),
            0x74 if value & 0x03 != 0 => {
                registers[0x74] = value & !0x03;
                registers[0x1D..0x2C].copy_from_slice(&self.field.get());
            }
            _ if self.read_only.get() == Some(register) => {}
            0x50..=0x75 => registers[usize::from(register)] = value,
            _ => {}
        }
    }

    fn next_register(&self) -> u8 {
        let register = self.pointer.get();
        self.pointer.set(register.wrapping_add(1));
        self.registers.borrow()[usize::from(register)]
    }
}

impl ErrorType for &RegisterFile {
    type Error = BusError;
}

impl I2c for &RegisterFile {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        if address != ADDRESS {
            return Err(BusError::NotAcknowledged);
        }
        for operation in operations {
            match operation {
                Operation::Write([register]) => self.pointer.set(*register),
                Operation::Write([register, value]) => self.set_register(*register, *value),
                Operation::Write(other) => panic!("the driver writes a register at a time, not {other:?}"),
                Operation::Read(bytes) => bytes.fill_with(|| self.next_register()),
            }
        }
        Ok(())
    }
}

/// A delay for chips that need no time.
#[derive(Clone)]
pub(crate) struct NoDelay;

impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _nanoseconds: u32) {}
}
