//! [`Shape`]: how windows lie over readings.

/// How windows lie over readings. Times and spans are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The last so many readings.
    Count {
        /// How many.
        last: usize,
        /// A result after so many new ones.
        every: usize,
    },
    /// Spans of fixed length whose ends are multiples of `every`, counted from 1970. A window holds its start, not its
    /// end.
    Time {
        /// How long a window is.
        length: i64,
        /// How far apart their ends are; at most `length`.
        every: i64,
    },
    /// Readings that follow each other within less than `gap`.
    Session {
        /// The silence that ends a session.
        gap: i64,
    },
}

impl Shape {
    /// How long a window is; 0 where that is not fixed.
    pub(super) fn length(&self) -> i64 {
        match self {
            Shape::Time { length, .. } => *length,
            Shape::Count { .. } | Shape::Session { .. } => 0,
        }
    }

    /// How far the ends of windows are apart; 1 where that is not fixed.
    pub(super) fn step(&self) -> i64 {
        match self {
            Shape::Time { every, .. } => *every,
            Shape::Count { .. } | Shape::Session { .. } => 1,
        }
    }

    /// The end of the first window that a reading of this time is in.
    pub(super) fn first_end(&self, nanos: i64) -> i64 {
        (nanos.div_euclid(self.step()) + 1) * self.step()
    }

    /// The end of the last window that a reading of this time is in.
    pub(super) fn last_end(&self, nanos: i64) -> i64 {
        (nanos + self.length()).div_euclid(self.step()) * self.step()
    }
}

#[cfg(test)]
mod tests {
    use super::Shape;

    #[test]
    fn a_reading_is_in_the_windows_that_hold_their_start_and_not_their_end() {
        let shape = Shape::Time { length: 10, every: 5 };
        assert_eq!((shape.first_end(0), shape.last_end(0)), (5, 10));
        assert_eq!((shape.first_end(4), shape.last_end(4)), (5, 10));
        assert_eq!((shape.first_end(5), shape.last_end(5)), (10, 15));
        assert_eq!((shape.first_end(-1), shape.last_end(-1)), (0, 5));
    }
}
