//! The air around the simulated chip: four quantities that follow the day, with a little noise that the seed determines.

use std::f64::consts::TAU;
use std::time::Duration;

const DAY: f64 = 86_400.0;

/// The air around a chip, or the means around which it varies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Climate {
    /// Temperature in °C.
    pub temperature: f64,
    /// Pressure in hPa.
    pub pressure: f64,
    /// Relative humidity in %RH.
    pub humidity: f64,
    /// Resistance of the gas sensor in Ω.
    pub gas_resistance: f64,
}

impl Default for Climate {
    /// An ordinary room.
    fn default() -> Self {
        Self { temperature: 21.5, pressure: 1013.0, humidity: 45.0, gas_resistance: 100_000.0 }
    }
}

impl Climate {
    /// The air `elapsed` after the start, with the noise of the measurement numbered `sample`. It starts at the means;
    /// over a day the temperature moves by 2 °C to either side, the humidity against it by 6 %RH, the gas resistance by a
    /// fifth, and the pressure in half a day by 1.5 hPa.
    pub(crate) fn at(&self, elapsed: Duration, sample: u64, seed: u64) -> Self {
        let day = (TAU * elapsed.as_secs_f64() / DAY).sin();
        let half_day = (2.0 * TAU * elapsed.as_secs_f64() / DAY).sin();
        let mut noise = Noise::new(seed, sample);
        let temperature = self.temperature + 2.0 * day + 0.02 * noise.next();
        let pressure = self.pressure + 1.5 * half_day + 0.03 * noise.next();
        let humidity = self.humidity - 6.0 * day + 0.1 * noise.next();
        let gas_resistance = self.gas_resistance * (1.0 + 0.2 * day + 0.01 * noise.next());
        Self {
            temperature: temperature.clamp(-40.0, 85.0),
            pressure: pressure.clamp(300.0, 1100.0),
            humidity: humidity.clamp(0.0, 100.0),
            gas_resistance: gas_resistance.max(1.0),
        }
    }
}

/// Sebastiano Vigna's `splitmix64`, which is good enough for noise and fits in four lines.
struct Noise {
    state: u64,
}

impl Noise {
    fn new(seed: u64, sample: u64) -> Self {
        Self { state: seed ^ sample.wrapping_mul(0xD1B5_4A32_D192_ED03) }
    }

    /// About normally distributed with deviation 1: the sum of nine even numbers in -1..1 has the deviation √3.
    fn next(&mut self) -> f64 {
        (0..9).map(|_| self.even()).sum::<f64>() / 3.0_f64.sqrt()
    }

    /// Evenly distributed in -1..1.
    fn even(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bits = (mixed ^ mixed >> 31) >> 11;
        bits as f64 / (1_u64 << 52) as f64 - 1.0
    }
}
