//! [`Layers`]: the settings of a node, one over the other: as configured, as set for good, as set for a while.
//! Pure: time is an argument.

use std::collections::BTreeMap;
use std::time::Instant;

use fieldline_core::{Settings, Value};

use super::command::Command;
use crate::status::SettingStatus;

/// The settings of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layers {
    configured: Settings,
    lasting: BTreeMap<&'static str, Lasting>,
    passing: BTreeMap<&'static str, Passing>,
}

/// A setting that holds until it is set again, or the config of its field changes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lasting {
    /// Its value.
    pub(crate) value: Value,
    /// How it was configured when it was set.
    pub(crate) over: Value,
    /// Whether it outlives the program.
    pub(crate) persist: bool,
}

/// A setting that holds for a while.
#[derive(Clone, Debug, PartialEq)]
struct Passing {
    value: Value,
    until: Instant,
    /// The input it came by. Only commands of the same input end it before its time: what steers all the time, such
    /// as adaptive sampling, goes on beneath.
    input: u16,
}

impl Layers {
    /// Goes on with another config. What was set stays, unless the config of the same field has changed: then its
    /// author has the last word. So has one who takes a setting out of every `allow`.
    pub(crate) fn configure(&mut self, configured: Settings, allowed: &[&'static str]) {
        let before = std::mem::replace(&mut self.configured, configured);
        let stays = |name: &&'static str, over: Option<&Value>| {
            allowed.contains(name) && over.is_some() && self.configured.0.get(name) == over
        };
        self.lasting.retain(|name, lasting| stays(name, Some(&lasting.over)));
        self.passing.retain(|name, _| stays(name, before.0.get(name)));
    }

    /// Adds what was kept on disk.
    pub(crate) fn restore(&mut self, kept: BTreeMap<&'static str, Lasting>) {
        self.lasting.extend(kept);
    }

    /// Forgets everything that was set.
    pub(crate) fn reset(&mut self) {
        self.lasting.clear();
        self.passing.clear();
    }

    /// Sets what `command` asks for; `persist` says whether that outlives the program.
    pub(crate) fn set(&mut self, command: &Command, input: u16, persist: bool, now: Instant) {
        let until = command.holds.map(|holds| now + holds);
        for (name, value) in &command.wanted {
            let Some(over) = self.configured.0.get(name).cloned() else { continue };
            match (value, until) {
                (None, _) => {
                    self.lasting.remove(name);
                    self.passing.remove(name);
                }
                (Some(value), Some(until)) => {
                    self.passing.insert(name, Passing { value: value.clone(), until, input });
                }
                (Some(value), None) => {
                    self.lasting.insert(name, Lasting { value: value.clone(), over, persist });
                    if self.passing.get(name).is_some_and(|passing| passing.input == input) {
                        self.passing.remove(name);
                    }
                }
            }
        }
    }

    /// Ends what holds no longer.
    pub(crate) fn end(&mut self, now: Instant) {
        self.passing.retain(|_, passing| passing.until > now);
    }

    /// When the next of them ends.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        self.passing.values().map(|passing| passing.until).min()
    }

    /// The values in force.
    pub(crate) fn in_force(&self) -> Settings {
        let mut settings = self.configured.clone();
        let lasting = self.lasting.iter().map(|(name, lasting)| (*name, lasting.value.clone()));
        settings.0.extend(lasting);
        settings.0.extend(self.passing.iter().map(|(name, passing)| (*name, passing.value.clone())));
        settings
    }

    /// Those that differ from how they are configured.
    pub(crate) fn changed(&self, now: Instant) -> Vec<SettingStatus> {
        let in_force = self.in_force().0.into_iter();
        let changed = in_force.filter_map(|(name, value)| {
            let configured = self.configured.0.get(name).filter(|configured| **configured != value)?.clone();
            let left = self.passing.get(name).map(|passing| passing.until.saturating_duration_since(now));
            Some(SettingStatus { name, value, configured, left })
        });
        changed.collect()
    }

    /// What outlives the program.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (&'static str, &Lasting)> {
        self.lasting.iter().filter(|(_, lasting)| lasting.persist).map(|(name, lasting)| (*name, lasting))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ALLOWED: &[&str] = &["every", "enabled"];

    fn configured(every: &str) -> Settings {
        Settings::from([("every", every.into()), ("enabled", true.into())])
    }

    fn layers() -> Layers {
        let mut layers = Layers::default();
        layers.configure(configured("5s"), ALLOWED);
        layers
    }

    fn every(value: Option<&str>, holds: Option<u64>) -> Command {
        let wanted = BTreeMap::from([("every", value.map(Value::from))]);
        Command { wanted, holds: holds.map(Duration::from_secs) }
    }

    fn in_force(layers: &Layers) -> String {
        layers.in_force().0["every"].as_text().expect("a text").to_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "a moment to count from; nothing is measured")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn what_is_set_for_a_while_lies_over_what_is_set_for_good_and_ends_by_itself() {
        let (mut layers, now) = (layers(), start());
        layers.set(&every(Some("200ms"), Some(600)), 0, false, now);
        layers.set(&every(Some("10s"), None), 1, false, now);
        assert_eq!(in_force(&layers), "200ms");
        assert_eq!(layers.next_end(), Some(now + Duration::from_secs(600)));
        layers.end(now + Duration::from_secs(599));
        assert_eq!(in_force(&layers), "200ms");
        layers.end(now + Duration::from_secs(600));
        assert_eq!((in_force(&layers).as_str(), layers.next_end()), ("10s", None));
    }

    #[test]
    fn a_lasting_command_of_the_same_input_ends_a_passing_one() {
        let (mut layers, now) = (layers(), start());
        layers.set(&every(Some("200ms"), Some(600)), 0, false, now);
        layers.set(&every(Some("10s"), None), 0, false, now);
        assert_eq!(in_force(&layers), "10s");
        layers.set(&every(None, None), 0, false, now);
        assert_eq!(layers, self::layers());
    }

    #[test]
    fn what_differs_from_the_config_is_told_with_the_time_it_has_left() {
        let (mut layers, now) = (layers(), start());
        assert_eq!(layers.changed(now), []);
        let changed = |value: &str, left| {
            let (value, configured) = (value.into(), "5s".into());
            vec![SettingStatus { name: "every", value, configured, left }]
        };
        layers.set(&every(Some("10s"), None), 0, false, now);
        assert_eq!(layers.changed(now), changed("10s", None));
        layers.set(&every(Some("200ms"), Some(600)), 1, false, now);
        let left = Some(Duration::from_secs(590));
        assert_eq!(layers.changed(now + Duration::from_secs(10)), changed("200ms", left));
        layers.set(&every(Some("5s"), Some(600)), 1, false, now);
        assert_eq!(layers.changed(now), []);
    }

    #[test]
    fn a_setting_stays_unless_its_own_config_changes_or_it_is_no_longer_allowed() {
        let (mut layers, now) = (layers(), start());
        layers.set(&every(Some("10s"), None), 0, true, now);
        layers.set(&every(Some("200ms"), Some(600)), 0, false, now);
        let mut disabled = configured("5s");
        disabled.0.insert("enabled", false.into());
        layers.configure(disabled, ALLOWED);
        assert_eq!((in_force(&layers).as_str(), layers.kept().count()), ("200ms", 1));
        let mut forbidden = layers.clone();
        forbidden.configure(configured("5s"), &["enabled"]);
        assert_eq!(in_force(&forbidden), "5s");
        layers.configure(configured("7s"), ALLOWED);
        assert_eq!((in_force(&layers).as_str(), layers.kept().count()), ("7s", 0));
    }
}
