//! [`Weather`]: a broker stops and starts again, or stands still for a while, at random moments.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;

use crate::broker::Broker;
use crate::process::{now, wait};

/// For how long the broker is up and down, in milliseconds from and to.
const UP: Range<u64> = 200..3000;
const DOWN: Range<u64> = 200..3000;

/// What befell the broker.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weather {
    /// How often it was stopped.
    pub stops: u32,
    /// How often it accepted and never answered.
    pub freezes: u32,
    /// The share of the time in which it did not answer.
    pub down: f64,
}

impl Weather {
    /// Stops and freezes `broker` until `is_over`; then it is up. The kernel ends a broker with the thread that started
    /// it, so this is for a thread that stays.
    pub(super) fn befall(
        broker: &mut Broker<PathBuf>,
        mut chance: Rng,
        is_over: impl Fn() -> bool,
    ) -> Result<Weather> {
        let begin = now();
        let (mut weather, mut down) = (Weather::default(), Duration::ZERO);
        while !is_over() {
            wait(Duration::from_millis(chance.u64(UP)));
            let (begin, length) = (now(), Duration::from_millis(chance.u64(DOWN)));
            if chance.u32(..3) == 0 {
                weather.freezes += 1;
                broker.freeze()?;
                wait(length);
                broker.thaw()?;
            } else {
                weather.stops += 1;
                broker.stop()?;
                wait(length);
                broker.resume()?;
            }
            down += now().duration_since(begin);
        }
        weather.down = down.as_secs_f64() / now().duration_since(begin).as_secs_f64();
        Ok(weather)
    }
}
