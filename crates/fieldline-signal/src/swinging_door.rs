//! [`SwingingDoor`]: finds the readings that straight lines can stand in for (E. H. Bristol, 1990).

use crate::sample::Sample;

/// The lines from one kept sample that stay within an error of all samples since.
///
/// Unlike the first publication, a sample is accepted only if the line *to it* passes all doors, so the error of what is
/// left out is at most `error` and not up to twice as much.
#[derive(Clone, Copy, Debug)]
pub struct SwingingDoor {
    error: f64,
    pivot: Sample,
    lowest: f64,
    highest: f64,
}

impl SwingingDoor {
    /// Begins at a sample that is kept; `error` is in the values' unit.
    pub fn new(error: f64, pivot: Sample) -> Self {
        SwingingDoor { error, pivot, lowest: f64::NEG_INFINITY, highest: f64::INFINITY }
    }

    /// Whether the line from the kept sample to `sample` stays within the error of all that were accepted
    /// between. If not, the last accepted one has to be kept, and a new door begins there.
    pub fn accepts(&mut self, sample: Sample) -> bool {
        let width = self.pivot.seconds_to(&sample);
        let rise = sample.value - self.pivot.value;
        if width > 0.0 {
            let slope = rise / width;
            if slope < self.lowest || slope > self.highest {
                return false;
            }
            self.lowest = self.lowest.max((rise - self.error) / width);
            self.highest = self.highest.min((rise + self.error) / width);
            return true;
        }
        if self.lowest > f64::NEG_INFINITY {
            return false;
        }
        if width < 0.0 || rise.abs() > self.error {
            // No line can do justice to a jump or a step back: whatever follows, this sample is kept.
            (self.lowest, self.highest) = (f64::INFINITY, f64::NEG_INFINITY);
        }
        true
    }
}
