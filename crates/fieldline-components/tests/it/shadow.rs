//! The `shadow` sink and source over an embedded broker: with its shadow service, and with a service played by the
//! test where it must misbehave.

use fieldline_core::{ComponentError, Kind, Outcome, Sink, WriteError};
use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::harness::clock;
use crate::harness::{definition, problems, read};
use crate::plant::{Plant, hear, next, soon, write};

fn folder() -> TempDir {
    tempdir().expect("a folder")
}

/// The errors of events that were not written.
fn failed(written: Result<(), WriteError>) -> Vec<(usize, ComponentError)> {
    match written {
        Err(WriteError::Some(failed)) => failed,
        other => panic!("{other:?} does not name what failed"),
    }
}

/// What a driver does while there is nothing to write; ends with an error only.
async fn follow(sink: &mut dyn Sink) -> ComponentError {
    loop {
        if let Err(error) = sink.idle().await {
            return error;
        }
    }
}

#[tokio::test]
async fn a_reading_becomes_the_message_of_an_update_and_is_done_when_accepted() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    let mut requests = plant.listen("update").await;
    let mut sink = plant.sink("report: [temperature]");
    write(sink.as_mut(), &[r#"{"status":"success","temperature":35.48}"#]).await.expect("it is accepted");
    assert_eq!(hear(&mut requests).await["state"], json!({"reported": {"temperature": 35.48}}));
    assert_eq!(plant.document().await["state"], json!({"reported": {"temperature": 35.48}}));
}

#[tokio::test]
async fn the_newest_value_wins_and_only_what_is_new_is_sent() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    let mut sink = plant.sink("");
    write(sink.as_mut(), &[r#"{"a":1,"b":1}"#, r#"{"a":2}"#, r#"{"a":3}"#]).await.expect("accepted");
    let document = plant.document().await;
    assert_eq!((&document["state"]["reported"], &document["version"]), (&json!({"a": 3, "b": 1}), &json!(1)));
    write(sink.as_mut(), &[r#"{"b":1,"a":3}"#]).await.expect("nothing is to be written");
    assert_eq!(plant.document().await["version"], 1);
    let mut requests = plant.listen("update").await;
    write(sink.as_mut(), &[r#"{"b":2,"a":3}"#]).await.expect("accepted");
    assert_eq!(hear(&mut requests).await["state"], json!({"reported": {"b": 2}}));
}

#[tokio::test]
async fn updates_keep_their_least_distance_and_are_sent_together() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    let mut sink = plant.sink("section: desired\nmin_interval: 200ms");
    let start = tokio::time::Instant::now();
    for batch in [&[r#"{"a":1}"#] as &[&str], &[r#"{"a":2}"#, r#"{"b":2}"#], &[r#"{"a":3}"#]] {
        write(sink.as_mut(), batch).await.expect("accepted");
    }
    assert!(start.elapsed().as_millis() >= 400);
    let document = plant.document().await;
    assert_eq!((&document["state"]["desired"], &document["version"]), (&json!({"a": 3, "b": 2}), &json!(3)));
}

#[tokio::test]
async fn a_failed_reading_keeps_the_shadow_or_removes_the_field() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    let failed = r#"{"status":"fail","temperature":null}"#;
    let mut keeping = plant.sink("report: [temperature]\non_fail: keep");
    let good = r#"{"status":"success","temperature":20}"#;
    write(keeping.as_mut(), &[good, failed]).await.expect("accepted");
    assert_eq!(plant.document().await["state"], json!({"reported": {"temperature": 20}}));
    let mut removing = plant.sink("report: [temperature]\non_fail: null");
    write(removing.as_mut(), &[failed]).await.expect("accepted");
    assert_eq!(plant.document().await["state"], json!({}));
}

#[tokio::test]
async fn a_shadow_that_would_be_too_large_is_refused_with_the_code() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    plant.update(&format!(r#"{{"desired":{{"text":"{}"}}}}"#, "x".repeat(8_000))).await;
    let mut sink = plant.sink("");
    let large = format!(r#"{{"text":"{}"}}"#, "y".repeat(500));
    let too_large = format!(r#"{{"text":"{}"}}"#, "z".repeat(9_000));
    let failed = failed(write(sink.as_mut(), &[&too_large, &large]).await);
    let places: Vec<_> =
        failed.iter().map(|(index, error)| (*index, error.is_retryable(), error.reason())).collect();
    assert_eq!(places, [(0, false, "rejected"), (1, false, "rejected")]);
    assert!(failed[1].1.to_string().contains("413"), "{failed:?}");
    write(sink.as_mut(), &[r#"{"text":"small"}"#]).await.expect("the sink goes on");
}

#[tokio::test]
async fn a_conflict_is_merged_anew_and_tried_again() {
    let folder = folder();
    let plant = Plant::without_shadows(folder.path());
    let (mut gets, mut updates) = (plant.listen("get").await, plant.listen("update").await);
    let mut sink = plant.sink("");
    let service = async {
        for (version, reported) in [(3, r#"{"a":1}"#), (4, r#"{"a":2}"#)] {
            let token = hear(&mut gets).await["clientToken"].clone();
            let body =
                format!(r#"{{"state":{{"reported":{reported}}},"version":{version},"clientToken":{token}}}"#);
            plant.say("get/accepted", &body).await;
            let update = hear(&mut updates).await;
            assert_eq!(update["version"], version);
            let token = &update["clientToken"];
            if version == 3 {
                assert_eq!(update["state"], json!({"reported": {"a": 2, "b": 2}}));
                let body = format!(r#"{{"code":409,"message":"Version conflict","clientToken":{token}}}"#);
                plant.say("update/rejected", &body).await;
            } else {
                assert_eq!(update["state"], json!({"reported": {"b": 2}}));
                let body =
                    format!(r#"{{"state":{{"reported":{{"b":2}}}},"version":5,"clientToken":{token}}}"#);
                plant.say("update/accepted", &body).await;
            }
        }
    };
    let (written, ()) = tokio::join!(write(sink.as_mut(), &[r#"{"a":2,"b":2}"#]), service);
    written.expect("the second try is accepted");
}

#[tokio::test]
async fn what_the_service_rejects_is_told_with_code_and_text() {
    let folder = folder();
    let plant = Plant::without_shadows(folder.path());
    let (mut gets, mut updates) = (plant.listen("get").await, plant.listen("update").await);
    let mut sink = plant.sink("");
    let service = async {
        let token = hear(&mut gets).await["clientToken"].clone();
        let body = format!(r#"{{"code":404,"message":"No shadow","clientToken":{token}}}"#);
        plant.say("get/rejected", &body).await;
        let token = hear(&mut updates).await["clientToken"].clone();
        let body = format!(r#"{{"code":403,"message":"Forbidden","clientToken":{token}}}"#);
        plant.say("update/rejected", &body).await;
    };
    let (written, ()) = tokio::join!(write(sink.as_mut(), &[r#"{"a":1}"#]), service);
    let error = ComponentError::permanent("rejected", "the shadow service refused it with 403: Forbidden");
    assert_eq!(failed(written), [(0, error)]);
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_asked_again_later() {
    let folder = folder();
    let plant = Plant::without_shadows(folder.path());
    let mut sink = plant.sink("timeout: 20ms");
    match write(sink.as_mut(), &[r#"{"a":1}"#]).await {
        Err(WriteError::All(error)) => {
            assert_eq!((error.is_retryable(), error.reason()), (true, "no_answer"))
        }
        other => panic!("{other:?}"),
    }
    sink.connect().await.expect("the topics are good");
    let error = soon(follow(sink.as_mut())).await;
    assert_eq!(
        (error.is_retryable(), error.reason()),
        (true, "no_answer"),
        "it is missed between two writes too"
    );
    let mut source = plant.source("timeout: 20ms").await;
    let error = soon(source.next(&clock())).await.expect_err("nobody answers");
    assert_eq!((error.is_retryable(), error.reason()), (true, "no_answer"));
}

#[tokio::test]
async fn a_change_made_while_nobody_listened_is_seen_at_the_start() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    plant.update(r#"{"desired":{"mode":"eco","interval":5},"reported":{"mode":"eco"}}"#).await;
    let mut source = plant.source("").await;
    let (_, body, meta) = next(source.as_mut()).await;
    assert_eq!(body, json!({"interval": 5}));
    assert_eq!(meta.get("version").and_then(|version| version.as_i64()), Some(1));
}

#[tokio::test]
async fn changes_come_once_and_in_the_order_of_their_versions() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    plant.update(r#"{"desired":{"interval":5}}"#).await;
    let mut source = plant.source("").await;
    assert_eq!(next(source.as_mut()).await.1, json!({"interval": 5}));
    plant.update(r#"{"desired":{"interval":6}}"#).await;
    plant.say("update/delta", r#"{"version":1,"timestamp":1,"state":{"interval":5}}"#).await;
    plant.say("update/delta", r#"{"version":2,"timestamp":1,"state":{"interval":6}}"#).await;
    plant.update(r#"{"desired":{"interval":7}}"#).await;
    assert_eq!(next(source.as_mut()).await.1, json!({"interval": 6}));
    let (_, body, meta) = next(source.as_mut()).await;
    assert_eq!(body, json!({"interval": 7}));
    assert_eq!(meta.get("client_token").expect("of the update").as_text(), Some("app"));
}

#[tokio::test]
async fn the_desired_state_is_followed_by_what_changes_in_it() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    plant.update(r#"{"desired":{"a":1,"b":1},"reported":{"a":1,"b":1}}"#).await;
    let mut source = plant.source("watch: desired").await;
    assert_eq!(next(source.as_mut()).await.1, json!({"a": 1, "b": 1}));
    plant.update(r#"{"reported":{"a":2}}"#).await;
    plant.update(r#"{"desired":{"a":2,"b":null}}"#).await;
    assert_eq!(next(source.as_mut()).await.1, json!({"b": null, "a": 2}));
}

#[tokio::test]
async fn documents_are_followed_with_what_was_before() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    plant.update(r#"{"reported":{"a":1}}"#).await;
    let mut source = plant.source("watch: documents").await;
    let (_, body, _) = next(source.as_mut()).await;
    assert_eq!(
        (&body["previous"], &body["current"]["state"]),
        (&json!(null), &json!({"reported": {"a": 1}}))
    );
    plant.update(r#"{"reported":{"a":2}}"#).await;
    let (_, body, _) = next(source.as_mut()).await;
    assert_eq!((&body["previous"]["version"], &body["current"]["version"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn a_change_that_was_not_delivered_comes_again() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    plant.update(r#"{"desired":{"interval":5}}"#).await;
    let mut source = plant.source("").await;
    let (token, body, _) = next(source.as_mut()).await;
    source.settle(token, Outcome::Retryable).await.expect("it is noted");
    let error = soon(source.next(&clock())).await.expect_err("the driver is to wait");
    assert_eq!((error.is_retryable(), error.reason()), (true, "undelivered"));
    source.connect(&clock()).await.expect("it is still subscribed");
    let (token, again, _) = next(source.as_mut()).await;
    assert_eq!(again, body);
    source.settle(token, Outcome::Delivered).await.expect("it is done");
    plant.update(r#"{"desired":{"interval":6}}"#).await;
    assert_eq!(next(source.as_mut()).await.1, json!({"interval": 6}));
}

#[tokio::test]
async fn a_sink_that_has_nothing_to_write_does_not_hold_up_the_others() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    let mut idle = plant.sink("report: [own]");
    write(idle.as_mut(), &[r#"{"own":0}"#]).await.expect("accepted");
    let mut accepted = plant.listen("update/accepted").await;
    let mut source = plant.source("watch: documents").await;
    let (mut token, ..) = next(source.as_mut()).await;
    let others = async {
        for number in 0..150 {
            source.settle(token, Outcome::Delivered).await.expect("it is done");
            plant.say("update", &format!(r#"{{"state":{{"reported":{{"n":{number}}}}}}}"#)).await;
            let version = hear(&mut accepted).await["version"].clone();
            let (next_token, body, _) = next(source.as_mut()).await;
            token = next_token;
            assert_eq!(body["current"]["version"], version);
        }
    };
    tokio::select! {
        () = others => {}
        error = follow(idle.as_mut()) => panic!("the service answers: {error}"),
    }
    write(idle.as_mut(), &[r#"{"own":1}"#]).await.expect("accepted");
    assert_eq!(plant.document().await["state"], json!({"reported": {"own": 1, "n": 149}}));
}

#[tokio::test]
async fn shadows_outlive_the_program() {
    let folder = folder();
    let plant = Plant::with_shadows(folder.path());
    let mut sink = plant.sink("shadow: settings");
    write(sink.as_mut(), &[r#"{"mode":"eco"}"#]).await.expect("accepted");
    sink.close().await;
    plant.update(r#"{"reported":{"a":1.5}}"#).await;
    plant.stop().await;
    let plant = Plant::with_shadows(folder.path());
    let document = plant.document().await;
    assert_eq!((&document["state"], &document["version"]), (&json!({"reported": {"a": 1.5}}), &json!(1)));
    let mut source = plant.source("shadow: settings\nwatch: documents").await;
    let (_, body, _) = next(source.as_mut()).await;
    assert_eq!(body["current"]["state"], json!({"reported": {"mode": "eco"}}));
}

#[test]
fn a_config_that_cannot_work_is_complained_about() {
    let codes = |kind, name, config: &str| -> Vec<&'static str> {
        let prepared = read(&definition(kind, name), config).expect("the types fit");
        problems(&prepared).iter().map(|problem| problem.code).collect()
    };
    let shadow = |fields| codes(Kind::Sink, "shadow", &format!("connection: plant\n{fields}"));
    assert_eq!(shadow("thing: line22/drying"), ["bad-shadow-name"]);
    assert_eq!(shadow("thing: pi\nshadow: \"\""), ["bad-shadow-name"]);
    assert_eq!(shadow("thing: pi\nreport: []"), ["missing-field"]);
    assert_eq!(shadow("thing: pi\ntimeout: 0s"), ["zero-period"]);
    assert_eq!(codes(Kind::Source, "shadow", "connection: plant\nthing: a b"), ["bad-shadow-name"]);
    let elsewhere = "url: mqtt://broker.plant.example\nclient_id: pi\nshadows: true";
    assert_eq!(codes(Kind::Connection, "mqtt", elsewhere), ["unused-shadows"]);
    let certificate = "listen_tls: { cert: server.pem, key: server.key }";
    let alone = format!("broker: embedded\n{certificate}");
    assert_eq!(codes(Kind::Connection, "mqtt", &alone), ["incomplete-tls"]);
    let anonymous = format!("{alone}\ntls: {{ ca: ca.pem }}");
    assert_eq!(codes(Kind::Connection, "mqtt", &anonymous), ["incomplete-tls"]);
    let elsewhere = format!("url: mqtt://broker.plant.example\nclient_id: pi\n{certificate}");
    assert!(codes(Kind::Connection, "mqtt", &elsewhere).contains(&"unused-listen"));
    assert_eq!(codes(Kind::Transform, "twin", "every: 0s\nmax_age: 0s\nfields: []").len(), 3);
}
