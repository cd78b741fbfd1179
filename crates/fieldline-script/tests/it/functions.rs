//! The table of functions is true: each example is run.

use fieldline_core::Value;
use fieldline_script::api;

use crate::bench::{answer, reading, sent};

#[test]
fn every_example_runs_and_is_true() {
    for function in api::functions() {
        let statement = function.example.ends_with('}');
        if statement {
            answer(function.example, &reading()).unwrap_or_else(|error| panic!("{}: {error}", function.name));
        } else {
            let truth = sent(&format!("this = {};", function.example), &reading());
            assert_eq!(truth, Value::Bool(true), "{}", function.example);
        }
    }
}

#[test]
fn every_function_shows_itself_in_its_example_and_signature() {
    for function in api::functions() {
        assert!(function.example.contains(&format!("{}(", function.name)), "{}", function.name);
        assert!(function.signature.starts_with(function.name), "{}", function.name);
        assert!(function.summary.ends_with('.'), "{}", function.name);
    }
}
