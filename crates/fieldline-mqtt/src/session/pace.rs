//! How fast publishes may leave. There is no limit until the broker hangs up as if over too many of them. From then on
//! the rate falls with each such end of a connection, and grows while the broker takes what is sent. Pure.

use std::mem;

use tokio::time::{Duration, Instant};

use crate::error::ConnectError;

const SECOND: Duration = Duration::from_secs(1);

/// A hang-up after fewer messages in a second says nothing about their rate.
const SEVERAL: u32 = 10;

/// A broker that counts the messages of a second hangs up on a backlog within this time.
const BRIEF: Duration = Duration::from_secs(2);

/// The share of the rate that is left after a hang-up.
const KEPT: f64 = 0.75;

/// How many seconds the rate takes from there back to where the broker hung up.
const BACK_AFTER: f64 = 20.0;

/// The share by which the rate grows in a second, once it is higher than where the broker hung up.
const BEYOND: f64 = 0.1;

/// The time by which the rate may lag and catch up, as timers are late.
const CATCH_UP: Duration = Duration::from_millis(20);

/// What speaks for the rate as the cause of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Innocent,
    /// It looks so for the first time, as it does where a broker is restarted.
    Suspected,
    /// It was the cause, and is lower now.
    Guilty,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Publishes in a second, where there is a limit.
    rate: Option<f64>,
    /// The rate at which the broker hung up last.
    ceiling: f64,
    /// When the connection began.
    began: Instant,
    /// When the next publish may leave.
    due: Instant,
    /// Whether a publish waits for that.
    is_held: bool,
    /// Whether the connection before this one ended as if over its rate.
    was_suspected: bool,
    written: Meter,
    taken: Meter,
}

/// Counts by whole seconds.
#[derive(Debug)]
struct Meter {
    second: Instant,
    count: u32,
    /// The count of the second before.
    before: u32,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            rate: None,
            ceiling: 0.0,
            began: now,
            due: now,
            is_held: false,
            was_suspected: false,
            written: Meter::new(now),
            taken: Meter::new(now),
        }
    }

    /// Begins a connection.
    pub(crate) fn connected(&mut self, now: Instant) {
        (self.began, self.due, self.is_held) = (now, now, false);
        (self.written, self.taken) = (Meter::new(now), Meter::new(now));
    }

    /// Publishes in a second, where there is a limit.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// When the publish that waits may leave.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.is_held.then_some(self.due)
    }

    /// No publish waits for its time, whatever else it waits for.
    pub(crate) fn release(&mut self) {
        self.is_held = false;
    }

    /// Whether a publish that is ready may leave now; if not, it waits.
    pub(crate) fn admits(&mut self, now: Instant) -> bool {
        self.is_held = self.rate.is_some() && self.due > now;
        !self.is_held
    }

    /// Takes note that a publish leaves.
    pub(crate) fn sent(&mut self, now: Instant) {
        if let Some(rate) = self.rate {
            let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
            self.due = self.due.max(earliest) + Duration::from_secs_f64(rate.recip());
        }
    }

    /// Takes note that a publish is on the wire.
    pub(crate) fn written(&mut self, now: Instant) {
        self.written.count(now);
    }

    /// Takes note that the broker has taken a publish. The rate grows only where it is the limit.
    pub(crate) fn taken(&mut self, now: Instant) {
        self.taken.count(now);
        if let Some(rate) = self.rate.as_mut().filter(|_| self.is_held) {
            let is_back = *rate >= self.ceiling;
            let growth = if is_back { *rate * BEYOND } else { self.ceiling * (1.0 - KEPT) / BACK_AFTER };
            *rate += growth / *rate;
        }
    }

    /// Takes the end of a connection. A broker that is restarted, and one that hangs up over a message, does not do so twice
    /// with several messages taken, the second time at once.
    pub(crate) fn ended(&mut self, error: &ConnectError, now: Instant) -> Verdict {
        let taken = self.taken.last_second(now);
        let is_told = matches!(error, ConnectError::TooMuch { .. }) && taken > 0;
        let looks_so = is_told || matches!(error, ConnectError::Closed { .. }) && taken >= SEVERAL;
        let again = mem::replace(&mut self.was_suspected, looks_so);
        if !looks_so {
            return Verdict::Innocent;
        }
        if is_told || self.is_held || again && now < self.began + BRIEF {
            let written = f64::from(self.written.last_second(now));
            self.ceiling = self.rate.filter(|_| self.is_held).unwrap_or(written);
            self.rate = Some((self.ceiling * KEPT).max(1.0));
            return Verdict::Guilty;
        }
        if again { Verdict::Innocent } else { Verdict::Suspected }
    }
}

impl Meter {
    fn new(now: Instant) -> Self {
        Self { second: now, count: 0, before: 0 }
    }

    fn count(&mut self, now: Instant) {
        self.turn(now);
        self.count += 1;
    }

