//! The table of a run: medians over the rounds, ratios first.

use std::fmt;

use super::super::super::spread::Spread;
use super::Turn;
use super::subject::Subject;

/// What all subjects of one quality of service showed.
pub(super) struct Table {
    qos: u8,
    rows: Vec<Row>,
}

/// What one subject showed.
struct Row {
    name: String,
    twin: usize,
    turns: Vec<Turn>,
}

impl Table {
    pub(super) fn new(qos: u8, subjects: &[Subject]) -> Self {
        let row =
            |subject: &Subject| Row { name: subject.name.clone(), twin: subject.twin, turns: Vec::new() };
        Table { qos, rows: subjects.iter().map(row).collect() }
    }

    pub(super) fn book(&mut self, row: usize, turn: Turn) {
        self.rows[row].turns.push(turn);
    }

    /// Each round of `row` over the same round of its twin.
    fn ratios(&self, row: &Row, value: impl Fn(&Turn) -> f64) -> Spread {
        let twin = &self.rows[row.twin].turns;
        Spread::of(row.turns.iter().zip(twin).map(|(turn, twin)| value(turn) / value(twin)))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<28} {:>17} {:>17} {:>7} {:>7} {:>7} {:>8} {:>8} {:>8} {:>6} {:>6}",
            format!("QoS {}", self.qos),
            "rate / bare",
            "CPU / bare",
            "msg/s",
            "CPU us",
            "p50 us",
            "p99 us",
            "p99.9 us",
            "dropped",
            "idle",
            "loaded"
        )?;
        for row in &self.rows {
            let median = |value: fn(&Turn) -> f64| Spread::of(row.turns.iter().map(value)).median;
            writeln!(
                f,
                "{:<28} {:>17} {:>17} {:>7.0} {:>7.1} {:>7.0} {:>8.0} {:>8.0} {:>8} {:>6.1} {:>6.1}",
                row.name,
                self.ratios(row, |turn| turn.rate).to_string(),
                self.ratios(row, |turn| turn.cpu).to_string(),
                median(|turn| turn.rate),
                median(|turn| turn.cpu),
                median(|turn| turn.latencies[0]),
                median(|turn| turn.latencies[1]),
                median(|turn| turn.latencies[2]),
                row.turns.iter().map(|turn| turn.dropped).sum::<u64>(),
                median(|turn| turn.idle),
                median(|turn| turn.loaded),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(rate: f64) -> Turn {
        Turn { rate, cpu: 10.0, latencies: [1.0; 3], dropped: 0, idle: 1.0, loaded: 1.0 }
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let subjects = Subject::all(0);
        let mut table = Table::new(0, &subjects);
        for rate in [100.0, 1000.0] {
            table.book(0, turn(rate));
            table.book(1, turn(rate / 2.0));
        }
        let ratios = table.ratios(&table.rows[1], |turn| turn.rate);
        assert_eq!(ratios.to_string(), "0.50 (0.50-0.50)");
    }
}
