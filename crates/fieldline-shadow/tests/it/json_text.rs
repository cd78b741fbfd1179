//! JSON in and out, where it matters byte by byte.

use fieldline_shadow::json::{self, MAX_PARSE_DEPTH, ParseError};

#[test]
fn text_is_written_compact_and_otherwise_as_it_was() {
    let text = " { \"z\" : [ 1.50 , -0 , 1E+2 ] ,\n\t\"a\" : { } , \"\\u00e9\\ud83d\\ude00\\/\" : \"\\u0001\\t\\\"\\\\\" } ";
    let json = json::parse(text).expect("JSON");
    assert_eq!(json.to_string(), "{\"z\":[1.50,-0,1E+2],\"a\":{},\"é😀/\":\"\\u0001\\t\\\"\\\\\"}");
    assert_eq!(json::compact_len(json.as_object().expect("an object")), json.to_string().len());
}

#[test]
fn of_two_members_with_one_name_the_last_wins_in_the_place_of_the_first() {
    let json = json::parse(r#"{"a":1,"b":2,"a":3}"#).expect("JSON");
    assert_eq!(json.to_string(), r#"{"a":3,"b":2}"#);
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (text, at) in [
        ("", 0),
        ("{\"a\":1,}", 7),
        ("[1 2]", 3),
        ("\"\n\"", 1),
        ("\"\\x\"", 2),
        ("\"\\ud800\"", 7),
        ("01", 1),
        ("1.", 2),
        ("-", 1),
        ("nul", 0),
        ("{a:1}", 1),
        ("[1]]", 3),
    ] {
        assert_eq!(json::parse(text), Err(ParseError::Syntax(at)), "{text}");
    }
}

#[test]
fn nesting_is_followed_to_a_bound() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(json::parse(&nested(MAX_PARSE_DEPTH)).is_ok());
    assert_eq!(json::parse(&nested(MAX_PARSE_DEPTH + 1)), Err(ParseError::TooDeep));
    assert_eq!(json::parse(&"[".repeat(1 << 20)), Err(ParseError::TooDeep));
}
