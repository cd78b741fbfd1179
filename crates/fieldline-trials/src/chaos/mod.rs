//! `cargo trials chaos`: numbered messages go through source, script and two sinks of a real program at a real broker,
//! while the program or the broker is killed, the network is cut or falls silent, or the disk is full. Then every
//! number must have arrived at both ends.

mod plant;

mod accident;

mod account;

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

pub use accident::Accident;
pub use account::{Account, Tally};
use plant::{INPUT, Plant};

use super::client::Sender;
use super::process::{now, wait};

/// How long nothing arrives before the rest counts as gone.
const QUIET: Duration = Duration::from_secs(20);

/// How long a round waits for what arrives twice, once everything is there.
const STRAGGLERS: Duration = Duration::from_millis(500);

/// How a run is made.
#[derive(Clone, Copy, Debug)]
pub struct Chaos {
    /// Rounds, each with one accident.
    pub rounds: u32,
    /// Messages sent in a round, which takes a second.
    pub rate: u64,
}

/// Runs `program` through the accidents, in `folder`; tells about each round through `say`.
pub fn run(program: &Path, folder: &Path, chaos: Chaos, mut say: impl FnMut(String)) -> Result<Account> {
    ensure!(chaos.rounds > 0 && chaos.rate > 0, "nothing would be sent");
    let mut plant = Plant::start(program, folder, &mut say)?;
    let has_card = plant.card.is_some();
    let accidents = Accident::ALL.into_iter().filter(|accident| *accident != Accident::DiskFull || has_card);
    let mut account = Account::default();
    for (round, accident) in (0..chaos.rounds).zip(accidents.collect::<Vec<_>>().into_iter().cycle()) {
        let tally = play(&mut plant, accident, u64::from(round) * chaos.rate, chaos.rate)?;
        say(format!(
            "round {:>3}: {:<15} {} lost, {} forgotten by the broker, {} twice, {:.1} s after the accident",
            round + 1,
            accident.name(),
            tally.lost,
            tally.lost_by_broker,
            tally.duplicated,
            tally.slowest.as_secs_f64()
        ));
        account.book(accident, tally);
    }
    plant.stop()?;
    Ok(account)
}

/// One round: sends the numbers from `first` on, with an accident on the way, and waits until they have arrived.
fn play(plant: &mut Plant<'_>, accident: Accident, first: u64, count: u64) -> Result<Tally> {
    let before = standing(plant);
    let mut sender = Sender::start(plant.broker.port(), INPUT)?;
    let mut began = now();
    for position in 0..count {
        sender.send(&format!("{{\"n\":{}}}", first + position))?;
        if position % 50 == 49 {
            wait(Duration::from_secs(50).div_f64(count as f64));
        }
        if position == count / 2 {
            began = now();
            accident.strike(plant)?;
        }
    }
    accident.mend(plant)?;
    sender.finish()?;
    let numbers = first..first + count;
    let last = await_arrivals(plant, began, numbers.clone());
    let (lost, lost_by_broker) = missing(plant, accident, numbers);
    let after = standing(plant);
    let duplicated = after.duplicated - before.duplicated;
    Ok(Tally {
        rounds: 1,
        expected: count * plant.receivers.len() as u64,
        lost,
        lost_by_broker,
        duplicated,
        most_duplicated: duplicated,
        sent_again: after.sent_again - before.sent_again,
        out_of_order: after.out_of_order - before.out_of_order,
        slowest: last.saturating_duration_since(began),
    })
}

/// Waits until every number from `numbers` has arrived everywhere, or nothing arrives any more; then for stragglers
/// that arrive twice. Gives back when the last new number came.
fn await_arrivals(plant: &Plant<'_>, began: Instant, numbers: Range<u64>) -> Instant {
    let expected = (numbers.end - numbers.start) as usize;
    let mut last = began;
    loop {
        let mut is_complete = true;
        for receiver in &plant.receivers {
            let seen = receiver.seen();
            is_complete &= seen.counts.range(numbers.clone()).count() == expected;
            last = seen.last.map_or(last, |arrival| last.max(arrival));
        }
        if is_complete || now().duration_since(last) > QUIET {
            wait(STRAGGLERS);
            return last;
        }
        wait(Duration::from_millis(20));
    }
}

/// How many of `numbers` never arrived: those the program has to answer for, and those a killed broker has.
fn missing(plant: &Plant<'_>, accident: Accident, numbers: Range<u64>) -> (u64, u64) {
    let (mut lost, mut lost_by_broker) = (0, 0);
    let testimony = plant.witness.testimony();
    for receiver in &plant.receivers {
        let seen = receiver.seen();
        let given = testimony.given.get(receiver.topic());
        for number in numbers.clone().filter(|number| !seen.counts.contains_key(number)) {
            let is_promised = testimony.taken.contains(&number);
            let is_given = given.is_some_and(|given| given.contains(&number));
            if accident == Accident::BrokerKilled && (is_given || !is_promised) {
                lost_by_broker += 1;
            } else {
                lost += 1;
            }
        }
    }
    (lost, lost_by_broker)
}

/// What has been counted since the run began.
fn standing(plant: &Plant<'_>) -> Tally {
    let mut standing = Tally { sent_again: plant.witness.testimony().sent_again, ..Tally::default() };
    for receiver in &plant.receivers {
        let seen = receiver.seen();
        standing.duplicated += seen.duplicated;
        standing.out_of_order += seen.out_of_order;
    }
    standing
}
