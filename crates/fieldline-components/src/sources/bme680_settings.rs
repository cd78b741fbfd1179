//! The parts of the `bme680` source's config that describe the chip: how it measures, and what is simulated.
//! Each checks itself, and turns into what the driver wants.

use std::time::Duration;

use fieldline_core::{CheckCx, Period, Value};
use fieldline_drivers::{
    Address, ChipFault, FilterSize, Heater, Oversampling, Selection, Settings, SettingsError,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// What can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quantity {
    /// Temperature in °C.
    Temperature,
    /// Pressure in hPa.
    Pressure,
    /// Relative humidity in %.
    Humidity,
    /// Resistance of the gas sensor in Ω, and whether its heater was stable.
    Gas,
}

/// The words for [`Quantity`], as a config and a command write them.
pub(crate) const QUANTITIES: &[&str] = &["temperature", "pressure", "humidity", "gas"];

impl Quantity {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Quantity::Temperature => "temperature",
            Quantity::Pressure => "pressure",
            Quantity::Humidity => "humidity",
            Quantity::Gas => "gas",
        }
    }

    /// The quantity of a word.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let all = [Quantity::Temperature, Quantity::Pressure, Quantity::Humidity, Quantity::Gas];
        all.into_iter().find(|quantity| quantity.word() == word)
    }
}

/// How many samples the chip averages for each quantity: 1, 2, 4, 8 or 16.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OversamplingFields {
    /// Samples of the temperature.
    #[schemars(extend("enum" = [1, 2, 4, 8, 16]))]
    temperature: u8,
    /// Samples of the pressure.
    #[schemars(extend("enum" = [1, 2, 4, 8, 16]))]
    pressure: u8,
    /// Samples of the humidity.
    #[schemars(extend("enum" = [1, 2, 4, 8, 16]))]
    humidity: u8,
}

impl Default for OversamplingFields {
    fn default() -> Self {
        OversamplingFields { temperature: 8, pressure: 4, humidity: 2 }
    }
}

impl OversamplingFields {
    /// Complains about numbers of samples that the chip cannot take, and about none at all.
    pub(crate) fn check(&self, cx: &mut CheckCx<'_>) {
        let fields =
            [("temperature", self.temperature), ("pressure", self.pressure), ("humidity", self.humidity)];
        for (name, samples) in fields {
            if !matches!(samples, 1 | 2 | 4 | 8 | 16) {
                let message = format!("oversampling `{samples}` is not one of 1, 2, 4, 8, 16");
                cx.error("bad-number", &format!("oversampling.{name}"), message)
                    .help("what is not to be measured is left out of `read`");
            }
        }
    }
}

/// How the plate under the gas sensor is heated.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HeaterFields {
    /// The plate's temperature in °C, at most 400.
    #[schemars(range(max = 400))]
    temperature: u16,
    /// How long it is heated before the resistance is read, from 1 ms to 4032 ms.
    #[schemars(extend("default" = "150ms"))]
    duration: Period,
}

impl Default for HeaterFields {
    fn default() -> Self {
        HeaterFields { temperature: 320, duration: Period(Duration::from_millis(150)) }
    }
}

impl HeaterFields {
    /// Complains about what the heater cannot do.
    pub(crate) fn check(&self, cx: &mut CheckCx<'_>) {
        let usual = HeaterFields::default();
        let alone = [
            ("heater.temperature", HeaterFields { duration: usual.duration, ..*self }),
            ("heater.duration", HeaterFields { temperature: usual.temperature, ..*self }),
        ];
        for (field, heater) in alone {
            let settings = Settings { heater: Some(heater.into()), ..Settings::default() };
            if let Err(error) = settings.check() {
                cx.error("bad-number", field, error.to_string())
                    .help("the usual heater is `{ temperature: 320, duration: 150ms }`");
            }
        }
    }
}