    /// The count of the last second or a little more than that.
    fn last_second(&mut self, now: Instant) -> u32 {
        self.turn(now);
        self.count.max(self.before)
    }

    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.second);
        if passed >= SECOND {
            self.before = if passed < SECOND * 2 { self.count } else { 0 };
            (self.second, self.count) = (now, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(5);

    /// A pace, and the moment that it is.
    struct Simulation {
        pace: Pace,
        now: Instant,
    }

    impl Simulation {
        fn new() -> Self {
            let now = Instant::now();
            Self { pace: Pace::new(now), now }
        }

        /// Sends all that is admitted for this time, and the broker takes it; gives back when each left.
        fn send(&mut self, time: Duration) -> Vec<Instant> {
            let (mut left, end) = (Vec::new(), self.now + time);
            while self.now < end {
                let mut room = 5;
                while room > 0 && self.pace.admits(self.now) {
                    room -= 1;
                    self.pace.sent(self.now);
                    self.pace.written(self.now);
                    left.push(self.now);
                }
                left.iter().rev().take(5 - room).for_each(|at| self.pace.taken(*at));
                self.now += MOMENT;
            }
            left
        }

        fn end(&mut self, error: &ConnectError) -> Verdict {
            let verdict = self.pace.ended(error, self.now);
            self.now += SECOND;
            self.pace.connected(self.now);
            verdict
        }

        fn rate(&self) -> Option<u32> {
            self.pace.rate.map(|rate| rate.round() as u32)
        }
    }

    fn hang_up() -> ConnectError {
        ConnectError::Closed { reason: "test".to_owned() }
    }

    /// Two brief connections on which 100 messages are taken.
    fn slowed() -> Simulation {
        let mut simulation = Simulation::new();
        for verdict in [Verdict::Suspected, Verdict::Guilty] {
            simulation.send(20 * MOMENT);
            assert_eq!(simulation.end(&hang_up()), verdict);
        }
        assert_eq!(simulation.rate(), Some(75));
        simulation
    }

    #[test]
    fn two_hang_ups_on_many_messages_make_the_rate_lower_than_they_were() {
        let mut simulation = slowed();
        let left = simulation.send(SECOND);
        assert!((70..=80).contains(&left.len()), "{}", left.len());
        assert_eq!(simulation.end(&hang_up()), Verdict::Guilty);
        assert_eq!(simulation.rate(), Some(57));
    }

    #[test]
    fn a_broker_that_is_restarted_now_and_then_slows_nothing_down() {
        let mut simulation = Simulation::new();
        for verdict in [Verdict::Suspected, Verdict::Innocent, Verdict::Innocent] {
            simulation.send(BRIEF + SECOND);
            assert_eq!(simulation.end(&hang_up()), verdict);
        }
        assert_eq!(simulation.rate(), None);
    }

    #[test]
    fn a_hang_up_before_several_messages_are_taken_and_a_lost_network_are_no_matter_of_the_rate() {
        let mut simulation = Simulation::new();
        for _ in 0..5 {
            simulation.send(MOMENT);
            assert_eq!(simulation.end(&hang_up()), Verdict::Innocent);
            simulation.send(SECOND);
            assert_eq!(simulation.end(&ConnectError::KeepAlive), Verdict::Innocent);
        }
        assert_eq!(simulation.rate(), None);
    }

    #[test]
    fn what_the_broker_says_needs_no_second_hang_up_unless_it_took_nothing() {
        let told = ConnectError::TooMuch { reason: "message rate too high".to_owned() };
        let mut simulation = Simulation::new();
        assert_eq!(simulation.end(&told), Verdict::Innocent);
        simulation.send(MOMENT);
        assert_eq!(simulation.end(&told), Verdict::Guilty);
        assert_eq!(simulation.rate(), Some(4));
    }

    #[test]
    fn the_rate_comes_back_in_twenty_seconds_and_then_grows_faster() {
        let mut simulation = slowed();
        simulation.send(20 * SECOND);
        assert!(simulation.rate().is_some_and(|rate| (97..=103).contains(&rate)), "{:?}", simulation.rate());
        simulation.send(20 * SECOND);
        assert!(simulation.rate() > Some(400), "{:?}", simulation.rate());
    }

    #[test]
    fn the_rate_does_not_grow_while_it_is_no_limit() {
        let mut simulation = slowed();
        for _ in 0..1_000 {
            simulation.now += 4 * MOMENT;
            assert!(simulation.pace.admits(simulation.now));
            simulation.pace.sent(simulation.now);
            simulation.pace.taken(simulation.now);
        }
        assert_eq!(simulation.rate(), Some(75));
    }

    #[test]
    fn no_second_has_more_than_its_rate_and_what_may_be_caught_up() {
        let mut simulation = slowed();
        simulation.now += 10 * SECOND;
        let left = simulation.send(3 * SECOND);
        for start in &left {
            let within = left.iter().filter(|at| (*start..*start + SECOND).contains(*at)).count();
            assert!(within <= 82, "{within}");
        }
    }
}
