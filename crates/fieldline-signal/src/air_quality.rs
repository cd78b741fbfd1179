//! [`AirQuality`]: how clean the air is, from the resistance of a metal-oxide gas sensor and the humidity.
//!
//! The formula is that of Pimoroni's `indoor-air-quality.py` for the BME680 (MIT licence): a quarter for a humidity
//! near 40 %, three quarters for a resistance as high as in clean air. It is an index of our own kind, not Bosch's IAQ,
//! whose formula is not public. That the baseline follows the sensor is ours.

/// What the index depends on beside the readings. Spans are in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How long the sensor warms up before there is a baseline.
    pub burn_in: f64,
    /// The time constant with which the baseline follows air that is cleaner than it.
    pub rise: f64,
    /// The time constant with which it follows air that is worse, so that a sensor that ages is not bad air forever.
    pub fall: f64,
    /// The best relative humidity, in percent.
    pub humidity: f64,
    /// The share of the index that is for the humidity, 0 to 1.
    pub humidity_weight: f64,
}

/// During the burn-in the baseline follows this many times as fast as the burn-in lasts.
const BURN_IN_CONSTANTS: f64 = 5.0;

/// The burn-in is repeated after a pause of the program that is longer than this, in nanoseconds: ten minutes, in which
/// a sensor without power goes cold.
const REST: i64 = 600_000_000_000;

/// What is known of a sensor, whatever the clock says. Spans are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Experience {
    /// The time since the burn-in began.
    pub age: i64,
    /// The time since the last reading.
    pub silence: i64,
    /// The resistance that counts as that of clean air, in ohms.
    pub baseline: f64,
    /// Whether a burn-in was over before the one that `age` counts from.
    pub is_known: bool,
}

/// Judges one reading after the other.
#[derive(Clone, Debug)]
pub struct AirQuality {
    settings: Settings,
    state: Option<State>,
}

#[derive(Clone, Debug)]
struct State {
    /// When the burn-in began, and when the last reading was, in nanoseconds.
    start: i64,
    last: i64,
    baseline: f64,
    /// Whether the baseline is from before the burn-in, which leaves it as it is then.
    is_known: bool,
}

/// What is said of one reading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// How clean the air is, from 0 to 1; none during the burn-in.
    pub purity: Option<f64>,
    /// The resistance that counts as that of clean air, in ohms.
    pub baseline: f64,
}

impl AirQuality {
    /// Begins with the burn-in, at the first reading.
    pub fn new(settings: Settings) -> Self {
        AirQuality { settings, state: None }
    }

    /// Goes on with what was known of the sensor a `pause` before `nanos`. After a short one nothing is repeated; after a
    /// long one it burns in again, and the baseline stands still meanwhile: the air of that time may be bad.
    pub fn with_experience(settings: Settings, experience: Experience, pause: i64, nanos: i64) -> Self {
        let Experience { age, silence, baseline, is_known } = experience;
        let start = if pause > REST { nanos } else { nanos.saturating_sub(age).saturating_sub(pause) };
        let is_known = is_known || age as f64 / 1e9 >= settings.burn_in;
        let last = nanos.saturating_sub(silence).saturating_sub(pause);
        AirQuality { settings, state: Some(State { start, last, baseline, is_known }) }
    }

    /// What is known of the sensor at `nanos`; nothing before the first reading.
    pub fn experience(&self, nanos: i64) -> Option<Experience> {
        let State { start, last, baseline, is_known } = self.state.as_ref()?;
        let span = |since: &i64| nanos.saturating_sub(*since).max(0);
        Some(Experience { age: span(start), silence: span(last), baseline: *baseline, is_known: *is_known })
    }

    /// Judges a reading: the resistance in ohms, above 0, and the relative humidity in percent.
    pub fn judge(&mut self, nanos: i64, gas: f64, humidity: f64) -> Judgement {
        let settings = &self.settings;
        let state =
            self.state.get_or_insert(State { start: nanos, last: nanos, baseline: gas, is_known: false });
        let seconds = |since: i64| nanos.saturating_sub(since).max(0) as f64 / 1e9;
        let warm = seconds(state.start) >= settings.burn_in;
        let constant = match (warm, gas > state.baseline) {
            (false, _) if state.is_known => f64::INFINITY,
            (false, _) => settings.burn_in / BURN_IN_CONSTANTS,
            (true, true) => settings.rise,
            (true, false) => settings.fall,
        };
        state.baseline += (gas - state.baseline) * (1.0 - (-seconds(state.last) / constant).exp());
        state.last = state.last.max(nanos);
        let baseline = state.baseline;
        Judgement { purity: warm.then(|| purity(settings, gas / baseline, humidity)), baseline }
    }
}

