//! How the chip is to measure: oversampling, filter and gas heater as the data sheet (BST-BME680-DS001, sections 3.2 and
//! 3.3) names them. [`Settings::check`] refuses what the chip cannot do before anything is written to it.

use std::time::Duration;

/// Where the chip is on the bus; the level of its SDO pin decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Address {
    /// Try 0x76, then 0x77.
    #[default]
    Auto,
    /// 0x76, SDO low.
    Low,
    /// 0x77, SDO high.
    High,
}

impl Address {
    pub(crate) const fn candidates(self) -> &'static [u8] {
        match self {
            Self::Auto => &[0x76, 0x77],
            Self::Low => &[0x76],
            Self::High => &[0x77],
        }
    }
}

impl TryFrom<u8> for Address {
    type Error = SettingsError;

    fn try_from(address: u8) -> Result<Self, SettingsError> {
        match address {
            0x76 => Ok(Self::Low),
            0x77 => Ok(Self::High),
            _ => Err(SettingsError::Address(address)),
        }
    }
}

/// How many samples of one quantity the chip averages; more samples mean less noise and a longer conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oversampling {
    /// The quantity is not measured.
    Off,
    /// One sample.
    X1,
    /// Two samples.
    X2,
    /// Four samples.
    X4,
    /// Eight samples.
    X8,
    /// Sixteen samples.
    X16,
}

impl Oversampling {
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }

    const fn samples(self) -> u32 {
        match self {
            Self::Off => 0,
            Self::X1 => 1,
            Self::X2 => 2,
            Self::X4 => 4,
            Self::X8 => 8,
            Self::X16 => 16,
        }
    }

    pub(crate) fn is_on(self) -> bool {
        self != Self::Off
    }

    fn only_if(self, wanted: bool) -> Self {
        if wanted { self } else { Self::Off }
    }
}

impl TryFrom<u8> for Oversampling {
    type Error = SettingsError;

    /// From the number of samples, 0 for off.
    fn try_from(samples: u8) -> Result<Self, SettingsError> {
        match samples {
            0 => Ok(Self::Off),
            1 => Ok(Self::X1),
            2 => Ok(Self::X2),
            4 => Ok(Self::X4),
            8 => Ok(Self::X8),
            16 => Ok(Self::X16),
            _ => Err(SettingsError::Oversampling(samples)),
        }
    }
}

/// Size of the chip's own low-pass (IIR) filter for temperature and pressure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterSize {
    /// No filter.
    Off,
    /// Filter size 1.
    Size1,
    /// Filter size 3.
    Size3,
    /// Filter size 7.
    Size7,
    /// Filter size 15.
    Size15,
    /// Filter size 31.
    Size31,
    /// Filter size 63.
    Size63,
    /// Filter size 127.
    Size127,
}

impl FilterSize {
    pub(crate) const fn code(self) -> u8 {
        self as u8
    }
}

impl TryFrom<u8> for FilterSize {
    type Error = SettingsError;

    fn try_from(size: u8) -> Result<Self, SettingsError> {
        match size {
            0 => Ok(Self::Off),
            1 => Ok(Self::Size1),
            3 => Ok(Self::Size3),
            7 => Ok(Self::Size7),
            15 => Ok(Self::Size15),
            31 => Ok(Self::Size31),
            63 => Ok(Self::Size63),
            127 => Ok(Self::Size127),
            _ => Err(SettingsError::Filter(size)),
        }
    }
}

/// How the hot plate under the gas sensor is heated before its resistance is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heater {
    /// Target temperature in °C, at most 400.
    pub temperature: u16,
    /// How long it is heated, 1 ms to 4032 ms. The chip's register is coarse: 150 ms become 148 ms.
    pub duration: Duration,
}

/// Which quantities one measurement takes beside the temperature. What [`Settings`] turn off stays off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Measure the pressure.
    pub pressure: bool,
    /// Measure the humidity.
    pub humidity: bool,
    /// Heat the gas sensor and measure its resistance.
    pub gas: bool,
}

impl Selection {
    /// All that the settings allow.
    pub const ALL: Self = Self { pressure: true, humidity: true, gas: true };
}

/// How the chip measures. The default is that of Bosch's example: T 8x, H 2x, P 4x, filter 3, heater 320 °C for 150 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Oversampling of the temperature; pressure and humidity cannot be computed without it.
    pub temperature: Oversampling,
    /// Oversampling of the pressure.
    pub pressure: Oversampling,
    /// Oversampling of the humidity.
    pub humidity: Oversampling,
    /// Filter of temperature and pressure.
    pub filter: FilterSize,
    /// Gas heater, or none to leave the gas sensor cold.
    pub heater: Option<Heater>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            temperature: Oversampling::X8,
            pressure: Oversampling::X4,
            humidity: Oversampling::X2,
            filter: FilterSize::Size3,
            heater: Some(Heater { temperature: 320, duration: Duration::from_millis(150) }),
        }
    }
}

impl Settings {
    /// Whether the chip can measure so.
    ///
    /// # Errors
    /// Names the first setting that the chip cannot do.
    pub fn check(&self) -> Result<(), SettingsError> {
        if !self.temperature.is_on() && (self.pressure.is_on() || self.humidity.is_on()) {
            return Err(SettingsError::TemperatureOff);
        }
        let Some(heater) = self.heater else { return Ok(()) };
        if heater.temperature > 400 {
            return Err(SettingsError::HeaterTemperature(heater.temperature));
        }
        if !(Duration::from_millis(1)..=Duration::from_millis(4032)).contains(&heater.duration) {
            return Err(SettingsError::HeaterDuration(heater.duration));
        }
        Ok(())
    }

    /// These settings without what `selection` leaves out.
    pub(crate) fn limited_to(self, selection: Selection) -> Self {
        Self {
            pressure: self.pressure.only_if(selection.pressure),
            humidity: self.humidity.only_if(selection.humidity),
            heater: self.heater.filter(|_| selection.gas),
            ..self
        }
    }

    /// How long one conversion takes, with the heater: `bme68x_get_meas_dur` of Bosch's driver plus the heater's time.
    #[must_use]
    pub fn conversion_time(&self) -> Duration {
        let samples = self.temperature.samples() + self.pressure.samples() + self.humidity.samples();
        let switching = 4 * 477;
        let gas = 5 * 477;
        let wake_up = 1000;
        let conversion = Duration::from_micros(u64::from(samples * 1963 + switching + gas + wake_up));
        conversion + self.heater.map_or(Duration::ZERO, |heater| heater.duration)
    }
}

/// A setting the chip cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not one of the two addresses of the chip.
    #[error("a BME680 cannot be at address `{0:#04x}`, only at `0x76` or `0x77`")]
    Address(u8),
    /// Not a number of samples the chip can take.
    #[error("oversampling `{0}` is not one of 0, 1, 2, 4, 8, 16")]
    Oversampling(u8),
    /// Not a filter size of the chip.
    #[error("filter size `{0}` is not one of 0, 1, 3, 7, 15, 31, 63, 127")]
    Filter(u8),
    /// Pressure and humidity are compensated with the temperature.
    #[error("pressure and humidity cannot be measured while the temperature is off")]
    TemperatureOff,
    /// Above what the heater can reach.
    #[error("heater temperature `{0}` is above 400 °C")]
    HeaterTemperature(u16),
    /// Outside what the chip can time.
    #[error("heater duration `{0:?}` is not between 1 ms and 4032 ms")]
    HeaterDuration(Duration),
}
