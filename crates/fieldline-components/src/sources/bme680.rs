//! The `bme680` source: temperature, pressure, humidity and gas resistance from a BME680 on I2C, or from a
//! simulated one. A fault is an event too, so there is one event for each interval whatever happens.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, CheckCx, Claim, Clock, ComponentError, Config, EventError, Example,
    Facts, FieldPath, Kind, Map, Meta, Period, Resource, Setting, Settings, Shape, Source, Value,
};
use fieldline_drivers::{Address, FilterSize, Reading, Selection, Settings as ChipSettings, SettingsError};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::fields::{check_not_zero, yes};
use crate::sources::bme680_sensor::{Failure, RealBus, Sensor, SimulatedBus};
use crate::sources::bme680_settings::{
    HeaterFields, OversamplingFields, QUANTITIES, Quantity, SimulationFields, address, address_schema,
    conversion_time, driver_settings,
};
use crate::sources::ticker::{ENABLED, EVERY, Ticker};

/// Counts the events with `status: "fail"`, by node and by the fault's word.
const FAULTS: &str = "fieldline_sensor_faults_total";

/// The fields of a `bme680`.
///
/// The body is `status` (`success` or `fail`), then what is read, rounded to what the chip resolves:
/// `temperature` in °C to 0.01, `pressure` in hPa to 0.01, `humidity` in % to 0.001, `gas` in Ω to 1, and
/// `gas_stable`, which says whether the heater reached its temperature. `gas` is null where the chip calls its
/// value invalid. After a fault all of them are null, `reason` says why, and `meta.fault` is the fault's word.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bme680Config {
    /// The I2C bus, such as `/dev/i2c-1`; or `simulated`, for a chip that needs no hardware.
    bus: String,
    /// Where the chip is on the bus: `0x76` or `0x77`, or `auto` to try both.
    #[serde(default, deserialize_with = "address")]
    #[schemars(schema_with = "address_schema")]
    address: Address,
    /// The time between two measurements; the first is made at once. It must be long enough for one.
    #[serde(default = "every_five_seconds")]
    #[schemars(extend("default" = "5s"))]
    every: Period,
    /// Whether it is measured.
    #[serde(default = "yes")]
    enabled: bool,
    /// What is read; without it temperature, pressure and humidity, and gas if there is a `heater`.
    #[schemars(extend("minItems" = 1))]
    read: Option<Vec<Quantity>>,
    /// How many samples the chip averages for each quantity.
    #[serde(default)]
    oversampling: OversamplingFields,
    /// Size of the chip's low-pass filter for temperature and pressure; 0 is no filter.
    #[serde(default = "filter_size")]
    #[schemars(extend("enum" = [0, 1, 3, 7, 15, 31, 63, 127]))]
    filter: u8,
    /// How the gas sensor is heated. Without it the sensor stays cold and gas cannot be read.
    heater: Option<HeaterFields>,
    /// How much longer a measurement may take than the chip should need, before the bus counts as stuck.
    #[serde(default = "one_second")]
    #[schemars(extend("default" = "1s"))]
    timeout: Period,
    /// What the simulated chip does; only with `bus: simulated`.
    simulation: Option<SimulationFields>,
}

fn every_five_seconds() -> Period {
    Period(Duration::from_secs(5))
}

fn filter_size() -> u8 {
    3
}

fn one_second() -> Period {
    Period(Duration::from_secs(1))
}