impl From<HeaterFields> for Heater {
    fn from(fields: HeaterFields) -> Self {
        Heater { temperature: fields.temperature, duration: fields.duration.0 }
    }
}

/// The driver's settings.
///
/// # Errors
/// Names the first setting that the chip cannot do.
pub(crate) fn driver_settings(
    oversampling: OversamplingFields,
    filter: u8,
    heater: Option<HeaterFields>,
) -> Result<Settings, SettingsError> {
    let settings = Settings {
        temperature: oversampling.temperature.try_into()?,
        pressure: oversampling.pressure.try_into()?,
        humidity: oversampling.humidity.try_into()?,
        filter: FilterSize::try_from(filter)?,
        heater: heater.map(Heater::from),
    };
    settings.check()?;
    Ok(settings)
}

/// How long a conversion of no more than `selection` takes.
pub(crate) fn conversion_time(settings: Settings, selection: Selection) -> Duration {
    let limited = Settings {
        pressure: if selection.pressure { settings.pressure } else { Oversampling::Off },
        humidity: if selection.humidity { settings.humidity } else { Oversampling::Off },
        heater: settings.heater.filter(|_| selection.gas),
        ..settings
    };
    limited.conversion_time()
}

/// Reads an address: `auto`, or one of the chip's two as a number or a text.
pub(crate) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    let refuse = || Error::custom("an address of a BME680 is `auto`, `0x76` or `0x77`");
    match Value::deserialize(deserializer)? {
        Value::Int(number) => u8::try_from(number).ok().and_then(|number| number.try_into().ok()),
        Value::Text(text) => match text.as_str() {
            "auto" => Some(Address::Auto),
            "0x76" => Some(Address::Low),
            "0x77" => Some(Address::High),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(refuse)
}

/// The schema of [`address`].
pub(crate) fn address_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["auto", "0x76", "0x77", 0x76, 0x77], "default": "auto" })
}

/// What `bus: simulated` does.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SimulationFields {
    /// Determines the noise; with the same number a run repeats itself.
    pub(crate) seed: u64,
    /// What goes wrong, and when.
    pub(crate) faults: Vec<ScheduledFault>,
}

/// A fault that is there for some measurements.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduledFault {
    /// What goes wrong.
    pub(crate) fault: SimulatedFault,
    /// The first measurement with the fault; the first of all is 0. An interval in which a lost bus is left
    /// alone measures nothing and does not count.
    from: u64,
    /// For how many measurements.
    count: u64,
}

impl ScheduledFault {
    /// Whether the fault is there in `measurement`.
    pub(crate) fn is_at(&self, measurement: u64) -> bool {
        measurement.checked_sub(self.from).is_some_and(|since| since < self.count)
    }
}

/// What can go wrong on a simulated bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SimulatedFault {
    /// The chip does not acknowledge.
    Nak,
    /// The bus is not there.
    Absent,
    /// Every bit reads as one.
    Ones,
    /// Every bit reads as zero.
    Zeros,
    /// Every transfer times out.
    Timeout,
    /// A conversion does not end.
    Busy,
    /// The chip's mode reads wrong.
    Glitch,
    /// Another chip, a BME280, answers.
    WrongId,
}

impl SimulatedFault {
    /// The chip's part in the fault; none where the bus itself is missing.
    pub(crate) fn of_chip(self) -> Option<ChipFault> {
        match self {
            SimulatedFault::Nak => Some(ChipFault::NotAcknowledging),
            SimulatedFault::Absent => None,
            SimulatedFault::Ones => Some(ChipFault::AllOnes),
            SimulatedFault::Zeros => Some(ChipFault::AllZeros),
            SimulatedFault::Timeout => Some(ChipFault::TransferTimeout),
            SimulatedFault::Busy => Some(ChipFault::NeverReady),
            SimulatedFault::Glitch => Some(ChipFault::ModeGlitch(0b11)),
            SimulatedFault::WrongId => Some(ChipFault::WrongId(0x60)),
        }
    }
}
