//! Whether any value passes several tests at once. It is looked for among the few values of each kind at which one of
//! the tests changes its answer.

use super::{Condition, Test};
use crate::value::{Map, Value};

/// Whether there is a value for which all of `conditions` hold; each of them is [`Condition::Equals`] or
/// [`Condition::Tests`].
pub(super) fn is_possible(conditions: &[&Condition]) -> bool {
    let (mut values, mut limits) = (of_each_kind(), Vec::new());
    for condition in conditions {
        match condition {
            Condition::Equals(value) => values.push(value.clone()),
            Condition::Tests(tests) => tests.iter().for_each(|test| collect(test, &mut values, &mut limits)),
            _ => return true,
        }
    }
    values.extend(numbers(limits));
    values.iter().any(|value| conditions.iter().all(|condition| condition.holds(value)))
}

fn of_each_kind() -> Vec<Value> {
    let text = |text: &str| Value::from(text);
    let map = Map::from_iter([("a".into(), Value::Null)]);
    vec![
        Value::Null,
        Value::Bool(true),
        Value::Bool(false),
        text(""),
        text("a"),
        text("b"),
        Value::Bytes(bytes::Bytes::new()),
        Value::List(Vec::new()),
        Value::List(vec![Value::Null]),
        Value::Map(Map::default()),
        Value::Map(map),
    ]
}

fn collect(test: &Test, values: &mut Vec<Value>, limits: &mut Vec<f64>) {
    match test {
        Test::Above(limit) | Test::Below(limit) | Test::AtLeast(limit) | Test::AtMost(limit) => {
            limits.push(*limit);
        }
        Test::Near { near, within } => limits.extend([near - within, *near, near + within]),
        Test::OneOf(wanted) => values.extend(wanted.iter().cloned()),
        Test::NotEqual(unwanted) => limits.extend(unwanted.as_f64()),
        Test::Contains(part) => {
            values.push(part.clone());
            values.push(Value::List(vec![part.clone()]));
            values.push(Value::List(vec![part.clone(), part.clone()]));
            match part {
                Value::Text(text) => values.push(Value::from(format!("{text} and more"))),
                Value::Map(members) => {
                    let mut more = members.clone();
                    more.insert(format!("not in {} of these", members.len()).into(), Value::Null);
                    values.push(Value::Map(more));
                }
                _ => {}
            }
        }
        Test::Present(_) | Test::Is(_) => {}
    }
}

/// The limits, and numbers between and beyond them, whole ones among them.
fn numbers(mut limits: Vec<f64>) -> Vec<Value> {
    limits.push(0.0);
    limits.sort_by(f64::total_cmp);
    let between = limits.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0);
    let beyond = limits.iter().flat_map(|limit| [limit - 1.0, *limit, limit + 1.0]);
    let mut all: Vec<f64> = between.chain(beyond).collect();
    // A number beyond a large limit differs from it by more than 1.
    all.extend([limits[0] * 2.0, limits[limits.len() - 1] * 2.0]);
    let whole = |number: &f64| [number.floor(), number.ceil()].map(|whole| Value::Int(whole as i64));
    let whole: Vec<Value> = all.iter().flat_map(whole).collect();
    all.into_iter().map(Value::Float).chain(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::decode;

    fn is_refused(condition: &str) -> bool {
        let problems =
            Condition::parse(&decode(condition.as_bytes()).expect("JSON")).err().unwrap_or_default();
        assert!(problems.iter().all(|problem| problem.help.is_some()), "{problems:?}");
        !problems.is_empty()
    }

    #[test]
    fn what_no_value_passes_is_refused() {
        for condition in [
            r#"{"t":{"above":5,"below":3}}"#,
            r#"{"t":{"above":5,"below":5}}"#,
            r#"{"t":{"at_least":5,"below":5}}"#,
            r#"{"t":{"at_least":5,"at_most":5,"not_equal":5}}"#,
            r#"{"t":{"near":20,"within":1,"above":30}}"#,
            r#"{"t":{"is":"integer","above":1,"below":2}}"#,
            r#"{"t":{"is":"string","at_least":1}}"#,
            r#"{"t":{"is":"integer","contains":"a"}}"#,
            r#"{"t":{"present":false,"above":1}}"#,
            r#"{"t":{"present":true,"is":"null"}}"#,
            r#"{"t":{"one_of":[1,2],"above":2}}"#,
            r#"{"t":{"one_of":["a"],"not_equal":"a"}}"#,
            r#"{"t":{"one_of":["a"],"above":1}}"#,
            r#"{"t":{"not":{"above":5,"below":3}}}"#,
            r#"{"all":[{"t":{"above":5}},{"t":{"below":3}}]}"#,
            r#"{"status":"ok","all":[{"status":"fail"}]}"#,
            r#"{"any":[{"t":{"above":5,"below":3}},{"t":1}]}"#,
            r#"{"meta":{"topic":"x"}}"#,
            r#"{"not":{"t > 3":null}}"#,
        ] {
            assert!(is_refused(condition), "{condition}");
        }
    }

    #[test]
    fn what_some_value_passes_is_not() {
        for condition in [
            r#"{"t":{"above":3,"below":5,"not_equal":4}}"#,
            r#"{"t":{"at_least":5,"at_most":5}}"#,
            r#"{"t":{"above":1e300}}"#,
            r#"{"t":{"below":-1e300}}"#,
            r#"{"t":{"is":"integer","above":1.2,"below":3.8,"not_equal":2}}"#,
            r#"{"t":{"is":"number","near":20,"within":0}}"#,
            r#"{"t":{"present":true,"is":"boolean"}}"#,
            r#"{"t":{"is":"string","contains":"a","not_equal":"a"}}"#,
            r#"{"t":{"is":"list","contains":{"a":1}}}"#,
            r#"{"t":{"is":"map","contains":{"a":1},"not_equal":{"a":1}}}"#,
            r#"{"t":{"one_of":[1,null],"not_equal":1}}"#,
            r#"{"t":{"is":"bytes"}}"#,
            r#"{"t":{"present":false}}"#,
            r#"{"t":null,"u":{"not_equal":null}}"#,
            r#"{"any":[{"t":{"above":5}},{"t":{"below":3}}]}"#,
            r#"{"all":[{"t":{"above":3}},{"t":{"below":5}},{"u":1}]}"#,
            r#"{"t":{"above":3,"any":[{"below":5},{"above":9}]}}"#,
            r#"{"t":1,"not":{"t":2}}"#,
            r#"{"one_of":["on","off"]}"#,
            r#"{"meta":{"contains":{"topic":"x"}}}"#,
            r#"{"tags":["a","b"],"list":[]}"#,
            r#"{"formula":"a > b","tag":"<b>"}"#,
        ] {
            assert!(!is_refused(condition), "{condition}");
        }
    }
}
