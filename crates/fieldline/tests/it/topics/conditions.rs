//! The table of operators: each row is asked of both values that it shows.

use fieldline_core::condition::{Condition, TESTS};
use fieldline_core::{Value, json};

use super::{cells, code};
use crate::program::{read, workspace};

/// A row, once it is true.
pub(super) fn row(line: &str) -> String {
    let columns: Vec<&str> = line.split(" :: ").map(str::trim).collect();
    let [operators, condition, holds, fails, meaning] = columns[..] else { panic!("five columns: {line}") };
    let parsed = Condition::parse(&value(condition)).expect(condition);
    assert!(parsed.holds(&value(holds)), "`{condition}` holds for `{holds}`");
    assert!(!parsed.holds(&value(fails)), "`{condition}` does not hold for `{fails}`");
    let operators: Vec<String> = operators.split(", ").map(code).collect();
    cells([&operators.join(", "), &code(condition), &code(holds), &code(fails), meaning])
}

fn value(yaml: &str) -> Value {
    let value: serde_json::Value = serde_yaml::from_str(yaml).expect("YAML");
    json::decode(value.to_string().as_bytes()).expect("JSON")
}

#[test]
fn every_operator_has_a_row() {
    let page = read(&workspace().join("crates/fieldline/tests/it/topics/conditions.md"));
    let rows = page.lines().filter_map(|line| Some(line.split_once(" :: ")?.0));
    let shown: Vec<&str> = rows.flat_map(|operators| operators.split(", ")).collect();
    for operator in TESTS.iter().chain(&["any", "all", "not"]) {
        assert!(shown.contains(operator), "`{operator}` is on the page `conditions`");
    }
}
