//! What one measurement gives. A quantity that was not measured is `None`; there is no placeholder value.

/// One measurement of the chip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Temperature in °C, -40 to 85.
    pub temperature: Option<f64>,
    /// Pressure in hPa, 300 to 1100.
    pub pressure: Option<f64>,
    /// Relative humidity in %RH, 0 to 100. As in Bosch's driver a compensated value beyond either end becomes that end.
    pub humidity: Option<f64>,
    /// The gas sensor, if it was heated.
    pub gas: Option<GasReading>,
}

/// What the gas sensor gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GasReading {
    /// Resistance in Ω, or `None` when the chip says that the conversion is not valid.
    pub resistance: Option<f64>,
    /// Whether the heater reached its target; if it did not, the resistance is not comparable with others.
    pub heater_stable: bool,
}
