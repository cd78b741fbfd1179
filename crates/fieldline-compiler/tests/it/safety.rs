//! Hostile and broken input: an answer within bounds, never a panic.

use bytes::Bytes;
use fieldline_compiler::{MemoryFiles, Overrides};
use proptest::prelude::*;

use crate::compile_bytes::compile_bytes;
use crate::components::registry;
use crate::support::{compile_files, shown};

/// The codes that one file of these bytes is told.
fn codes(bytes: impl Into<Bytes>) -> Vec<&'static str> {
    let files = MemoryFiles::default().with("p.yaml", bytes);
    let compiled = compile_files(&files, &["p.yaml"], Overrides::default());
    assert!(shown(&compiled).len() < 1 << 20, "what is said of a bomb is no bomb");
    compiled.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn nesting_without_end_is_refused() {
    for opening in ["[", "{a: ", "- ", "{ ? ", "a:\n "] {
        assert!(!codes(opening.repeat(100_000)).is_empty(), "{opening}");
    }
    assert_eq!(codes("[".repeat(100_000)), ["too-large"]);
    assert_eq!(codes("- ".repeat(100_000)), ["too-large"]);
    assert_eq!(codes("{a: ".repeat(100_000)), ["too-large"]);
}

#[test]
fn a_file_of_ten_megabytes_is_not_even_parsed() {
    assert_eq!(codes(vec![b'a'; 10 << 20]), ["too-large"]);
    assert_eq!(codes("a: 1\n".repeat(2 << 20)), ["too-large"]);
}

#[test]
fn aliases_cannot_multiply_without_end() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let below = format!("*a{}, ", level - 1).repeat(9);
        laughs += &format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(", "));
    }
    assert_eq!(codes(laughs), ["too-large"]);
    let many = format!("a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\nb: [{}]\n", "*a, ".repeat(100_000));
    assert_eq!(codes(many), ["too-large"]);
    let nested = format!("{}x{}", "&a [".repeat(60), "]".repeat(60)) + "\n";
    assert!(!codes(nested).is_empty());
}

#[test]
fn anchors_around_much_text_are_counted_too() {
    let inner = "x, ".repeat(30_000);
    let mut text = String::new();
    for level in 0..30 {
        text += &format!("&a{level} [");
    }
    text += &inner;
    text += &"]".repeat(30);
    assert_eq!(codes(text), ["too-large"]);
}

#[test]
fn a_file_at_the_limits_is_answered() {
    let names: String =
        (0..12_000).map(|index| format!("  n{index}: {{ type: ticker, every: 1s }}\n")).collect();
    let codes = codes(format!("pipeline: p\nsources:\n{names}"));
    assert!(codes.contains(&"no-sink"), "{:?}", &codes[..3.min(codes.len())]);
    assert!(codes.len() <= 1_000);
}

#[test]
fn a_place_among_carriage_returns_can_be_shown() {
    compile_bytes(b"\r\r\0'", &registry());
    compile_bytes(b"pipeline: p\r\r\r\0", &registry());
}

/// Words of the language in any order.
fn soup() -> impl Strategy<Value = String> {
    let words = [
        "pipeline",
        "sources",
        "sinks",
        "transforms",
        "connections",
        "params",
        "use",
        "include",
        "tests",
        "type",
        "inputs",
        "with",
        "ticker",
        "console",
        "mqtt",
        "script",
        "route",
        "code",
        "every",
        "5s",
        "a",
        "b",
        "~",
        "true",
        "1e3",
        "0o10",
        "dead_letter",
        "buffer",
        "disk",
        "max_size",
        "each",
        "steps",
        "expect",
        "\"${params.a}\"",
        "${env.X:-y}",
        "'${secret.s}'",
        "$${",
        "${",
        "}",
        "{",
        "[",
        "]",
        ",",
        ": ",
        ":\n",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "|\n",
        ">-\n",
        "\"",
        "'",
        "#",
        "&a ",
        "*a",
        "!t ",
        "<<",
        "---\n",
        "?",
        "%",
        "@",
        "é",
        "\t",
        "\u{feff}",
        "p.yaml",
        "default",
        "pattern",
        "min",
        "choices",
        "secret",
    ];
    proptest::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

/// The structure of a pipeline, with anything for its values.
fn shaped() -> impl Strategy<Value = String> {
    let value = prop_oneof![soup(), "[a-z0-9 ${}.:\"'\\[\\]-]{0,20}".prop_map(|text| text)];
    (value.clone(), value.clone(), value.clone(), value).prop_map(|(name, every, inputs, test)| {
        format!(
            "pipeline: {name}\nparams: {{ a: {{ type: string, default: x }} }}\nsources:\n  a: {{ type: ticker, every: {every} }}\nsinks:\n  s:\n    type: console\n    inputs: {inputs}\ntests:\n  - name: {test}\n"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        compile_bytes(&bytes, &registry());
    }

    #[test]
    fn any_words_of_the_language_are_answered(text in soup()) {
        compile_bytes(text.as_bytes(), &registry());
    }

    #[test]
    fn any_values_are_answered(text in shaped()) {
        compile_bytes(text.as_bytes(), &registry());
    }
}
