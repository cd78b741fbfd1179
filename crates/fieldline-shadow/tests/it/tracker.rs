//! The tracker against a real service: each change once, none missed.

use std::collections::VecDeque;
use std::time::Duration;

use fieldline_shadow::client::{Content, DeltaTracker, Retry, TrackerAction, Watch, subscriptions};
use fieldline_shadow::json::Json;
use fieldline_shadow::topic::Publication;

use crate::loopback::{Loopback, seconds};
use crate::support::{PREFIX, lamp};

const RETRY: Retry = Retry { attempts: 2, first: Duration::from_secs(2), longest: Duration::from_secs(60) };
const TWO_DAYS: u64 = 48 * 3600;

struct Bench {
    loopback: Loopback,
    tracker: DeltaTracker,
    now: Duration,
}

impl Bench {
    fn new(watch: Watch) -> Self {
        let tracker = DeltaTracker::new(lamp(), watch, RETRY, "device");
        Bench { loopback: Loopback::new(), tracker, now: seconds(0) }
    }

    fn connect(&mut self) -> Vec<String> {
        let answers = self.ask();
        self.deliver(&answers)
    }

    /// Connects up to the moment when the service has answered and nothing has been delivered.
    fn ask(&mut self) -> Vec<Publication> {
        let actions = self.tracker.connected(self.now);
        let [TrackerAction::Publish(get)] = actions.as_slice() else { panic!("{actions:?}") };
        self.loopback.send(get, self.now)
    }

    /// A request that the tracker does not see the answers of.
    fn unseen(&mut self, operation: &str, payload: &str) -> Vec<Publication> {
        self.loopback.other(operation, payload, self.now)
    }

    fn seen(&mut self, operation: &str, payload: &str) -> Vec<String> {
        let messages = self.unseen(operation, payload);
        self.deliver(&messages)
    }

    /// What the tracker says to messages and to the answers of what it asks, shortened to version and content.
    fn deliver(&mut self, messages: &[Publication]) -> Vec<String> {
        let mut messages: VecDeque<Publication> = messages.iter().cloned().collect();
        let mut said = Vec::new();
        while let Some(message) = messages.pop_front() {
            match self.tracker.received(&message.topic, message.payload.as_bytes(), self.now) {
                Some(TrackerAction::Publish(get)) => messages.extend(self.loopback.send(&get, self.now)),
                Some(action) => said.push(brief(&action)),
                None => {}
            }
        }
        said
    }
}

fn brief(action: &TrackerAction) -> String {
    let TrackerAction::Changed(change) = action else { return format!("{action:?}") };
    let content = match &change.content {
        Content::Delta(delta) => Json::Object(delta.clone()).to_string(),
        Content::Desired { state, patch } => {
            format!("{} by {}", Json::Object(state.clone()), Json::Object(patch.clone()))
        }
        Content::Documents { previous, current } => format!("{previous} to {current}"),
    };
    format!("{}: {content}", change.version)
}

