//! [`Conversion`]: units of measurement by name, and how values go from one to another of the same dimension.

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Temperature.
    Temperature,
    /// Pressure.
    Pressure,
    /// Speed.
    Speed,
    /// Acceleration.
    Acceleration,
    /// A share of a whole.
    Ratio,
    /// Length.
    Length,
    /// Mass.
    Mass,
    /// Time.
    Time,
    /// Frequency, and turns per time.
    Frequency,
    /// Electric resistance.
    Resistance,
    /// Electric potential.
    Voltage,
    /// Electric current.
    Current,
    /// Power.
    Power,
    /// Energy.
    Energy,
    /// Volume.
    Volume,
    /// Volume per time.
    Flow,
    /// Angle.
    Angle,
}

impl Dimension {
    /// The dimension in words.
    pub fn word(self) -> &'static str {
        match self {
            Dimension::Temperature => "temperature",
            Dimension::Pressure => "pressure",
            Dimension::Speed => "speed",
            Dimension::Acceleration => "acceleration",
            Dimension::Ratio => "ratio",
            Dimension::Length => "length",
            Dimension::Mass => "mass",
            Dimension::Time => "time",
            Dimension::Frequency => "frequency",
            Dimension::Resistance => "resistance",
            Dimension::Voltage => "voltage",
            Dimension::Current => "current",
            Dimension::Power => "power",
            Dimension::Energy => "energy",
            Dimension::Volume => "volume",
            Dimension::Flow => "flow",
            Dimension::Angle => "angle",
        }
    }
}

/// A unit: its value in the dimension's base unit is `value * factor + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// The names it goes by, the usual symbol first.
    pub names: &'static [&'static str],
    /// What it measures.
    pub dimension: Dimension,
    factor: f64,
    offset: f64,
}

const fn unit(dimension: Dimension, names: &'static [&'static str], factor: f64) -> Unit {
    Unit { names, dimension, factor, offset: 0.0 }
}

const HOUR: f64 = 3600.0;

/// Standard gravity in m/s² (3rd CGPM, 1901).
const GRAVITY: f64 = 9.806_65;

/// The international pound in kg and the inch in m (1959).
const POUND: f64 = 0.453_592_37;
const INCH: f64 = 0.0254;

