//! The service: names, versions across deletion, store failures, limits.

use fieldline_shadow::document::{Record, TOMBSTONE_SECONDS};
use fieldline_shadow::limits::Limits;
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::service::{MemoryStore, RequestRate, Service, Store, StoreError};

use crate::stores::ReadOnlyStore;
use crate::support::{PREFIX, answer, ask, lamp, service};

#[test]
fn a_deletion_answers_the_deleted_version_and_counts_as_one_step() {
    let mut service = service();
    for now in 1..=3 {
        ask(&mut service, "update", r#"{"state":{"reported":{"a":1}}}"#, now);
    }
    assert_eq!(
        ask(&mut service, "delete", r#"{"clientToken":"t"}"#, 10),
        [r#"delete/accepted {"version":3,"timestamp":10,"clientToken":"t"}"#]
    );
    assert_eq!(
        ask(&mut service, "delete", "", 11),
        [r#"delete/rejected {"code":404,"message":"No shadow exists with name: 'lamp'"}"#]
    );
    let again = answer(&mut service, "update", r#"{"state":{"reported":{"b":1}}}"#, 12);
    assert!(again.contains(r#""version":5,"#), "{again}");
    assert!(!answer(&mut service, "get", "", 13).contains(r#""a""#), "the deleted state does not come back");
}

#[test]
fn a_version_is_continued_for_48_hours_and_then_starts_anew() {
    for (elapsed, version) in [(0, 3), (TOMBSTONE_SECONDS, 3), (TOMBSTONE_SECONDS + 1, 1)] {
        let mut service = service();
        ask(&mut service, "update", r#"{"state":{}}"#, 100);
        ask(&mut service, "delete", "", 100);
        let created = answer(&mut service, "update", r#"{"state":{}}"#, 100 + elapsed);
        assert!(created.contains(&format!(r#""version":{version},"#)), "after {elapsed} s: {created}");
    }
}

#[test]
fn only_expired_tombstones_are_purged() {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{}}"#, 100);
    assert_eq!(service.purge(u64::MAX).expect("memory does not fail"), 0);
    ask(&mut service, "delete", "", 100);
    assert_eq!(service.purge(100 + TOMBSTONE_SECONDS).expect("memory does not fail"), 0);
    assert_eq!(service.purge(101 + TOMBSTONE_SECONDS).expect("memory does not fail"), 1);
    assert_eq!(service.store().load(&lamp()).expect("memory does not fail"), None);
}

#[test]
fn a_version_that_creates_a_shadow_is_0_or_1() {
    for (version, is_accepted) in [(0, true), (1, true), (2, false)] {
        let lines = ask(&mut service(), "update", &format!(r#"{{"state":{{}},"version":{version}}}"#), 1);
        let accepted = lines.last().is_some_and(|line| line.starts_with("update/accepted"));
        assert_eq!(accepted, is_accepted, "version {version}");
    }
}

#[test]
fn classic_and_named_shadows_are_apart() {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{"reported":{"a":1}}}"#, 1);
    assert_eq!(
        ask(&mut service, "name/config/get", "", 1),
        [r#"name/config/get/rejected {"code":404,"message":"No shadow exists with name: 'lamp~config'"}"#]
    );
    ask(&mut service, "name/config/update", r#"{"state":{"reported":{"b":1}}}"#, 1);
    ask(&mut service, "name/config/delete", "", 1);
    assert!(answer(&mut service, "get", "", 1).contains(r#"{"a":1}"#));
}

#[test]
fn only_requests_are_answered() {
    let mut service = service();
    for topic in ["update/accepted", "update/delta", "get/rejected", "name/config", "update/x", "", "name//y"]
    {
        assert_eq!(ask(&mut service, topic, r#"{"state":{}}"#, 1), Vec::<String>::new(), "{topic}");
    }
    assert!(service.answer("sensors/lamp/update", b"{}", 1).publications.is_empty());
}

#[test]
fn a_request_for_an_impossible_name_is_refused_with_its_token() {
    for topic in
        ["$aws/things/a b/shadow/update", "$aws/things//shadow/get", "$aws/things/a/shadow/name/b.c/delete"]
    {
        let answers = service().answer(topic, br#"{"clientToken":"t"}"#, 1).publications;
        assert_eq!(answers.len(), 1, "{topic}");
        assert_eq!(answers[0].topic, format!("{topic}/rejected"));
        assert!(answers[0].payload.starts_with(r#"{"code":400,"#) && answers[0].payload.ends_with(r#""t"}"#));
    }
    assert!(service().answer("$aws/things/a b/shadow/update/accepted", b"{}", 1).publications.is_empty());
}

#[test]
fn names_have_their_lengths_and_characters() {
    assert!(ShadowName::classic("aZ0:_-".repeat(21)).is_ok());
    assert!(ShadowName::classic("x".repeat(129)).is_err());
    assert!(ShadowName::classic("a$b").is_err());
    assert!(ShadowName::named("a", "$b".repeat(32)).is_ok());
    assert!(ShadowName::named("a", "b".repeat(65)).is_err());
    assert!(ShadowName::named("a", "").is_err());
}

#[test]
fn a_failing_store_is_an_internal_failure_with_the_token() {
    let mut service = service();
    ask(&mut service, "update", r#"{"state":{"desired":{"a":1}}}"#, 1);
    let mut service = Service::new(ReadOnlyStore(service.store().clone()), Limits::default());
    for (operation, payload) in
        [("update", r#"{"state":{},"clientToken":"t"}"#), ("delete", r#"{"clientToken":"t"}"#)]
    {
        let answer = service.answer(&format!("{PREFIX}{operation}"), payload.as_bytes(), 1);
        let answers = answer.publications;
        assert_eq!(answers.len(), 1, "{operation}: neither delta nor documents of what was not kept");
        assert!(
            matches!(&answer.failure, Some(StoreError::Save { name, .. }) if *name == lamp()),
            "{operation}: the caller is told why"
        );
        assert_eq!(
            answers[0].payload, r#"{"code":500,"message":"Internal service failure","clientToken":"t"}"#,
            "{operation}"
        );
    }
}

#[test]
fn the_request_rate_is_counted_per_thing_and_second() {
    let mut service = Service::with_admission(MemoryStore::default(), Limits::default(), RequestRate::new(2));
    let mut codes = |thing: &str, now| {
        let topic = format!("$aws/things/{thing}/shadow/get");
        let answers = service.answer(&topic, br#"{"clientToken":"t"}"#, now).publications;
        answers[0].payload.clone()
    };
    let missing = |thing| {
        format!(r#"{{"code":404,"message":"No shadow exists with name: '{thing}'","clientToken":"t"}}"#)
    };
    let too_many = r#"{"code":429,"message":"Too Many Requests","clientToken":"t"}"#;
    assert_eq!(codes("a", 5), missing("a"));
    assert_eq!(codes("a", 5), missing("a"));
    assert_eq!(codes("a", 5), too_many);
    assert_eq!(codes("b", 5), missing("b"));
    assert_eq!(codes("a", 6), missing("a"));
}

#[test]
fn a_record_survives_being_stored_as_text() {
    let mut service = service();
    let update = r#"{"state":{"desired":{"timestamp":{"timestamp":1},"l":[{"a":1},[]],"e":{}},"reported":{"n":1.50}}}"#;
    ask(&mut service, "update", update, 100);
    ask(&mut service, "update", r#"{"state":{"desired":{"e":{"f":1}}}}"#, 200);
    for _ in 0..2 {
        let record = service.store().load(&lamp()).expect("memory does not fail").expect("a record");
        assert_eq!(Record::from_text(&record.to_text()), Ok(record));
        ask(&mut service, "delete", "", 300);
    }
    for text in
        ["", "{}", r#"{"version":1}"#, r#"{"deleted":true,"version":1}"#, r#"{"state":{},"version":-1}"#]
    {
        assert!(Record::from_text(text).is_err(), "{text}");
    }
}

#[test]
fn the_size_limit_can_be_raised_to_30_kib_and_no_further() {
    assert_eq!(Limits::new(20_000).document_bytes(), 20_000);
    assert_eq!(Limits::new(1 << 20).document_bytes(), 30_720);
}