fn desired(state: &str) -> String {
    format!(r#"{{"state":{{"desired":{state}}}}}"#)
}

#[test]
fn a_change_made_while_offline_is_not_missed_and_told_once() {
    let mut bench = Bench::new(Watch::Delta);
    bench.unseen("update", &desired(r#"{"a":1}"#));
    assert_eq!(bench.connect(), [r#"1: {"a":1}"#]);
    bench.tracker.disconnected();
    assert_eq!(bench.connect(), [""; 0], "nothing has changed");
    bench.tracker.disconnected();
    bench.unseen("update", &desired(r#"{"a":2}"#));
    assert_eq!(bench.connect(), [r#"2: {"a":2}"#]);
    assert_eq!(bench.seen("update", &desired(r#"{"b":3}"#)), [r#"3: {"a":2,"b":3}"#]);
}

#[test]
fn duplicates_old_versions_and_foreign_messages_are_dropped() {
    let mut bench = Bench::new(Watch::Delta);
    assert_eq!(bench.connect(), [""; 0]);
    let first = bench.unseen("update", &desired(r#"{"a":1}"#));
    let second = bench.unseen("update", &desired(r#"{"a":2}"#));
    assert_eq!(bench.deliver(&second), [r#"2: {"a":2}"#]);
    assert_eq!(bench.deliver(&second), [""; 0]);
    assert_eq!(bench.deliver(&first), [""; 0]);
    assert_eq!(
        bench.seen("get", r#"{"clientToken":"someone"}"#),
        [""; 0],
        "the answer to someone else's get"
    );
    assert_eq!(bench.seen("name/x/update", &desired(r#"{"a":9}"#)), [""; 0], "another shadow");
    for payload in ["", "{}", r#"{"version":9}"#, r#"{"version":"9","state":{}}"#] {
        let broken = Publication { topic: format!("{PREFIX}update/delta"), payload: payload.to_owned() };
        assert_eq!(bench.deliver(&[broken]), [""; 0], "{payload}");
    }
}

#[test]
fn a_delta_that_overtakes_the_answer_to_the_get_is_newer() {
    let mut bench = Bench::new(Watch::Delta);
    bench.unseen("update", &desired(r#"{"a":1}"#));
    let late = bench.ask();
    assert_eq!(bench.seen("update", &desired(r#"{"a":2}"#)), [r#"2: {"a":2}"#]);
    assert_eq!(bench.deliver(&late), [""; 0]);
}

#[test]
fn a_shadow_made_anew_after_its_version_was_forgotten_is_followed() {
    // Deleted and made anew while offline: the answer to the own get is believed.
    let mut bench = Bench::new(Watch::Delta);
    for value in 0..5 {
        bench.unseen("update", &desired(&format!(r#"{{"a":{value}}}"#)));
    }
    assert_eq!(bench.connect(), [r#"5: {"a":4}"#]);
    bench.tracker.disconnected();
    bench.unseen("delete", "");
    bench.now = seconds(TWO_DAYS + 1);
    bench.unseen("update", &desired(r#"{"b":1}"#));
    assert_eq!(bench.connect(), [r#"1: {"b":1}"#]);

    // Deleted while connected, made anew offline, and by chance of the same version.
    assert_eq!(bench.seen("delete", ""), ["Deleted"]);
    bench.tracker.disconnected();
    bench.now += seconds(TWO_DAYS + 1);
    bench.unseen("update", &desired(r#"{"b":1}"#));
    assert_eq!(bench.connect(), [r#"1: {"b":1}"#]);

    // All of it while connected.
    bench.unseen("update", &desired(r#"{"b":2}"#));
    let deleted = bench.unseen("delete", "");
    assert_eq!(bench.deliver(&deleted), ["Deleted"]);
    assert_eq!(bench.deliver(&deleted), [""; 0]);
    assert_eq!(bench.deliver(&[late_delta()]), [""; 0], "a late delta of the deleted shadow");
    bench.now += seconds(TWO_DAYS + 1);
    assert_eq!(bench.seen("update", &desired(r#"{"c":1}"#)), [r#"1: {"c":1}"#]);
}

/// As a service does that forgets a deleted shadow at once.
#[test]
fn a_shadow_that_is_made_anew_with_versions_from_one_is_followed() {
    let changes = [(Watch::Delta, r#"1: {"b":1}"#), (Watch::Desired, r#"1: {"b":1} by {"b":1}"#)];
    for (watch, change) in changes {
        let mut bench = Bench::new(watch);
        assert_eq!(bench.connect(), [""; 0]);
        for state in [r#"{"a":1}"#, r#"{"a":2}"#] {
            assert_eq!(bench.seen("update", &desired(state)).len(), 1);
        }
        assert_eq!(bench.seen("delete", ""), ["Deleted"]);
        bench.loopback = Loopback::new();
        assert_eq!(bench.seen("update", &desired(r#"{"b":1}"#)), [change]);
        assert_eq!(bench.seen("update", &desired(r#"{"b":2}"#)).len(), 1, "and what follows");
    }
}

fn late_delta() -> Publication {
    let payload = r#"{"version":2,"timestamp":1,"state":{"b":2}}"#.to_owned();
    Publication { topic: format!("{PREFIX}update/delta"), payload }
}

#[test]
fn a_shadow_deleted_while_offline_is_told_once() {
    let mut bench = Bench::new(Watch::Desired);
    assert_eq!(bench.connect(), [""; 0], "there was none to begin with");
    bench.seen("update", &desired(r#"{"a":1}"#));
    bench.tracker.disconnected();
    bench.unseen("delete", "");
    assert_eq!(bench.connect(), ["Deleted"]);
    assert_eq!(bench.connect(), [""; 0]);
    assert_eq!(bench.seen("update", &desired(r#"{"a":1}"#)), [r#"3: {"a":1} by {"a":1}"#]);
    assert_eq!(bench.seen("delete", ""), ["Deleted"]);
    assert_eq!(bench.seen("update", &desired(r#"{"a":1}"#)), [r#"5: {"a":1} by {"a":1}"#]);
    assert_eq!(bench.seen("delete", ""), ["Deleted"]);
    bench.tracker.disconnected();
    assert_eq!(bench.connect(), [""; 0], "it was told while connected");
}

#[test]
fn desired_is_told_with_its_patch_and_only_when_it_changes() {
    let mut bench = Bench::new(Watch::Desired);
    bench.unseen("update", &desired(r#"{"a":1,"b":{"c":1}}"#));
    assert_eq!(bench.connect(), [r#"1: {"a":1,"b":{"c":1}} by {"a":1,"b":{"c":1}}"#]);
    assert_eq!(bench.seen("update", r#"{"state":{"reported":{"a":1}}}"#), [""; 0]);
    assert_eq!(bench.seen("update", &desired(r#"{"a":1.0}"#)), [""; 0], "the same value");
    assert_eq!(
        bench.seen("update", &desired(r#"{"b":{"c":null,"d":2}}"#)),
        [r#"4: {"a":1.0,"b":{"d":2}} by {"b":{"c":null,"d":2}}"#]
    );
    assert_eq!(bench.seen("update", &desired("null")), [r#"5: {} by {"a":null,"b":null}"#]);
}

#[test]
fn documents_tell_of_every_update() {
    let mut bench = Bench::new(Watch::Documents);
    bench.unseen("update", &desired("{}"));
    assert_eq!(bench.connect(), [r#"1: null to {"state":{},"metadata":{},"version":1}"#]);
    assert_eq!(
        bench.seen("update", r#"{"state":{"reported":{"a":1}}}"#),
        [concat!(
            r#"2: {"state":{},"metadata":{},"version":1} to {"state":{"reported":{"a":1}},"#,
            r#""metadata":{"reported":{"a":{"timestamp":0}}},"version":2}"#
        )]
    );
}

#[test]
fn the_cause_of_a_change_is_told_if_it_is_known() {
    let mut bench = Bench::new(Watch::Delta);
    let update = r#"{"state":{"desired":{"a":1}},"clientToken":"app"}"#;
    bench.now = seconds(77);
    let delta = bench.unseen("update", update).remove(0);
    let tokens = |action: Option<TrackerAction>| match action {
        Some(TrackerAction::Changed(change)) => (change.client_token, change.timestamp),
        other => panic!("{other:?}"),
    };
    let action = bench.tracker.received(&delta.topic, delta.payload.as_bytes(), bench.now);
    assert_eq!(tokens(action), (Some("app".to_owned()), 77));
    bench.unseen("update", update);
    let found = bench.ask().remove(0);
    let action = bench.tracker.received(&found.topic, found.payload.as_bytes(), bench.now);
    assert_eq!(tokens(action), (None, 77), "our own token is no cause");
}

#[test]
fn a_silent_or_failing_service_is_asked_a_bounded_number_of_times() {
    let mut bench = Bench::new(Watch::Delta);
    bench.tracker.connected(seconds(0));
    let failed = br#"{"code":500,"message":"","clientToken":"device-1"}"#;
    assert_eq!(bench.tracker.received(&format!("{PREFIX}get/rejected"), failed, seconds(1)), None);
    assert_eq!(bench.tracker.tick(seconds(1)), None);
    assert_eq!(bench.tracker.wake_at(), Some(seconds(2)));
    assert!(matches!(bench.tracker.tick(seconds(2)), Some(TrackerAction::Publish(_))));
    assert_eq!(bench.tracker.wake_at(), Some(seconds(6)), "the wait doubles");
    assert_eq!(bench.tracker.tick(seconds(6)), Some(TrackerAction::NoAnswer));
    assert_eq!(bench.tracker.wake_at(), None);
}

#[test]
fn tokens_stay_short_enough_for_the_service_whatever_their_prefix() {
    let mut tracker = DeltaTracker::new(lamp(), Watch::Delta, RETRY, &"kü".repeat(100));
    let mut loopback = Loopback::new();
    let actions = tracker.connected(seconds(0));
    let [TrackerAction::Publish(get)] = actions.as_slice() else { panic!("{actions:?}") };
    let token = format!("{}-1", "k".repeat(40));
    assert_eq!(get.payload, format!(r#"{{"clientToken":"{token}"}}"#));
    assert!(loopback.send(get, seconds(0))[0].payload.contains(&token));
}

#[test]
fn the_subscriptions_hold_every_topic_that_is_listened_to() {
    let topics = subscriptions(&lamp());
    for suffix in ["get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta"] {
        assert!(topics.contains(&format!("{PREFIX}{suffix}")), "{suffix}");
    }
    assert_eq!(topics.len(), 7);
}
