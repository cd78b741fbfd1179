//! [`Sensor`]: a BME680 on a real or a simulated bus, to be measured without blocking. The driver mends what is
//! wrong with the chip; here a bus that was lost is opened again, after pauses that grow.

use std::error::Error;
use std::iter::successors;
use std::time::{Duration, Instant};

use fieldline_backoff::Backoff;
use fieldline_core::Clock;
use fieldline_drivers::{
    Address, Bme680, DeviceThread, Fault, LinuxBus, LinuxDelay, Reading, Recovery, Selection, Settings,
    SettingsError, SimulatedSensor, SimulationSettings,
};

use crate::sources::bme680_settings::{ScheduledFault, SimulatedFault, SimulationFields};

/// For how long a lost bus is left alone at first; each time it is lost again, for twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// For how long a lost bus is left alone at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why there is no reading.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// A fixed word for its kind.
    pub(crate) label: &'static str,
    /// A sentence for the operator.
    pub(crate) reason: String,
    /// Whether the bus must be opened anew.
    has_lost_bus: bool,
}

impl Failure {
    fn of_opening(label: &'static str, error: &(dyn Error + 'static)) -> Self {
        let causes = successors(Some(error), |error| (*error).source());
        let reason = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Failure { label, reason, has_lost_bus: true }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let has_lost_bus = fault.recovery() == Recovery::Reopen;
        Failure { label: fault.label(), reason: fault.to_string(), has_lost_bus }
    }
}

/// A BME680 and the bus it is on.
pub(crate) struct Sensor {
    bus: Bus,
    backoff: Backoff,
    pause: Option<Pause>,
}

/// A lost bus is left alone.
struct Pause {
    until: Instant,
    failure: Failure,
}

enum Bus {
    Real(RealBus),
    Simulated(SimulatedBus),
}

impl Sensor {
    /// A sensor on a bus of this machine, which is opened by the first measurement.
    pub(crate) fn real(bus: RealBus) -> Self {
        Sensor::on(Bus::Real(bus))
    }

    /// A simulated sensor.
    pub(crate) fn simulated(bus: SimulatedBus) -> Self {
        Sensor::on(Bus::Simulated(bus))
    }

    fn on(bus: Bus) -> Self {
        Sensor { bus, backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE), pause: None }
    }

    /// Measures once. While a lost bus is left alone, this fails at once as it did when the bus was lost.
    pub(crate) async fn measure(&mut self, selection: Selection, clock: &Clock) -> Result<Reading, Failure> {
        let now = clock.instant();
        if let Some(pause) = self.pause.as_ref().filter(|pause| now < pause.until) {
            return Err(pause.failure.clone());
        }
        let result = match &mut self.bus {
            Bus::Real(bus) => bus.measure(selection).await,
            Bus::Simulated(bus) => bus.measure(selection, now).map_err(Failure::from),
        };
        self.pause = match &result {
            // No other program tries for this bus, so nothing is gained by jitter.
            Err(failure) if failure.has_lost_bus => {
                Some(Pause { until: now + self.backoff.fail(1.0), failure: failure.clone() })
            }
            _ => {
                self.backoff.succeed();
                None
            }
        };
        result
    }
}

/// A sensor on a bus of this machine, in a thread of its own.
pub(crate) struct RealBus {
    path: String,
    thread_name: String,
    address: Address,
    settings: Settings,
    deadline: Duration,
    thread: Option<DeviceThread<Selection, Reading>>,
}

impl RealBus {
    /// A sensor on the bus at `path`. A measurement may take one and a half times the chip's own time, the
    /// heater's and the converter's clocks not being exact, and then `timeout`.
    ///
    /// # Errors
    /// Settings that the chip cannot do.
    pub(crate) fn new(
        path: &str,
        node: &str,
        address: Address,
        settings: Settings,
        timeout: Duration,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(RealBus {
            path: path.to_owned(),
            thread_name: format!("bme680 {node}"),
            address,
            settings,
            deadline: settings.conversion_time() * 3 / 2 + timeout,
            thread: None,
        })
    }

    async fn measure(&mut self, selection: Selection) -> Result<Reading, Failure> {
        let mut thread = match self.thread.take() {
            Some(thread) => thread,
            None => self.open()?,
        };
        let result = thread.call(selection, self.deadline).await.map_err(Failure::from);
        if !result.as_ref().is_err_and(|failure| failure.has_lost_bus) {
            self.thread = Some(thread);
        }
        result
    }

    /// Opens the bus, which sends nothing over it and so does not block, and gives it to a new thread.
    fn open(&self) -> Result<DeviceThread<Selection, Reading>, Failure> {
        let bus =
            LinuxBus::open(&self.path).map_err(|error| Failure::of_opening("bus_not_opened", &error))?;
        let mut driver = Bme680::new(bus, LinuxDelay, self.address, self.settings)
            .expect("the settings were checked when this was made");
        DeviceThread::spawn(&self.thread_name, move |selection| driver.measure(selection))
            .map_err(|error| Failure::of_opening("no_thread", &error))
    }
}

/// A simulated sensor and what is going to happen to it.
pub(crate) struct SimulatedBus {
    sensor: SimulatedSensor,
    faults: Vec<ScheduledFault>,
    measurements: u64,
    start: Option<Instant>,
}

impl SimulatedBus {
    /// A chip at `address`, the lower one for `auto`.
    ///
    /// # Errors
    /// Settings that the chip cannot do.
    pub(crate) fn new(
        address: Address,
        settings: Settings,
        simulation: SimulationFields,
    ) -> Result<Self, SettingsError> {
        let simulated = SimulationSettings {
            seed: simulation.seed,
            address: if address == Address::High { 0x77 } else { 0x76 },
            ..SimulationSettings::default()
        };
        let sensor = SimulatedSensor::new(address, settings, simulated)?;
        Ok(SimulatedBus { sensor, faults: simulation.faults, measurements: 0, start: None })
    }

    /// The simulation begins with the first measurement.
    fn measure(&mut self, selection: Selection, now: Instant) -> Result<Reading, Fault> {
        let start = *self.start.get_or_insert(now);
        let scheduled = self.faults.iter().find(|scheduled| scheduled.is_at(self.measurements));
        let fault = scheduled.map(|scheduled| scheduled.fault);
        self.measurements += 1;
        if fault == Some(SimulatedFault::Absent) {
            return Err(Fault::BusGone);
        }
        self.sensor.chip().set_fault(fault.and_then(SimulatedFault::of_chip));
        self.sensor.measure(now.duration_since(start), selection)
    }
}