impl Config for Bme680Config {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "bme680";
    const SUMMARY: &'static str =
        "Reads temperature, pressure, humidity and gas resistance from a BME680 on I2C.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Temperature, pressure and humidity every five seconds",
            config: "bus: /dev/i2c-1",
            input: "",
            output: "",
        },
        Example {
            title: "The gas sensor too, at a known address",
            config: "bus: /dev/i2c-1\naddress: 0x77\nevery: 10s\nheater: { temperature: 320, duration: 150ms }",
            input: "",
            output: "",
        },
        Example {
            title: "A simulated chip that stops answering for a while",
            config: "bus: simulated\nevery: 1s\nread: [temperature]\nsimulation:\n  seed: 7\n  faults:\n    - { fault: nak, from: 10, count: 5 }",
            input: "",
            output: "",
        },
    ];
    const SETTINGS: &'static [Setting] =
        &[EVERY, ENABLED, Setting { name: "read", summary: "What is read.", shape: Shape::Some(QUANTITIES) }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_not_zero(cx, "timeout", self.timeout);
        if !self.is_simulated() && !self.bus.starts_with('/') {
            cx.error("bad-bus", "bus", format!("`{}` is no I2C bus", self.bus))
                .help("write for example `bus: /dev/i2c-1`, or `bus: simulated`");
        }
        if self.simulation.is_some() && !self.is_simulated() {
            let message = format!("`simulation` is only for `bus: simulated`, and the bus is `{}`", self.bus);
            cx.error("conflicting-fields", "simulation", message)
                .help("leave `simulation` out, or write `bus: simulated`");
        }
        self.oversampling.check(cx);
        if let Err(error) = FilterSize::try_from(self.filter) {
            cx.error("bad-number", "filter", error.to_string()).help("the usual size is 3");
        }
        if let Some(heater) = &self.heater {
            heater.check(cx);
        }
        self.check_read(cx);
        self.check_every(cx);
    }

    fn facts(&self) -> Facts {
        let addresses: &[&str] = match self.address {
            _ if self.is_simulated() => &[],
            Address::Auto => &["0x76", "0x77"],
            Address::Low => &["0x76"],
            Address::High => &["0x77"],
        };
        let claim = |address: &&str| Claim {
            resource: Resource::At(format!("I2C device {address} on"), self.bus.as_str().into()),
            field: FieldPath::root().key("bus"),
        };
        let mut settings = Ticker::settings(self.every, self.enabled);
        let read = self.read().into_iter().map(|quantity| quantity.word().into()).collect();
        settings.0.insert("read", Value::List(read));
        Facts { claims: addresses.iter().map(claim).collect(), settings, ..Facts::default() }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Source(Box::new(Bme680Source {
            node: cx.node.into(),
            ticker: Ticker::new(self.every.0, self.enabled),
            read: self.read(),
            chip: self.settings().map_err(BuildError::new)?,
            sensor: Arc::new(Mutex::new(self.sensor(cx.node).map_err(BuildError::new)?)),
            measuring: None,
            is_stale: false,
        })))
    }
}

impl Bme680Config {
    fn is_simulated(&self) -> bool {
        self.bus == "simulated"
    }

    fn read(&self) -> Vec<Quantity> {
        let all = [Quantity::Temperature, Quantity::Pressure, Quantity::Humidity, Quantity::Gas];
        match &self.read {
            Some(read) => read.clone(),
            None if self.heater.is_some() => all.to_vec(),
            None => all[..3].to_vec(),
        }
    }

    fn settings(&self) -> Result<ChipSettings, SettingsError> {
        driver_settings(self.oversampling, self.filter, self.heater)
    }

    fn sensor(&self, node: &str) -> Result<Sensor, SettingsError> {
        let settings = self.settings()?;
        if self.is_simulated() {
            let simulation = self.simulation.clone().unwrap_or_default();
            SimulatedBus::new(self.address, settings, simulation).map(Sensor::simulated)
        } else {
            RealBus::new(&self.bus, node, self.address, settings, self.timeout.0).map(Sensor::real)
        }
    }

    fn check_read(&self, cx: &mut CheckCx<'_>) {
        let read = self.read();
        if read.is_empty() {
            cx.error("missing-field", "read", "`read` names nothing to read")
                .help("write for example `read: [temperature]`");
        }
        if read.contains(&Quantity::Gas) && self.heater.is_none() {
            cx.error("missing-field", "read", "`gas` cannot be read without a `heater`")
                .help("add `heater: { temperature: 320, duration: 150ms }`, or leave `gas` out of `read`");
        }
    }

    fn check_every(&self, cx: &mut CheckCx<'_>) {
        // What is wrong with the settings was said already.
        let Ok(settings) = self.settings() else { return };
        let needed = conversion_time(settings, selection(&self.read()));
        if self.every.0 < needed {
            let shortest = Period(Duration::from_millis(needed.as_micros().div_ceil(1000) as u64));
            let message = format!("a measurement takes `{shortest}`, longer than `every`");
            cx.error("short-interval", "every", message).help(format!(
                "write `every: {shortest}` or more, or measure with fewer samples or less heating"
            ));
        }
    }
}

/// What the chip must measure so that `read` can be read; the temperature it measures always.
fn selection(read: &[Quantity]) -> Selection {
    Selection {
        pressure: read.contains(&Quantity::Pressure),
        humidity: read.contains(&Quantity::Humidity),
        gas: read.contains(&Quantity::Gas),
    }
}

type Measurement = Pin<Box<dyn Future<Output = Result<Reading, Failure>> + Send>>;

struct Bme680Source {
    node: Arc<str>,
    ticker: Ticker,
    read: Vec<Quantity>,
    chip: ChipSettings,
    sensor: Arc<Mutex<Sensor>>,
    /// A measurement under way. It outlives a `next` that is dropped, and the following one waits for its end.
    measuring: Option<Measurement>,
    /// The measurement under way is for settings that are no longer in force.
    is_stale: bool,
}

