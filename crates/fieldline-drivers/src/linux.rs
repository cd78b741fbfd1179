//! The I2C buses of Linux, `/dev/i2c-N`, through `linux-embedded-hal`. That crate reports a missing acknowledgement as
//! "other" and a vanished bus as a missing acknowledgement, so the error numbers are read here.

use std::io;
use std::path::{Path, PathBuf};

use embedded_hal::i2c::{ErrorType, I2c, Operation, SevenBitAddress};
use linux_embedded_hal::i2cdev::linux::LinuxI2CError;
use linux_embedded_hal::{I2CError, I2cdev};

use crate::fault::BusError;

/// A delay that lets the thread sleep.
pub use linux_embedded_hal::Delay as LinuxDelay;

/// Error numbers of Linux on the architectures of the Raspberry Pi and of PCs; `std` has no names for them.
const NO_SUCH_FILE: i32 = 2;
const NO_SUCH_DEVICE_OR_ADDRESS: i32 = 6;
const RESOURCE_BUSY: i32 = 16;
const NO_SUCH_DEVICE: i32 = 19;
const TIMED_OUT: i32 = 110;
const REMOTE_IO: i32 = 121;

/// An I2C bus of this machine.
pub struct LinuxBus {
    device: I2cdev,
}

impl LinuxBus {
    /// Opens the bus at `path`, such as `/dev/i2c-1`.
    ///
    /// # Errors
    /// No such bus, no permission, or what the system says.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let failed = |error| OpenError::new(path.to_owned(), io::Error::from(error));
        I2cdev::new(path).map(|device| Self { device }).map_err(failed)
    }
}

impl ErrorType for LinuxBus {
    type Error = BusError;
}

impl I2c for LinuxBus {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        I2c::<SevenBitAddress>::transaction(&mut self.device, address, operations)
            .map_err(|error| classify(&error))
    }
}

/// After <https://docs.kernel.org/i2c/fault-codes.html>; the Raspberry Pi's controller reports a missing acknowledgement
/// as `EREMOTEIO`.
fn classify(error: &I2CError) -> BusError {
    let number = match error.inner() {
        LinuxI2CError::Errno(number) => Some(*number),
        LinuxI2CError::Io(error) => error.raw_os_error(),
    };
    match number {
        Some(NO_SUCH_DEVICE_OR_ADDRESS | REMOTE_IO) => BusError::NotAcknowledged,
        Some(TIMED_OUT) => BusError::TimedOut,
        Some(NO_SUCH_FILE | NO_SUCH_DEVICE) => BusError::Gone,
        Some(RESOURCE_BUSY) => BusError::Other("a driver of the kernel has claimed the address".to_owned()),
        _ => BusError::Other(error.to_string()),
    }
}

/// Why a bus could not be opened, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such device.
    #[error("there is no i2c bus `{}`; switch it on with `raspi-config` or `dtparam=i2c_arm=on`", path.display())]
    Missing {
        /// The path that was given.
        path: PathBuf,
    },
    /// The user may not use it.
    #[error("no permission to use `{}`; add the user to the group `i2c`", path.display())]
    Permission {
        /// The path that was given.
        path: PathBuf,
    },
    /// The file is there, but it is not an I2C bus or it cannot be used.
    #[error("cannot use `{}` as an i2c bus", path.display())]
    Unusable {
        /// The path that was given.
        path: PathBuf,
        /// The words of the system.
        source: io::Error,
    },
}

impl OpenError {
    fn new(path: PathBuf, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            _ if error.raw_os_error() == Some(NO_SUCH_DEVICE) => Self::Missing { path },
            _ => Self::Unusable { path, source: error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: i32, expected: BusError) {
        assert_eq!(classify(&I2CError::from(LinuxI2CError::Errno(number))), expected);
        assert_eq!(
            classify(&I2CError::from(LinuxI2CError::Io(io::Error::from_raw_os_error(number)))),
            expected
        );
    }

    #[test]
    fn a_missing_acknowledgement_is_told_from_a_time_out_and_from_a_missing_bus() {
        check(6, BusError::NotAcknowledged);
        check(121, BusError::NotAcknowledged);
        check(110, BusError::TimedOut);
        check(2, BusError::Gone);
        check(19, BusError::Gone);
    }

    #[test]
    fn an_address_in_use_by_the_kernel_says_so() {
        check(16, BusError::Other("a driver of the kernel has claimed the address".to_owned()));
    }

    #[test]
    fn any_other_error_keeps_the_words_of_the_system() {
        let error = I2CError::from(LinuxI2CError::Io(io::Error::from_raw_os_error(5)));
        assert!(matches!(classify(&error), BusError::Other(reason) if reason.contains("Input/output error")));
    }

    #[test]
    fn a_bus_without_permission_says_which_group_to_join() {
        let error = OpenError::new("/dev/i2c-1".into(), io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(error.to_string(), "no permission to use `/dev/i2c-1`; add the user to the group `i2c`");
    }
}
