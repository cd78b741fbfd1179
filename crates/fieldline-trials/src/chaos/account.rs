//! [`Account`]: what came of a run, by accident.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::accident::Accident;

/// What came of rounds. Every number goes through two sinks and counts at each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rounds.
    pub rounds: u32,
    /// Numbers that were to arrive.
    pub expected: u64,
    /// Numbers that never arrived and that the program had promised: it had acknowledged them to the broker, and the
    /// broker has not acknowledged them to it. In rounds without a killed broker, every number that never arrived.
    pub lost: u64,
    /// Numbers that a killed broker forgot although it had acknowledged them, or before it passed them on.
    pub lost_by_broker: u64,
    /// Arrivals beyond the first of each number.
    pub duplicated: u64,
    /// The most of them in one round.
    pub most_duplicated: u64,
    /// How often the broker sent the program what the program had acknowledged to it before.
    pub sent_again: u64,
    /// First arrivals after a greater number.
    pub out_of_order: u64,
    /// From the beginning of an accident to the last arrival, in the slowest round.
    pub slowest: Duration,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account(BTreeMap<Accident, Tally>);

impl Account {
    /// Books a round.
    pub(super) fn book(&mut self, accident: Accident, round: Tally) {
        self.0.entry(accident).or_default().add(round);
    }

    /// The sum of all rounds.
    pub fn sum(&self) -> Tally {
        let mut sum = Tally::default();
        self.0.values().for_each(|tally| sum.add(*tally));
        sum
    }
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.rounds += other.rounds;
        self.expected += other.expected;
        self.lost += other.lost;
        self.lost_by_broker += other.lost_by_broker;
        self.duplicated += other.duplicated;
        self.most_duplicated = self.most_duplicated.max(other.most_duplicated);
        self.sent_again += other.sent_again;
        self.out_of_order += other.out_of_order;
        self.slowest = self.slowest.max(other.slowest);
    }
}

impl Display for Account {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let titles = [
            "accident",
            "rounds",
            "expected",
            "lost",
            "forgotten",
            "twice",
            "at most",
            "again",
            "order",
            "slowest",
        ];
        let [accident, rest @ ..] = titles;
        write!(out, "{accident:<15}")?;
        rest.iter().try_for_each(|title| write!(out, " {title:>9}"))?;
        let rows = self.0.iter().map(|(accident, tally)| (accident.name(), *tally));
        for (name, tally) in rows.chain([("all", self.sum())]) {
            let numbers = [
                u64::from(tally.rounds),
                tally.expected,
                tally.lost,
                tally.lost_by_broker,
                tally.duplicated,
                tally.most_duplicated,
                tally.sent_again,
                tally.out_of_order,
            ];
            write!(out, "\n{name:<15}")?;
            numbers.iter().try_for_each(|number| write!(out, " {number:>9}"))?;
            write!(out, " {:>7.1} s", tally.slowest.as_secs_f64())?;
        }
        Ok(())
    }
}
