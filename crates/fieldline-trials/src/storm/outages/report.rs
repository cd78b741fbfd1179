//! [`Report`]: what came of edits during outages.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::draft::Edit;
use super::weather::Weather;
use crate::admin::Times;

/// What came of edits during outages.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The seed of the edits and outages.
    pub seed: u64,
    /// Numbers sent.
    pub sent: u64,
    /// How many were sent in a second.
    pub rate: f64,
    /// What befell the broker.
    pub weather: Weather,
    /// Numbers that the program took and that never arrived, over both sinks.
    pub lost: u64,
    /// Numbers that never arrived and that the program has not taken: its source stands still.
    pub left: u64,
    /// How often the program sent again what the broker had not acknowledged, as at least once demands.
    pub repeated: u64,
    /// How often the program sent again what the broker had acknowledged.
    pub sent_twice: u64,
    /// First arrivals after a greater number, over both sinks.
    pub out_of_order: u64,
    /// Events that the program itself says it has lost, dropped or sent to the dead letter.
    pub given_up: u64,
    /// Units that reloads cut off.
    pub cut_off: u64,
    /// Correct edits that were not applied, and mistakes that were, each with the answer.
    pub misjudged: Vec<String>,
    /// Correct edits that were applied and taken back later.
    pub taken_back: u64,
    /// Whether the last correct edit runs at the end, by what the last messages carry and by what a reload says.
    pub runs_at_the_end: bool,
    /// The longest time for which a reload held sources, if the program tells it.
    pub held: Option<Duration>,
    /// How long the reloads took, by what was edited.
    pub times: BTreeMap<Edit, Times>,
}

impl Report {
    /// Whether every rule was kept. Times are not judged: they are the machine's too.
    pub fn is_clean(&self) -> bool {
        let events = [self.lost, self.left, self.sent_twice, self.out_of_order, self.given_up, self.cut_off];
        let is_well = self.runs_at_the_end && self.taken_back == 0 && self.misjudged.is_empty();
        events == [0; 6] && is_well
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Weather { stops, freezes, down } = self.weather;
        let all = Times(self.times.values().flat_map(|times| times.0.iter().copied()).collect());
        let held = self.held.map_or("not told".to_owned(), |held| format!("{} ms", held.as_millis()));
        let rows = [
            ("seed", self.seed.to_string()),
            ("sent", format!("{} ({:.0} a second)", self.sent, self.rate)),
            (
                "broker",
                format!(
                    "{stops} times stopped, {freezes} times frozen, away {:.0} % of the time",
                    down * 1e2
                ),
            ),
            ("lost", self.lost.to_string()),
            ("never taken from the source", self.left.to_string()),
            ("given up by its own account", self.given_up.to_string()),
            ("sent again, acknowledged", self.sent_twice.to_string()),
            ("sent again, not acknowledged", format!("{} (at least once demands it)", self.repeated)),
            ("out of order", self.out_of_order.to_string()),
            ("units cut off", self.cut_off.to_string()),
            ("edits misjudged", self.misjudged.len().to_string()),
            ("correct edits taken back", self.taken_back.to_string()),
            ("last correct edit runs", if self.runs_at_the_end { "yes" } else { "NO" }.to_owned()),
            ("sources held at most", held),
            ("all", all.to_string()),
        ];
        rows.iter().try_for_each(|(name, value)| writeln!(out, "{name:<30} {value}"))?;
        for (edit, times) in &self.times {
            writeln!(out, "{edit:<30} {times}")?;
        }
        self.misjudged.iter().take(5).try_for_each(|answer| writeln!(out, "misjudged: {answer}"))
    }
}
