//! From ten nodes to ten thousand, in one pipeline and in a thousand: what a node takes at rest, how long it takes to
//! check and to edit a plant, and whether its events are slower in a large one.

mod plant;

mod turn;

use anyhow::Result;

use super::super::process::megabytes;
use super::super::spread::Spread;
use super::{Bench, Say};
pub(super) use plant::{AT_REST, Plant};
use turn::Turn;
pub(super) use turn::{REST, start};

/// The plants; what they take is compared with the first.
const PLANTS: [Plant; 7] = [
    Plant { pipelines: 1, chains: 1 },
    Plant { pipelines: 1, chains: 10 },
    Plant { pipelines: 1, chains: 100 },
    Plant { pipelines: 1, chains: 1000 },
    Plant { pipelines: 10, chains: 1 },
    Plant { pipelines: 100, chains: 1 },
    Plant { pipelines: 1000, chains: 1 },
];

pub(super) fn run(bench: Bench<'_>, say: Say<'_>) -> Result<String> {
    let mut rounds: Vec<Vec<Turn>> = Vec::new();
    for round in 1..=bench.rounds {
        let mut turns = Vec::new();
        for plant in PLANTS {
            let turn = Turn::of(plant, bench.program)?;
            say(format!(
                "round {round}, {} nodes in {} pipelines: {turn:.1?}",
                plant.nodes(),
                plant.pipelines
            ));
            turns.push(turn);
        }
        rounds.push(turns);
    }
    Ok(table(&rounds))
}

fn table(rounds: &[Vec<Turn>]) -> String {
    let mut text = format!(
        "{:>9} {:>6} {:>20} {:>8} {:>17} {:>22} {:>8} {:>7}\n",
        "pipelines", "nodes", "rate / first", "M step/s", "KB / node", "reload ms", "check ms", "idle MB"
    );
    for (index, plant) in PLANTS.iter().enumerate() {
        let spread = |value: fn(&Turn, &Turn) -> f64| {
            Spread::of(rounds.iter().map(|turns| value(&turns[index], &turns[0])))
        };
        let grown = |turn: &Turn, first: &Turn| megabytes(turn.resident) - megabytes(first.resident);
        let more = (plant.nodes() - PLANTS[0].nodes()) as f64;
        let per_node = Spread::of(rounds.iter().map(|turns| grown(&turns[index], &turns[0]) * 1e3 / more));
        text += &format!(
            "{:>9} {:>6} {:>20} {:>8.1} {:>17} {:>22} {:>8.0} {:>7.1}\n",
            plant.pipelines,
            plant.nodes(),
            spread(|turn, first| turn.rate / first.rate).to_string(),
            spread(|turn, _| turn.rate).median,
            if index == 0 { String::new() } else { per_node.rounded(1) },
            spread(|turn, _| turn.reload).rounded(1),
            spread(|turn, _| turn.check).median,
            spread(|turn, _| megabytes(turn.resident)).median,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_a_node_is_what_a_larger_plant_takes_more() {
        let turn = |resident| Turn { resident, check: 1.0, reload: 2.0, rate: 3.0 };
        let turns = PLANTS.map(|plant| turn(1000 + 2 * plant.nodes() as u64));
        let table = table(&[turns.to_vec()]);
        assert!(table.lines().skip(2).all(|line| line.contains(" 2.0 (2.0-2.0) ")), "{table}");
    }
}