/// From 0 to 1; `ratio` is that of the resistance to the one in clean air.
fn purity(settings: &Settings, ratio: f64, humidity: f64) -> f64 {
    let best = settings.humidity;
    let humidity = humidity.clamp(0.0, 100.0);
    let comfort = if humidity > best { (100.0 - humidity) / (100.0 - best) } else { humidity / best };
    settings.humidity_weight * comfort + (1.0 - settings.humidity_weight) * ratio.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings =
        Settings { burn_in: 300.0, rise: 600.0, fall: 86_400.0, humidity: 40.0, humidity_weight: 0.25 };

    fn at(quality: &mut AirQuality, second: i64, gas: f64, humidity: f64) -> Judgement {
        quality.judge(second * 1_000_000_000, gas, humidity)
    }

    #[test]
    fn humidity_and_resistance_have_their_shares() {
        let share = |ratio, humidity| purity(&SETTINGS, ratio, humidity);
        assert_eq!(share(1.0, 40.0), 1.0);
        assert_eq!(share(2.0, 70.0), 0.25 * 0.5 + 0.75);
        assert_eq!(share(0.5, 20.0), 0.25 * 0.5 + 0.375);
        assert_eq!(share(0.0, 100.0), 0.0);
    }

    #[test]
    fn a_sensor_that_warms_up_is_judged_by_where_it_ends() {
        let mut quality = AirQuality::new(SETTINGS);
        for second in 0..300 {
            let gas = 20_000.0 + 30_000.0 * (second as f64 / 60.0).min(1.0);
            assert_eq!(at(&mut quality, second, gas, 40.0).purity, None);
        }
        let judgement = at(&mut quality, 300, 50_000.0, 40.0);
        assert!((judgement.baseline / 50_000.0 - 1.0).abs() < 0.01, "{judgement:?}");
        assert!(judgement.purity > Some(0.99));
    }

    #[test]
    fn the_baseline_follows_worse_air_by_its_time_constant_whatever_the_pace() {
        for step in [1, 60, 3600] {
            let mut quality = AirQuality::new(SETTINGS);
            for second in 0..=300 {
                at(&mut quality, second, 50_000.0, 40.0);
            }
            let day = (300 + step..=300 + 86_400).step_by(step as usize);
            let last = day.map(|second| at(&mut quality, second, 30_000.0, 40.0)).last().expect("a day");
            let wanted = 30_000.0 + 20_000.0 * (-1.0f64).exp();
            assert!((last.baseline - wanted).abs() < 1.0, "{step}: {last:?}");
        }
    }

    /// Burns in, and goes on a `pause` in seconds after the last reading.
    fn after_a_pause(pause: i64) -> AirQuality {
        let mut quality = AirQuality::new(SETTINGS);
        for second in 0..=300 {
            at(&mut quality, second, 50_000.0, 40.0);
        }
        let experience = quality.experience(300_000_000_000).expect("there were readings");
        AirQuality::with_experience(SETTINGS, experience, pause * 1_000_000_000, 0)
    }

    #[test]
    fn a_short_pause_repeats_no_burn_in() {
        let judgement = at(&mut after_a_pause(60), 0, 25_000.0, 40.0);
        assert!((judgement.baseline - 50_000.0).abs() < 20.0, "{judgement:?}");
        assert!(judgement.purity.is_some_and(|purity| (purity - 0.625).abs() < 0.001));
    }

    #[test]
    fn after_a_long_pause_the_sensor_warms_up_and_its_baseline_stands_still() {
        let mut quality = after_a_pause(3600);
        for second in 0..300 {
            let judgement = at(&mut quality, second, 10_000.0, 40.0);
            assert_eq!(judgement, Judgement { purity: None, baseline: 50_000.0 });
        }
        let purity = at(&mut quality, 300, 25_000.0, 40.0).purity;
        assert!(purity.is_some_and(|purity| (purity - 0.625).abs() < 0.001), "{purity:?}");
    }

    #[test]
    fn a_clock_that_goes_back_changes_nothing() {
        let mut quality = AirQuality::new(SETTINGS);
        let baseline = at(&mut quality, 1000, 50_000.0, 40.0).baseline;
        assert_eq!(at(&mut quality, 0, 10_000.0, 40.0), Judgement { purity: None, baseline });
    }
}
