//! The reporter against a real service: patches, coalescing, conflicts, limits, lost answers.

use std::time::Duration;

use fieldline_shadow::client::{ReportAction, ReportError, Reporter, ReporterSettings, Retry, SectionName};
use fieldline_shadow::limits::Limits;
use fieldline_shadow::topic::Publication;

use crate::loopback::{Loopback, object, seconds};
use crate::support::{PREFIX, lamp};

const SETTINGS: ReporterSettings = ReporterSettings {
    section: SectionName::Reported,
    limits: Limits::DEFAULT,
    interval: Duration::ZERO,
    check_version: true,
    retry: Retry { attempts: 3, first: Duration::from_secs(2), longest: Duration::from_secs(60) },
};

fn reporter() -> Reporter {
    Reporter::new(lamp(), SETTINGS, "device")
}

fn publication(actions: &[ReportAction]) -> &Publication {
    match actions {
        [.., ReportAction::Publish(publication)] => publication,
        other => panic!("nothing to publish in {other:?}"),
    }
}

/// Carries publications and answers until neither side has anything to say; everything else the reporter did.
fn settle(
    reporter: &mut Reporter,
    loopback: &mut Loopback,
    actions: Vec<ReportAction>,
    now: Duration,
) -> Vec<ReportAction> {
    let mut todo = actions;
    let mut told = Vec::new();
    while !todo.is_empty() {
        let action = todo.remove(0);
        let ReportAction::Publish(publication) = action else {
            told.push(action);
            continue;
        };
        for message in loopback.send(&publication, now) {
            todo.extend(reporter.received(&message.topic, message.payload.as_bytes(), now));
        }
    }
    told
}

fn connected(loopback: &mut Loopback, settings: ReporterSettings) -> Reporter {
    let mut reporter = Reporter::new(lamp(), settings, "device");
    let actions = reporter.connected(seconds(0));
    assert_eq!(settle(&mut reporter, loopback, actions, seconds(0)), []);
    reporter
}

