//! `state` lives across events and is carried over to the next version of a script.

use fieldline_core::Value;
use fieldline_script::{Script, Setup};

use crate::bench::{Verdict, compile, error, run};

fn count(script: &mut Script) -> Value {
    match run(script, &Value::Null).expect("it runs").verdict {
        Verdict::Send(body) => body,
        Verdict::Discard(reason) => panic!("discarded: {reason}"),
    }
}

#[test]
fn state_lives_across_events_and_can_be_carried_over() {
    let text = "state.count = (state.count ?? 0) + 1; this = state.count;";
    let mut first = compile(text, &Setup::default()).expect("it compiles");
    assert_eq!([count(&mut first), count(&mut first)], [Value::Int(1), Value::Int(2)]);
    let mut second = compile(text, &Setup::default()).expect("it compiles");
    second.restore(&first.state().expect("plain values").expect("it has run"));
    assert_eq!(count(&mut second), Value::Int(3));
}

#[test]
fn init_gives_the_first_state_unless_one_is_carried_over() {
    let text = "fn init() { #{ count: 10 } }\nstate.count += 1; this = state.count;";
    let mut first = compile(text, &Setup::default()).expect("it compiles");
    assert_eq!([count(&mut first), count(&mut first)], [Value::Int(11), Value::Int(12)]);
    let mut second = compile(text, &Setup::default()).expect("it compiles");
    second.restore(&Value::from([("count", Value::Int(1))]));
    assert_eq!(count(&mut second), Value::Int(2));
    assert!(error("fn init() { 5 }").contains("`init` must return the first value of `state`"));
}

#[test]
fn a_closure_may_hold_state_and_it_still_lives() {
    let text =
        "let add = |x| { state.sum = (state.sum ?? 0) + x }; add.call(2); add.call(3); this = state.sum;";
    let mut script = compile(text, &Setup::default()).expect("it compiles");
    assert_eq!([count(&mut script), count(&mut script)], [Value::Int(5), Value::Int(10)]);
}

#[test]
fn scripts_do_not_see_each_other() {
    let mut one =
        compile("fn secret() { 1 } state.a = secret(); this = state.len();", &Setup::default()).expect("ok");
    let mut two = compile("state.b = 1; state.c = 2; this = state.len();", &Setup::default()).expect("ok");
    assert_eq!([count(&mut one), count(&mut two), count(&mut one)], [1, 2, 1].map(Value::Int));
    assert!(error("secret()").contains("there is no function `secret`"));
}
