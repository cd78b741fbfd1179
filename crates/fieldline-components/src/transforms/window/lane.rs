//! [`Lane`]: the readings of one key, and the windows that lie over them.

use std::collections::VecDeque;

use fieldline_core::{Meta, Outcome, Receipt, Value};

use super::shape::Shape;

/// What is kept of one reading.
pub(super) struct Row {
    /// Its time, in nanoseconds since 1970.
    pub(super) nanos: i64,
    /// The values of the columns.
    pub(super) values: Box<[Value]>,
    /// Who waits for the window's result; nobody where readings are settled when they are taken in.
    pub(super) receipt: Receipt,
}

/// A window that closes.
pub(super) struct Pane<'l> {
    /// Its first moment.
    pub(super) start: i64,
    /// Its end: the first moment after it, or the last reading where it has no fixed length.
    pub(super) end: i64,
    /// Its readings in the order of time; at least one.
    pub(super) rows: &'l mut [Row],
    /// The value that all its readings have in common.
    pub(super) key: Option<&'l Value>,
    /// The metadata of the reading that arrived last.
    pub(super) meta: &'l Meta,
}

/// The readings of one key: in the order of time, or of arrival for windows by count.
#[derive(Default)]
pub(super) struct Lane {
    rows: VecDeque<Row>,
    /// The value `by` found, and the metadata of the latest arrival.
    latest: Option<(Option<Value>, Meta)>,
    /// Readings since the last result of a window by count.
    since: usize,
    /// No reading before this time is expected any more.
    watermark: Option<i64>,
    /// The end of the last window that closed.
    closed: Option<i64>,
}

impl Lane {
    /// How many readings are kept.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether every window that a reading of this time belongs to has closed.
    pub(super) fn is_late(&self, shape: &Shape, nanos: i64) -> bool {
        let Some(watermark) = self.watermark else { return false };
        match shape {
            Shape::Count { .. } => false,
            Shape::Time { .. } => shape.last_end(nanos) <= self.closed.unwrap_or(i64::MIN),
            Shape::Session { gap } => {
                let near = self.rows.iter().any(|row| row.nanos.abs_diff(nanos) < gap.unsigned_abs());
                nanos.saturating_add(*gap) <= watermark && !near
            }
        }
    }

    /// Takes a reading in.
    pub(super) fn insert(&mut self, shape: &Shape, row: Row, key: Option<Value>, meta: Meta) {
        self.latest = Some((key, meta));
        self.since += 1;
        let place = match shape {
            Shape::Count { .. } => self.rows.len(),
            Shape::Time { .. } | Shape::Session { .. } => {
                self.rows.partition_point(|other| other.nanos <= row.nanos)
            }
        };
        self.rows.insert(place, row);
    }

    /// Closes what a new reading completes in a window by count.
    pub(super) fn close_by_count(
        &mut self,
        last: usize,
        every: usize,
        min: usize,
        emit: &mut impl FnMut(Pane<'_>),
    ) {
        let surplus = self.rows.len().saturating_sub(last);
        self.forget(surplus);
        if self.since >= every && self.rows.len() >= min {
            self.emit_whole(emit);
        }
    }

    /// Moves the watermark on, never back, and closes the windows that end by then.
    pub(super) fn close_until(&mut self, shape: &Shape, time: i64, emit: &mut impl FnMut(Pane<'_>)) {
        let watermark = self.watermark.map_or(time, |before| before.max(time));
        self.watermark = Some(watermark);
        while let Some(end) = self.next_end(shape).filter(|end| *end <= watermark) {
            self.close_first(shape, end, emit);
        }
        if let Shape::Time { .. } = shape {
            let passed = shape.first_end(watermark) - shape.step();
            self.closed = Some(self.closed.map_or(passed, |closed| closed.max(passed)));
        }
    }

    /// When the next window closes; none where no reading waits for one, and for windows by count.
    pub(super) fn next_end(&self, shape: &Shape) -> Option<i64> {
        let front = self.rows.front()?.nanos;
        match shape {
            Shape::Count { .. } => None,
            Shape::Time { .. } => {
                let open = self.closed.map_or(i64::MIN, |closed| closed + shape.step());
                Some(shape.first_end(front).max(open))
            }
            Shape::Session { gap } => {
                Some(self.rows[self.first_session(*gap) - 1].nanos.saturating_add(*gap))
            }
        }
    }

    /// Goes on under windows of the same kind whose length may be another: the last that closed counts as the one on
    /// the new grid that had closed by then.
    pub(super) fn follow(&mut self, shape: &Shape) {
        if let (Shape::Time { .. }, Some(closed)) = (shape, self.closed) {
            self.closed = Some(shape.first_end(closed) - shape.step());
        }
    }

    /// Lets go of everything; open windows are given to `emit`.
    pub(super) fn finish(mut self, shape: &Shape, emit: &mut impl FnMut(Pane<'_>)) {
        match shape {
            Shape::Count { .. } if self.since > 0 => self.emit_whole(emit),
            Shape::Count { .. } => {}
            Shape::Time { .. } | Shape::Session { .. } => {
                while let Some(end) = self.next_end(shape) {
                    self.close_first(shape, end, emit);
                }
            }
        }
        let rest = self.rows.len();
        self.forget(rest);
    }

    /// Emits the first open window, which ends at `end`, and forgets what no later one needs.
    fn close_first(&mut self, shape: &Shape, end: i64, emit: &mut impl FnMut(Pane<'_>)) {
        let (count, start, end, needed) = match shape {
            Shape::Session { gap } => {
                let count = self.first_session(*gap);
                (count, self.rows[0].nanos, self.rows[count - 1].nanos, i64::MAX)
            }
            _ => {
                let count = self.rows.partition_point(|row| row.nanos < end);
                (count, end - shape.length(), end, end + shape.step() - shape.length())
            }
        };
        self.closed = Some(end);
        self.emit_rows(count, start, end, emit);
        let done = self.rows.iter().take(count).take_while(|row| row.nanos < needed).count();
        self.forget(done);
    }

    fn emit_whole(&mut self, emit: &mut impl FnMut(Pane<'_>)) {
        self.since = 0;
        let times = || self.rows.iter().map(|row| row.nanos);
        if let (Some(start), Some(end)) = (times().min(), times().max()) {
            self.emit_rows(self.rows.len(), start, end, emit);
        }
    }

    fn emit_rows(&mut self, count: usize, start: i64, end: i64, emit: &mut impl FnMut(Pane<'_>)) {
        if let Some((key, meta)) = &self.latest {
            let rows = &mut self.rows.make_contiguous()[..count];
            emit(Pane { start, end, rows, key: key.as_ref(), meta });
        }
    }

    /// How many of the first readings follow each other within `gap`; there is at least one reading.
    fn first_session(&self, gap: i64) -> usize {
        let pairs = self.rows.iter().zip(self.rows.iter().skip(1));
        1 + pairs.take_while(|(row, next)| next.nanos - row.nanos < gap).count()
    }

    /// Drops the first readings; those that were in no result are settled here.
    fn forget(&mut self, count: usize) {
        for row in self.rows.drain(..count) {
            row.receipt.settle(Outcome::Delivered);
        }
    }
}
