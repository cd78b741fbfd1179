//! What of `script` its examples cannot say: the events that take too long, and numbers as their senders write them.

use fieldline_core::{Kind, Value, json};

use crate::harness::{definition, run};

/// On the machine's clock: a script that computes makes a paused one stand still.
#[tokio::test]
async fn an_event_that_takes_too_long_fails_and_the_next_is_taken() {
    let config = "code: \"if this == 1 { loop { } }\"\nmax_operations: 1000000000000";
    let run = run(&definition(Kind::Transform, "script"), config, &[Value::Int(1), Value::Int(2)]).await;
    assert_eq!((run.failed, run.sent), (vec!["script_error"], vec!["2".to_owned()]));
}

#[tokio::test]
async fn a_quotient_of_a_message_does_not_depend_on_how_its_sender_writes_a_number() {
    let config = "code: \"this = this / 1000;\"";
    let written = ["1500", "1500.0", "1.5e3", "0", "2000", "-2000.0"]
        .map(|text| json::decode(text.as_bytes()).expect("JSON"));
    let run = run(&definition(Kind::Transform, "script"), config, &written).await;
    assert_eq!(run.sent, ["1.5", "1.5", "1.5", "0.0", "2.0", "-2.0"]);
}
