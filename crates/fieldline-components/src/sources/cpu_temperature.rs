//! The `cpu_temperature` source: the processor's own thermometer, as Linux shows it in a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fieldline_core::{
    Batch, BuildCx, BuildError, Built, CheckCx, Clock, ComponentError, Config, EventError, Example, Facts,
    FilePath, Kind, Meta, Period, Setting, Settings, Source, Value,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;

use crate::fields::{check_not_zero, yes};
use crate::file_failure::FileFailure;
use crate::sources::ticker::{ENABLED, EVERY, Ticker};

/// What is read of the file at most: a number has a few bytes.
const MAX_TEXT: u64 = 64;

/// The range of the thermometers in processors, in thousandths of a degree Celsius.
const COLDEST: i32 = -55_000;
const HOTTEST: i32 = 150_000;

/// Up to here the file may hold whole degrees. As thousandths they would all be the freezing point.
const DEGREES: i32 = 150;

/// The fields of a `cpu_temperature`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CpuTemperatureConfig {
    /// The time between two readings, such as `1s`. The first is taken at once.
    #[serde(default = "every_second")]
    #[schemars(extend("default" = "1s"))]
    every: Period,
    /// Whether readings are taken.
    #[serde(default = "yes")]
    enabled: bool,
    /// The file that holds the temperature in thousandths of a degree Celsius. A reading outside of -55 to 150 degrees,
    /// or within 0.15 of 0, as a file in whole degrees would give it, has the status `fail`.
    #[serde(default = "first_zone")]
    #[schemars(extend("default" = "/sys/class/thermal/thermal_zone0/temp"))]
    path: FilePath,
}

fn every_second() -> Period {
    Period(Duration::from_secs(1))
}

fn first_zone() -> FilePath {
    FilePath(PathBuf::from("/sys/class/thermal/thermal_zone0/temp"))
}

impl Config for CpuTemperatureConfig {
    const KIND: Kind = Kind::Source;
    const NAME: &'static str = "cpu_temperature";
    const SUMMARY: &'static str = "Reads the temperature of the processor in degrees Celsius.";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A reading every second", config: "every: 1s", input: "", output: "" },
        Example {
            title: "Another thermal zone",
            config: "every: 10s\npath: /sys/class/thermal/thermal_zone1/temp",
            input: "",
            output: "",
        },
    ];
    const SETTINGS: &'static [Setting] = &[EVERY, ENABLED];

    fn check(&self, cx: &mut CheckCx<'_>) {
        check_not_zero(cx, "every", self.every);
    }

    fn facts(&self) -> Facts {
        Facts { settings: Ticker::settings(self.every, self.enabled), ..Facts::default() }
    }

    fn build(&self, cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        Ok(Built::Source(Box::new(CpuTemperature {
            node: cx.node.into(),
            ticker: Ticker::new(self.every.0, self.enabled),
            path: self.path.0.clone(),
        })))
    }
}

struct CpuTemperature {
    node: Arc<str>,
    ticker: Ticker,
    path: PathBuf,
}

#[async_trait]
impl Source for CpuTemperature {
    /// A failed reading is an event too: the source never stops.
    async fn next(&mut self, clock: &Clock) -> Result<Option<Batch>, ComponentError> {
        self.ticker.due(clock).await;
        let read = read_celsius(&self.path).await;
        let fault = read.as_ref().err().map(ToString::to_string);
        let body = match read {
            Ok(celsius) => Value::from([("celsius", celsius.into()), ("status", "success".into())]),
            Err(error) => {
                let reason = error.to_string().into();
                Value::from([("celsius", Value::Null), ("status", "fail".into()), ("reason", reason)])
            }
        };
        self.ticker.taken();
        Ok(Some(Batch::one(body, Meta::new(clock.time(), self.node.clone())).with_fault(fault)))
    }

    fn adjust(&mut self, settings: &Settings) -> Result<(), EventError> {
        self.ticker.adjust(settings);
        Ok(())
    }
}

/// Why the temperature is not known.
#[derive(Debug, thiserror::Error)]
enum ReadFailure {
    #[error(transparent)]
    File(#[from] FileFailure),
    #[error("`{}` holds no temperature in thousandths of a degree", .0.display())]
    NoTemperature(PathBuf),
    #[error("`{}` says {thousandths}, which is no processor's temperature in thousandths of a degree", path.display())]
    Implausible { path: PathBuf, thousandths: i32 },
}

/// Reads the kernel's thousandths of a degree.
async fn read_celsius(path: &Path) -> Result<f64, ReadFailure> {
    let read = async {
        let mut text = String::new();
        File::from_std(fieldline_files::open(path)?).take(MAX_TEXT).read_to_string(&mut text).await?;
        Ok(text)
    };
    let text = read.await.map_err(|error| FileFailure::new("read", path, error))?;
    let thousandths: i32 = text.trim().parse().map_err(|_| ReadFailure::NoTemperature(path.to_owned()))?;
    if !(COLDEST..=HOTTEST).contains(&thousandths) || (-DEGREES..=DEGREES).contains(&thousandths) {
        return Err(ReadFailure::Implausible { path: path.to_owned(), thousandths });
    }
    Ok(f64::from(thousandths) / 1000.0)
}