/// Every unit there is. Factors are exact by definition (SI Brochure, 9th edition; NIST SP 811, appendix B).
pub const ALL: &[Unit] = &[
    unit(Dimension::Temperature, &["K", "kelvin"], 1.0),
    Unit {
        names: &["°C", "C", "degC", "celsius"],
        dimension: Dimension::Temperature,
        factor: 1.0,
        offset: 273.15,
    },
    Unit {
        names: &["°F", "F", "degF", "fahrenheit"],
        dimension: Dimension::Temperature,
        factor: 5.0 / 9.0,
        offset: 459.67 * 5.0 / 9.0,
    },
    unit(Dimension::Pressure, &["Pa", "pascal"], 1.0),
    unit(Dimension::Pressure, &["hPa", "mbar", "millibar"], 100.0),
    unit(Dimension::Pressure, &["kPa"], 1e3),
    unit(Dimension::Pressure, &["MPa"], 1e6),
    unit(Dimension::Pressure, &["bar"], 1e5),
    unit(Dimension::Pressure, &["atm"], 101_325.0),
    unit(Dimension::Pressure, &["mmHg"], 133.322_387_415),
    unit(Dimension::Pressure, &["psi"], POUND * GRAVITY / (INCH * INCH)),
    unit(Dimension::Speed, &["m/s"], 1.0),
    unit(Dimension::Speed, &["mm/s"], 1e-3),
    unit(Dimension::Speed, &["km/h"], 1000.0 / HOUR),
    unit(Dimension::Speed, &["m/min"], 1.0 / 60.0),
    unit(Dimension::Speed, &["mph"], 1_609.344 / HOUR),
    unit(Dimension::Speed, &["kn", "knot"], 1852.0 / HOUR),
    unit(Dimension::Acceleration, &["m/s²", "m/s2", "m/s^2"], 1.0),
    unit(Dimension::Acceleration, &["g", "g0", "gravity"], GRAVITY),
    unit(Dimension::Acceleration, &["mg"], GRAVITY / 1e3),
    unit(Dimension::Ratio, &["1", "ratio"], 1.0),
    unit(Dimension::Ratio, &["%", "percent"], 1e-2),
    unit(Dimension::Ratio, &["‰", "permille"], 1e-3),
    unit(Dimension::Ratio, &["ppm"], 1e-6),
    unit(Dimension::Ratio, &["ppb"], 1e-9),
    unit(Dimension::Length, &["m", "metre", "meter"], 1.0),
    unit(Dimension::Length, &["km"], 1e3),
    unit(Dimension::Length, &["cm"], 1e-2),
    unit(Dimension::Length, &["mm"], 1e-3),
    unit(Dimension::Length, &["µm", "um"], 1e-6),
    unit(Dimension::Length, &["in", "inch"], INCH),
    unit(Dimension::Length, &["ft", "foot"], 0.3048),
    unit(Dimension::Mass, &["kg", "kilogram"], 1.0),
    unit(Dimension::Mass, &["g", "gram"], 1e-3),
    unit(Dimension::Mass, &["mg"], 1e-6),
    unit(Dimension::Mass, &["t", "tonne"], 1e3),
    unit(Dimension::Mass, &["lb", "pound"], POUND),
    unit(Dimension::Time, &["s", "second"], 1.0),
    unit(Dimension::Time, &["ms"], 1e-3),
    unit(Dimension::Time, &["µs", "us"], 1e-6),
    unit(Dimension::Time, &["min", "minute"], 60.0),
    unit(Dimension::Time, &["h", "hour"], HOUR),
    unit(Dimension::Time, &["d", "day"], 24.0 * HOUR),
    unit(Dimension::Frequency, &["Hz", "1/s"], 1.0),
    unit(Dimension::Frequency, &["kHz"], 1e3),
    unit(Dimension::Frequency, &["MHz"], 1e6),
    unit(Dimension::Frequency, &["rpm", "1/min"], 1.0 / 60.0),
    unit(Dimension::Resistance, &["Ω", "Ohm", "ohm"], 1.0),
    unit(Dimension::Resistance, &["kΩ", "kOhm"], 1e3),
    unit(Dimension::Resistance, &["MΩ", "MOhm"], 1e6),
    unit(Dimension::Voltage, &["V", "volt"], 1.0),
    unit(Dimension::Voltage, &["mV"], 1e-3),
    unit(Dimension::Voltage, &["kV"], 1e3),
    unit(Dimension::Current, &["A", "ampere"], 1.0),
    unit(Dimension::Current, &["mA"], 1e-3),
    unit(Dimension::Power, &["W", "watt"], 1.0),
    unit(Dimension::Power, &["mW"], 1e-3),
    unit(Dimension::Power, &["kW"], 1e3),
    unit(Dimension::Power, &["MW"], 1e6),
    unit(Dimension::Energy, &["J", "joule"], 1.0),
    unit(Dimension::Energy, &["kJ"], 1e3),
    unit(Dimension::Energy, &["Wh"], HOUR),
    unit(Dimension::Energy, &["kWh"], 1e3 * HOUR),
    unit(Dimension::Volume, &["m³", "m3", "m^3"], 1.0),
    unit(Dimension::Volume, &["l", "L", "litre", "liter"], 1e-3),
    unit(Dimension::Volume, &["ml", "mL"], 1e-6),
    unit(Dimension::Flow, &["m³/s", "m3/s"], 1.0),
    unit(Dimension::Flow, &["m³/h", "m3/h"], 1.0 / HOUR),
    unit(Dimension::Flow, &["l/s", "L/s"], 1e-3),
    unit(Dimension::Flow, &["l/min", "L/min"], 1e-3 / 60.0),
    unit(Dimension::Angle, &["rad", "radian"], 1.0),
    unit(Dimension::Angle, &["°", "deg", "degree"], std::f64::consts::PI / 180.0),
];

/// Why values of one unit cannot become values of another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// There is no unit of this name.
    #[error("`{0}` is no unit")]
    Unknown(String),
    /// They measure different things.
    #[error("`{from}` measures {from_word} and `{to}` measures {to_word}")]
    Different {
        /// The unit the values have.
        from: String,
        /// What it measures.
        from_word: &'static str,
        /// The unit they shall have.
        to: String,
        /// What that one measures.
        to_word: &'static str,
    },
}

/// How a value in one unit becomes one in another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conversion {
    factor: f64,
    divisor: f64,
    offset: f64,
}

impl Conversion {
    /// From one unit to another, by name. Upper and lower case are different: `mPa` is not `MPa`. A name that means
    /// two units, such as `g`, is taken as the one that fits.
    pub fn between(from: &str, to: &str) -> Result<Conversion, UnitError> {
        let first = |name: &str| named(name).next().ok_or_else(|| UnitError::Unknown(name.to_owned()));
        let (source, target) = (first(from)?, first(to)?);
        let mut pairs = named(from).flat_map(|source| named(to).map(move |target| (source, target)));
        let fitting = pairs.find(|(source, target)| source.dimension == target.dimension);
        let (source, target) = fitting.ok_or_else(|| UnitError::Different {
            from: from.to_owned(),
            from_word: source.dimension.word(),
            to: to.to_owned(),
            to_word: target.dimension.word(),
        })?;
        // One division of whole factors, so that hPa to bar is exact where it can be.
        let same = source.factor == target.factor;
        Ok(Conversion {
            factor: if same { 1.0 } else { source.factor },
            divisor: if same { 1.0 } else { target.factor },
            offset: (source.offset - target.offset) / target.factor,
        })
    }

    /// The value in the other unit.
    pub fn convert(&self, value: f64) -> f64 {
        value * self.factor / self.divisor + self.offset
    }
}

/// The units called `name`.
fn named(name: &str) -> impl Iterator<Item = &'static Unit> {
    ALL.iter().filter(move |unit| unit.names.contains(&name))
}