/// From `shadow` (as reported by someone else), `report` sends exactly `patch`, and the section becomes `after`.
fn check(shadow: &str, report: &str, whole: bool, patch: Option<&str>, after: &str) {
    let mut loopback = Loopback::new();
    loopback.other("update", &format!(r#"{{"state":{{"reported":{shadow}}}}}"#), seconds(0));
    let mut reporter = connected(&mut loopback, SETTINGS);
    let ticket = if whole { reporter.report_whole(object(report)) } else { reporter.report(object(report)) };
    let actions = reporter.tick(seconds(1));
    match patch {
        Some(patch) => {
            let request =
                format!(r#"{{"state":{{"reported":{patch}}},"version":1,"clientToken":"device-2"}}"#);
            assert_eq!(publication(&actions).payload, request);
        }
        None => assert!(matches!(actions.as_slice(), [ReportAction::Confirmed { .. }]), "{actions:?}"),
    }
    let version = Some(if patch.is_some() { 2 } else { 1 });
    let confirmed = ReportAction::Confirmed { ticket: ticket.expect("a good report"), version };
    assert_eq!(settle(&mut reporter, &mut loopback, actions, seconds(1)), [confirmed]);
    assert_eq!(loopback.section("reported"), after);
}

#[test]
fn only_what_changes_is_sent() {
    check(r#"{"a":1,"b":2}"#, r#"{"a":1.0,"b":3}"#, false, Some(r#"{"b":3}"#), r#"{"a":1,"b":3}"#);
    check(r#"{"a":1,"b":2}"#, r#"{"a":1}"#, false, None, r#"{"a":1,"b":2}"#);
    check(r#"{"a":1,"b":2}"#, r#"{"a":null,"x":null}"#, false, Some(r#"{"a":null}"#), r#"{"b":2}"#);
    // A member gets exactly the reported value: what is not in it goes.
    check(
        r#"{"a":{"b":1,"c":{"d":1}},"z":0}"#,
        r#"{"a":{"b":1,"c":{}}}"#,
        false,
        Some(r#"{"a":{"c":{"d":null}}}"#),
        r#"{"a":{"b":1,"c":{}},"z":0}"#,
    );
    check(
        r#"{"a":1,"b":{"c":1}}"#,
        r#"{"b":{"c":2}}"#,
        true,
        Some(r#"{"a":null,"b":{"c":2}}"#),
        r#"{"b":{"c":2}}"#,
    );
    check(r#"{"a":[1,2]}"#, r#"{"a":{"b":[]}}"#, false, Some(r#"{"a":{"b":[]}}"#), r#"{"a":{"b":[]}}"#);
}

#[test]
fn reports_made_offline_become_one_update_with_the_newest_values() {
    let mut loopback = Loopback::new();
    let mut reporter = reporter();
    for temperature in 0..50 {
        let report = format!(r#"{{"temperature":{temperature},"n{}":1}}"#, temperature % 3);
        reporter.report(object(&report)).expect("a good report");
        assert_eq!(reporter.tick(seconds(temperature)), [], "nothing is sent while offline");
    }
    assert_eq!(reporter.wake_at(), None);
    let actions = reporter.connected(seconds(60));
    let told = settle(&mut reporter, &mut loopback, actions, seconds(60));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 50, version: Some(1) }]);
    assert_eq!(loopback.section("reported"), r#"{"temperature":49,"n0":1,"n1":1,"n2":1}"#);
}

#[test]
fn a_whole_report_overtakes_what_came_before_it() {
    let mut loopback = Loopback::new();
    let mut reporter = reporter();
    reporter.report(object(r#"{"a":1,"b":1}"#)).expect("a good report");
    reporter.report_whole(object(r#"{"b":2}"#)).expect("a good report");
    reporter.report(object(r#"{"c":3}"#)).expect("a good report");
    loopback.other("update", r#"{"state":{"reported":{"z":1}}}"#, seconds(0));
    let actions = reporter.connected(seconds(0));
    settle(&mut reporter, &mut loopback, actions, seconds(0));
    assert_eq!(loopback.section("reported"), r#"{"b":2,"c":3}"#);
}

#[test]
fn only_one_update_is_on_its_way_at_a_time() {
    let mut loopback = Loopback::new();
    let mut reporter = connected(&mut loopback, SETTINGS);
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    let first = reporter.tick(seconds(1));
    reporter.report(object(r#"{"a":2}"#)).expect("a good report");
    assert_eq!(reporter.tick(seconds(1)), []);
    let told = settle(&mut reporter, &mut loopback, first, seconds(1));
    let confirmed = |ticket| ReportAction::Confirmed { ticket, version: Some(ticket) };
    assert_eq!(told, [confirmed(1), confirmed(2)]);
}

#[test]
fn the_interval_collects_reports() {
    let mut loopback = Loopback::new();
    let mut reporter = connected(&mut loopback, ReporterSettings { interval: seconds(10), ..SETTINGS });
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    let actions = reporter.tick(seconds(1));
    settle(&mut reporter, &mut loopback, actions, seconds(1));
    for value in 2..5 {
        reporter.report(object(&format!(r#"{{"a":{value}}}"#))).expect("a good report");
        assert_eq!(reporter.tick(seconds(value)), []);
    }
    assert_eq!(reporter.wake_at(), Some(seconds(11)));
    let actions = reporter.tick(seconds(11));
    let told = settle(&mut reporter, &mut loopback, actions, seconds(11));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 4, version: Some(2) }]);
    assert_eq!(loopback.section("reported"), r#"{"a":4}"#);
}

#[test]
fn a_conflict_leads_to_a_get_and_a_new_patch() {
    let mut loopback = Loopback::new();
    let mut reporter = connected(&mut loopback, SETTINGS);
    loopback.other("update", r#"{"state":{"reported":{"a":1,"other":true}}}"#, seconds(1));
    reporter.report(object(r#"{"a":1,"b":2}"#)).expect("a good report");
    let first = reporter.tick(seconds(1));
    // The reporter knows of no shadow and sends no version; so let it learn of the shadow, and miss one update.
    settle(&mut reporter, &mut loopback, first, seconds(1));
    loopback.other("update", r#"{"state":{"desired":{"x":1},"reported":{"b":7}}}"#, seconds(2));
    reporter.report(object(r#"{"b":3}"#)).expect("a good report");
    let actions = reporter.tick(seconds(2));
    let rejected = loopback.send(publication(&actions), seconds(2));
    assert!(rejected[0].payload.contains("Version conflict"), "{rejected:?}");
    let get = reporter.received(&rejected[0].topic, rejected[0].payload.as_bytes(), seconds(2));
    assert_eq!(publication(&get).topic, format!("{PREFIX}get"));
    let told = settle(&mut reporter, &mut loopback, get, seconds(2));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 2, version: Some(4) }]);
    assert_eq!(loopback.section("reported"), r#"{"a":1,"other":true,"b":3}"#);
    assert_eq!(loopback.section("desired"), r#"{"x":1}"#);
}

/// Sends what is pending while someone else updates the shadow before each of the first `conflicts` attempts; the
/// number of attempts, and what came of it.
fn fight(reporter: &mut Reporter, loopback: &mut Loopback, conflicts: usize) -> (usize, Vec<ReportAction>) {
    let mut actions = reporter.tick(seconds(1));
    let mut attempts = 0;
    while let [ReportAction::Publish(request)] = actions.as_slice() {
        if request.topic.ends_with("update") {
            attempts += 1;
            if attempts <= conflicts {
                loopback.other("update", r#"{"state":{}}"#, seconds(1));
            }
        }
        let answers = loopback.send(request, seconds(1));
        let answer = answers.last().expect("an answer");
        actions = reporter.received(&answer.topic, answer.payload.as_bytes(), seconds(1));
    }
    (attempts, actions)
}

#[test]
fn endless_conflicts_end_in_a_refusal() {
    let mut loopback = Loopback::new();
    loopback.other("update", r#"{"state":{}}"#, seconds(0));
    let mut reporter = connected(&mut loopback, SETTINGS);
    for ticket in 1..=2 {
        reporter.report(object(r#"{"a":1}"#)).expect("a good report");
        let refused = ReportAction::Refused {
            ticket,
            code: 409,
            message: "Version conflict".to_owned(),
            members: object(r#"{"a":1}"#).into(),
        };
        assert_eq!(fight(&mut reporter, &mut loopback, usize::MAX), (3, vec![refused]));
        assert_eq!(reporter.wake_at(), None);
    }
}

#[test]
fn attempts_are_counted_for_each_update_anew() {
    let mut loopback = Loopback::new();
    loopback.other("update", r#"{"state":{}}"#, seconds(0));
    let mut reporter = connected(&mut loopback, SETTINGS);
    for ticket in 1..=4 {
        reporter.report(object(&format!(r#"{{"a":{ticket}}}"#))).expect("a good report");
        let confirmed = ReportAction::Confirmed { ticket, version: Some(1 + 3 * ticket) };
        assert_eq!(fight(&mut reporter, &mut loopback, 2), (3, vec![confirmed]));
    }
}

#[test]
fn updates_of_others_are_followed_without_asking() {
    let mut loopback = Loopback::new();
    let mut reporter = connected(&mut loopback, SETTINGS);
    for update in
        [r#"{"state":{"desired":{"x":1},"reported":{"a":1,"b":2}}}"#, r#"{"state":{"reported":{"b":null}}}"#]
    {
        for message in loopback.other("update", update, seconds(1)) {
            assert_eq!(reporter.received(&message.topic, message.payload.as_bytes(), seconds(1)), []);
        }
    }
    reporter.report(object(r#"{"a":1,"b":2}"#)).expect("a good report");
    let actions = reporter.tick(seconds(2));
    assert_eq!(
        publication(&actions).payload,
        r#"{"state":{"reported":{"b":2}},"version":2,"clientToken":"device-2"}"#
    );
    // A message that comes twice is no news, and a cleared state is followed too.
    let mut reporter = connected(&mut loopback, SETTINGS);
    let mut messages = loopback.other("update", r#"{"state":null}"#, seconds(2));
    messages.extend(messages.clone());
    for message in messages {
        assert_eq!(reporter.received(&message.topic, message.payload.as_bytes(), seconds(2)), []);
    }
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    let actions = reporter.tick(seconds(2));
    assert!(publication(&actions).payload.contains(r#"{"reported":{"a":1}},"version":3"#), "{actions:?}");
    // A gap shows that one was missed.
    loopback.other("update", r#"{"state":{}}"#, seconds(3));
    let seen = loopback.other("update", r#"{"state":{}}"#, seconds(3));
    let get = seen
        .iter()
        .flat_map(|message| reporter.received(&message.topic, message.payload.as_bytes(), seconds(3)));
    assert_eq!(publication(&get.collect::<Vec<_>>()).topic, format!("{PREFIX}get"));
}

#[test]
fn a_deleted_shadow_is_written_anew() {
    let mut loopback = Loopback::new();
    loopback.other("update", r#"{"state":{"reported":{"a":1}}}"#, seconds(0));
    let mut reporter = connected(&mut loopback, SETTINGS);
    for message in loopback.other("delete", "", seconds(1)) {
        assert_eq!(reporter.received(&message.topic, message.payload.as_bytes(), seconds(1)), []);
    }
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    let actions = reporter.tick(seconds(2));
    let told = settle(&mut reporter, &mut loopback, actions, seconds(2));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 1, version: Some(3) }]);
    assert_eq!(loopback.section("reported"), r#"{"a":1}"#);
}

#[test]
fn what_was_on_its_way_when_the_connection_broke_is_sent_again_under_newer_values() {
    let mut loopback = Loopback::new();
    let mut reporter = connected(&mut loopback, SETTINGS);
    reporter.report(object(r#"{"a":1,"b":1}"#)).expect("a good report");
    reporter.tick(seconds(1));
    reporter.disconnected();
    reporter.report(object(r#"{"b":2}"#)).expect("a good report");
    let actions = reporter.connected(seconds(5));
    let told = settle(&mut reporter, &mut loopback, actions, seconds(5));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 2, version: Some(1) }]);
    assert_eq!(loopback.section("reported"), r#"{"a":1,"b":2}"#);
}

#[test]
fn a_lost_answer_is_found_out_by_asking() {
    let mut loopback = Loopback::new();
    let mut reporter = connected(&mut loopback, SETTINGS);
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    let request = reporter.tick(seconds(1));
    loopback.send(publication(&request), seconds(1));
    assert_eq!(reporter.tick(seconds(2)), []);
    assert_eq!(reporter.wake_at(), Some(seconds(3)));
    let get = reporter.tick(seconds(3));
    let told = settle(&mut reporter, &mut loopback, get, seconds(3));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 1, version: Some(1) }], "it had been applied");
}

#[test]
fn a_silent_service_is_asked_a_bounded_number_of_times() {
    let mut reporter = reporter();
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    let mut tokens = vec![publication(&reporter.connected(seconds(0))).payload.clone()];
    while let Some(wake) = reporter.wake_at() {
        match reporter.tick(wake).as_slice() {
            [ReportAction::Publish(get)] => tokens.push(get.payload.clone()),
            actions => assert_eq!(actions, [ReportAction::NoAnswer]),
        }
    }
    let expected = ["1", "2", "3"].map(|count| format!(r#"{{"clientToken":"device-{count}"}}"#));
    assert_eq!(tokens, expected);
    // Nothing was lost.
    let mut loopback = Loopback::new();
    let actions = reporter.connected(seconds(99));
    let told = settle(&mut reporter, &mut loopback, actions, seconds(99));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 1, version: Some(1) }]);
}

#[test]
fn a_new_connection_has_all_its_attempts() {
    let mut reporter = reporter();
    let missing = |reporter: &mut Reporter, get: &[ReportAction]| {
        let token = publication(get).payload.trim_start_matches('{').to_owned();
        let answer = format!(r#"{{"code":404,"message":"",{token}"#);
        reporter.received(&format!("{PREFIX}get/rejected"), answer.as_bytes(), seconds(0))
    };
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    for connection in 0..2 {
        let mut actions = reporter.connected(seconds(0));
        let mut updates = 0;
        while actions != [ReportAction::NoAnswer] {
            let update = missing(&mut reporter, &actions);
            assert!(publication(&update).topic.ends_with("update"));
            updates += 1;
            actions = reporter.tick(seconds(1000));
        }
        assert_eq!(updates, 3, "connection {connection}");
    }
}

#[test]
fn throttling_is_waited_out_and_other_refusals_are_final() {
    let mut loopback = Loopback::new();
    let mut reporter = connected(&mut loopback, SETTINGS);
    let rejected = format!("{PREFIX}update/rejected");
    reporter.report(object(r#"{"a":1}"#)).expect("a good report");
    reporter.tick(seconds(1));
    let other = br#"{"code":429,"message":"","clientToken":"someone-2"}"#;
    assert_eq!(reporter.received(&rejected, other, seconds(1)), []);
    assert_eq!(reporter.wake_at(), Some(seconds(3)), "the answer to someone else is not ours");
    let ours = br#"{"code":429,"message":"","clientToken":"device-2"}"#;
    assert_eq!(reporter.received(&rejected, ours, seconds(1)), []);
    reporter.report(object(r#"{"b":1}"#)).expect("a good report");
    assert_eq!(reporter.tick(seconds(2)), []);
    assert!(publication(&reporter.tick(seconds(3))).payload.contains(r#"{"a":1,"b":1}"#));
    let forbidden = br#"{"code":403,"message":"Forbidden","clientToken":"device-3"}"#;
    let actions = reporter.received(&rejected, forbidden, seconds(3));
    assert!(
        matches!(actions.as_slice(), [ReportAction::Refused { ticket: 2, code: 403, .. }]),
        "{actions:?}"
    );
    assert_eq!(reporter.tick(seconds(99)), []);
}

#[test]
fn what_no_shadow_can_hold_is_refused_at_once_and_spoils_nothing() {
    let mut loopback = Loopback::new();
    let desired = format!(r#"{{"state":{{"desired":{{"d":"{}"}}}}}}"#, "x".repeat(4000));
    loopback.other("update", &desired, seconds(0));
    let mut reporter = connected(&mut loopback, SETTINGS);
    let big = |bytes: usize| object(&format!(r#"{{"p":"{}"}}"#, "x".repeat(bytes - 8)));
    assert_eq!(reporter.report(big(8193)), Err(ReportError::TooLarge { size: 8193, limit: 8192 }));
    assert_eq!(reporter.report(object(r#"{"a":[null]}"#)), Err(ReportError::NullInArray));
    assert_eq!(reporter.report(object(r#"{"a":[[[[[[1]]]]]]}"#)), Err(ReportError::TooDeep(7)));
    assert_eq!(reporter.tick(seconds(1)), []);
    // 4008 bytes are taken by desired.
    reporter.report(big(8192 - 4008 + 1)).expect("it fits alone");
    let actions = reporter.tick(seconds(1));
    assert!(
        matches!(actions.as_slice(), [ReportAction::Refused { ticket: 1, code: 413, .. }]),
        "{actions:?}"
    );
    reporter.report(big(8192 - 4008)).expect("it fits alone");
    let actions = reporter.tick(seconds(1));
    let told = settle(&mut reporter, &mut loopback, actions, seconds(1));
    assert_eq!(told, [ReportAction::Confirmed { ticket: 2, version: Some(2) }]);
}
