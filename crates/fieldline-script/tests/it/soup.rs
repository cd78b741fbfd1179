//! Scripts and values nobody would write.

use bytes::Bytes;
use compact_str::CompactString;
use fieldline_core::Value;
use fieldline_script::{Limits, Setup};
use proptest::prelude::*;

use crate::bench::{compile, reading, run, sent};

const TOKENS: &[&str] = &[
    "this",
    ".temperature",
    ".x",
    "=",
    "+=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "<",
    "&&",
    "??",
    "?.",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "#{",
    ";",
    ":",
    ",",
    "|",
    "|x|",
    "||",
    "fn f(x)",
    "f",
    "(1)",
    "let",
    "const",
    "y",
    "if",
    "else",
    "while",
    "loop",
    "for",
    "in",
    "0..9",
    "return",
    "throw",
    "try",
    "catch",
    "switch",
    "=>",
    "_",
    "break",
    "continue",
    "import",
    "export",
    "as",
    "global::",
    "state",
    "meta",
    "params",
    "emit",
    "discard",
    "fail",
    "()",
    "1",
    "2.5",
    "\"s\"",
    "`${",
    "}`",
    "'c'",
    "true",
    "!",
    "now()",
    "call",
    "curry",
    "is_shared",
    "private",
    "this.x = this",
    "//",
    "\n",
    "\\",
    "@",
    "…",
];

fn value() -> impl Strategy<Value = Value> {
    let text = "[a-zA-Zäß€ ]{0,30}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        proptest::num::f64::NORMAL.prop_map(Value::Float),
        text.prop_map(|text| Value::Text(text.into())),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| Value::Bytes(Bytes::from(bytes))),
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        let members = proptest::collection::vec((text.prop_map(CompactString::from), inner.clone()), 0..6);
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(Value::List),
            members.prop_map(|members| Value::Map(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn no_soup_of_tokens_makes_it_panic(indexes in proptest::collection::vec(0..TOKENS.len(), 1..14)) {
        let text = indexes.iter().map(|index| TOKENS[*index]).collect::<Vec<_>>().join(" ");
        let limits = Limits { operations: 2_000, ..Limits::default() };
        if let Ok(mut script) = compile(&text, &Setup { limits, ..Setup::default() }) {
            // What it decides is of no interest, only that it decides.
            for _ in 0..2 {
                let _answer = run(&mut script, &reading());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn an_event_that_is_not_touched_comes_out_as_it_went_in(body in value()) {
        let out = sent("", &body);
        prop_assert_eq!(format!("{out:?}"), format!("{body:?}"));
        let out = sent("let copy = this; this = copy;", &body);
        prop_assert_eq!(format!("{out:?}"), format!("{body:?}"));
    }
}