#[async_trait]
impl Source for Bme680Source {
    /// A fault is an event too: the source never stops, and nothing is there that `connect` could do better
    /// than the next measurement.
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        self.ticker.due(clock).await;
        self.drop_stale().await;
        let result = self.measure(clock).await;
        self.ticker.taken();
        let mut meta = Meta::new(clock.time(), self.node.clone());
        if let Err(failure) = &result {
            meta.fields.insert("fault".into(), failure.label.into());
            let (pipeline, node) = self.node.split_once('/').unwrap_or(("", &self.node));
            let labels =
                [("pipeline", pipeline), ("node", node), ("kind", "source"), ("fault", failure.label)];
            metrics::counter!(FAULTS, &labels.map(|(name, value)| (name, value.to_owned()))).increment(1);
        }
        let fault = result.as_ref().err().map(|failure| failure.reason.clone());
        Ok(Some(Batch::one(body(&self.read, &result), meta).with_fault(fault)))
    }

    fn adjust(&mut self, settings: &Settings) -> Result<(), EventError> {
        let read: Vec<Quantity> =
            settings.words("read").into_iter().flatten().filter_map(Quantity::of).collect();
        if read.contains(&Quantity::Gas) && self.chip.heater.is_none() {
            return Err(EventError::new("no_heater", "`gas` cannot be read: no `heater` is configured"));
        }
        let needed = conversion_time(self.chip, selection(&read));
        if settings.period(EVERY.name).is_some_and(|every| every < needed) {
            let message = format!("a measurement takes {} ms, longer than `every`", needed.as_millis());
            return Err(EventError::new("short_interval", message));
        }
        self.ticker.adjust(settings);
        self.is_stale |= self.measuring.is_some() && (read != self.read || !self.ticker.is_enabled());
        self.read = read;
        Ok(())
    }
}

impl Bme680Source {
    /// Lets a measurement come to its end that nobody wants any more: the bus knows no other way.
    async fn drop_stale(&mut self) {
        if let (true, Some(measurement)) = (self.is_stale, &mut self.measuring) {
            let _unwanted = measurement.await;
            self.measuring = None;
        }
        self.is_stale = false;
    }

    async fn measure(&mut self, clock: &Clock) -> Result<Reading, Failure> {
        let measurement = self.measuring.get_or_insert_with(|| {
            let (sensor, clock, selection) = (self.sensor.clone(), clock.clone(), selection(&self.read));
            Box::pin(async move { sensor.lock().await.measure(selection, &clock).await })
        });
        let result = measurement.await;
        self.measuring = None;
        result
    }
}

fn body(read: &[Quantity], result: &Result<Reading, Failure>) -> Value {
    let reading = result.as_ref().ok();
    let gas = reading.and_then(|reading| reading.gas);
    let mut body = Map::default();
    body.insert("status".into(), if reading.is_some() { "success" } else { "fail" }.into());
    let mut insert = |quantity, name: &str, value: Option<f64>, decimals| {
        if read.contains(&quantity) {
            body.insert(name.into(), value.map(|value| round(value, decimals)).into());
        }
    };
    insert(Quantity::Temperature, "temperature", reading.and_then(|reading| reading.temperature), 2);
    insert(Quantity::Pressure, "pressure", reading.and_then(|reading| reading.pressure), 2);
    insert(Quantity::Humidity, "humidity", reading.and_then(|reading| reading.humidity), 3);
    insert(Quantity::Gas, "gas", gas.and_then(|gas| gas.resistance), 0);
    if read.contains(&Quantity::Gas) {
        body.insert("gas_stable".into(), gas.map(|gas| gas.heater_stable).into());
    }
    if let Err(failure) = result {
        body.insert("reason".into(), failure.reason.as_str().into());
    }
    Value::Map(body)
}

fn round(value: f64, decimals: i32) -> f64 {
    let steps = 10.0_f64.powi(decimals);
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use fieldline_drivers::Fault;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::tokio_clock::tokio_clock;

    #[tokio::test(start_paused = true)]
    async fn a_slow_measurement_goes_on_while_the_driver_looks_away() {
        let bus = SimulatedBus::new(Address::Auto, ChipSettings::default(), SimulationFields::default());
        let mut source = Bme680Source {
            node: "test/node".into(),
            ticker: Ticker::new(Duration::from_secs(5), true),
            chip: ChipSettings::default(),
            is_stale: false,
            read: vec![Quantity::Temperature],
            sensor: Arc::new(Mutex::new(Sensor::simulated(bus.expect("the defaults are possible")))),
            measuring: Some(Box::pin(async {
                sleep(Duration::from_millis(200)).await;
                Err(Fault::BusGone.into())
            })),
        };
        let (start, clock) = (Instant::now(), tokio_clock());
        for _ in 0..2 {
            assert!(timeout(Duration::from_millis(70), source.next(&clock)).await.is_err());
        }
        let batch = source.next(&clock).await.expect("a fault is no error").expect("it never ends");
        assert_eq!(start.elapsed(), Duration::from_millis(200));
        assert_eq!(batch.events[0].meta.fields["fault"], Value::from("bus_gone"));
        assert!(source.measuring.is_none());
    }
}
