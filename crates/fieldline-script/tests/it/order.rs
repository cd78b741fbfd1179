//! Members leave a script in the order a person would expect.

use fieldline_core::Value;

use crate::bench::{reading, sent};

fn check(text: &str, body: &Value, expected: &[&str]) {
    let sent = sent(text, body);
    let names: Vec<_> = sent.as_map().expect("a map").keys().map(|name| name.to_string()).collect();
    assert_eq!(names, expected, "{text}");
}

#[test]
fn members_that_existed_stay_in_place_and_new_ones_follow_as_written() {
    let body = Value::from([("z", Value::Int(1)), ("a", Value::Int(2)), ("m", Value::Int(3))]);
    check("this.a = 5; this.zeta = 1; this.beta = 2;", &body, &["z", "a", "m", "zeta", "beta"]);
    check("this.remove(\"a\"); this[\"b\"] = 1;", &body, &["z", "m", "b"]);
}

#[test]
fn a_new_body_has_the_order_of_its_literal() {
    let text = "this = #{ sequence: this.sequence, timestamp_utc: now(), value: this.temperature, status: \"success\" };";
    check(text, &reading(), &["sequence", "timestamp_utc", "value", "status"]);
    check("this = #{ value: 1, status: 2, sequence: 3 };", &reading(), &["value", "status", "sequence"]);
}

#[test]
fn a_literal_of_constants_keeps_its_order_too() {
    check("this = #{ z: 1, b: 2, a: 3 };", &Value::Null, &["z", "b", "a"]);
}

#[test]
fn inner_maps_follow_the_same_rule() {
    let sent = sent("this = #{ state: #{ reported: #{ z: 1, a: 2 } } };", &Value::Null);
    assert_eq!(
        format!("{:?}", sent.as_map().expect("a map")["state"].as_map().expect("a map")["reported"]),
        format!("{:?}", Value::from([("z", Value::Int(1)), ("a", Value::Int(2))]))
    );
}

#[test]
fn names_the_script_never_writes_come_last_and_as_they_stood() {
    let body = Value::from([("y", Value::Int(1)), ("x", Value::Int(2))]);
    check("this = #{ first: 0 } + this;", &body, &["first", "y", "x"]);
}
