//! What of `script` its examples cannot say: the events that take too long.

use fieldline_core::{Kind, Value};

use crate::harness::{definition, run};

/// On the machine's clock: a script that computes makes a paused one stand still.
#[tokio::test]
async fn an_event_that_takes_too_long_fails_and_the_next_is_taken() {
    let config = "code: \"if this == 1 { loop { } }\"\nmax_operations: 1000000000000";
    let run = run(&definition(Kind::Transform, "script"), config, &[Value::Int(1), Value::Int(2)]).await;
    assert_eq!((run.failed, run.sent), (vec!["script_error"], vec!["2".to_owned()]));
}
