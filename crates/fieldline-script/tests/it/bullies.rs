//! Scripts that make much of few steps: each ends with a plain error, within twice the limit of time.

use std::time::Duration;

use fieldline_core::Clock;
use fieldline_script::{Limits, Setup};

use crate::bench::{ThreadTime, answer, compile, reading, run, sent};

/// A list, two lists that are equal, a long text, a large map and bytes.
const LARGE: &str = "let a = []; a.pad(9000, 1.5); let b = a; let s = \"\"; s.pad(60000, \"x\"); \
                     let m = #{}; for i in 0..300 { m[`k${i}`] = [i, 2.5]; } let n = m; let bytes = blob(9000, 7); ";

/// How each goes on.
const BULLIES: &[(&str, &str)] = &[
    ("equal lists", "loop { a == b; }"),
    ("unequal lists", "loop { a != b; }"),
    (
        "nested lists",
        "let c = []; for i in 0..90 { let d = []; d.pad(90, 1); c.push(d); } let d = c; loop { c == d; }",
    ),
    ("equal maps", "loop { m == n; }"),
    ("equal lists without variables", "loop { blob(9000).to_array() == blob(9000).to_array(); }"),
    ("contains", "loop { a.contains(2.5); }"),
    ("in", "loop { 2.5 in a; }"),
    ("index_of", "loop { a.index_of(2.5); }"),
    ("dedup", "loop { let c = a; c.dedup(); }"),
    ("map", "loop { a.map(|x| x + 1.0); }"),
    ("map in map", "a.map(|x| b.map(|y| y + x))"),
    ("map that copies", "a.map(|x| b);"),
    ("for_each", "loop { a.for_each(|x| { let y = x; y += 1.0; y += 2.0; y += 3.0; }); }"),
    ("filter", "loop { a.filter(|x| { let y = x; while y < 20.0 { y += 1.0; } true }); }"),
    ("reduce", "loop { a.reduce(|sum, x| sum + x, 0.0); }"),
    ("reduce that grows", "a.reduce(|sum, x| sum + sum + [x], [1]);"),
    ("all and some", "loop { a.all(|x| b.some(|y| y > 2.0) || true); }"),
    ("sort", "loop { let c = a; c.sort(); }"),
    ("sort with a comparator", "loop { let c = a; c.sort(|x, y| if x < y { 1 } else { -1 }); }"),
    ("zip that copies", "let c = a; let d = [0]; a.zip(b, |x, y| c);"),
    ("joined lists", "loop { let c = a + [1]; }"),
    ("copied lists", "loop { let c = [a]; }"),
    ("lists as arguments", "fn first(list) { list[0] } loop { first(a); }"),
    ("ranges of lists", "loop { a.extract(0, 9000); }"),
    ("inserted in front", "loop { a.insert(0, 1); a.remove(0); }"),
    ("for over a list", "loop { for x in a { break; } }"),
    ("a list as text", "loop { a.to_string(); }"),
    ("interpolation", "loop { `${a}`; }"),
    ("interpolation of a map", "loop { `${m}`; }"),
    ("a map as text", "loop { m.to_debug(); }"),
    ("values of a map", "loop { m.values(); m.keys(); }"),
    ("joined maps", "loop { let c = m + n; }"),
    ("text that is cut", "loop { s.split(\"x\"); }"),
    ("letters of a text", "loop { s.to_chars(); }"),
    ("text that is searched", "loop { s.index_of(\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy\"); }"),
    ("text that is joined", "loop { let t = s + \"y\"; }"),
    ("text in capitals", "loop { s.to_upper(); }"),
    ("text replaced", "loop { let t = s; t.replace(\"x\", \"y\"); }"),
    ("text that explodes", "let t = s; t.replace(\"x\", s);"),
    ("text of equal length", "let t = s + \"\"; t[0] = 'x'; loop { s == t; }"),
    ("switch", "loop { switch s { \"y\" => 1, _ => 2 } }"),
    ("bytes", "loop { bytes.to_array(); bytes == blob(9000, 7); }"),
    ("bytes that are cut", "loop { let c = bytes; c.splice(0, 1, blob(1)); }"),
    ("recursion", "fn f(x) { if x < 25 { f(x + 1) + f(x + 1) } else { 1 } } f(0);"),
    ("recursion with a list", "fn f(l, x) { if x < 25 { f(l, x + 1); f(l, x + 1) } } f(a, 0);"),
    ("sums", "loop { mean(a); deviation(a); sum(a); }"),
    ("caught errors", "loop { try { throw a; } catch (e) { e == a; } }"),
    ("emitted lists", "loop { emit(a); }"),
    ("state", "state.l = a; loop { state.l == a; }"),
];

#[test]
fn each_ends_within_twice_the_limit_of_time() {
    let clock = Clock::new(ThreadTime::new());
    for (name, end) in BULLIES {
        check(name, end, &clock, Duration::from_millis(50));
    }
}

/// Without a limit of steps, so that it is the time that ends what takes few.
fn check(name: &str, end: &str, clock: &Clock, limit: Duration) {
    let limits = Limits { operations: u64::MAX / 2, time: Some(limit), ..Limits::default() };
    let setup = Setup { limits, clock: Some(clock.clone()), ..Setup::default() };
    let mut script = compile(&format!("{LARGE}{end}"), &setup).expect("it compiles");
    let begin = clock.instant();
    let error = run(&mut script, &reading()).expect_err(name).message;
    let taken = clock.instant() - begin;
    let words = ["the script takes too", "too large", "too deeply"];
    assert!(words.iter().any(|words| error.contains(words)), "{name}: {error}");
    assert!(taken < limit * 2, "{name} took {taken:?}: {error}");
}

#[test]
fn a_comparison_takes_a_step_for_each_value() {
    let limits = Limits { operations: 1_000, ..Limits::default() };
    let setup = Setup { limits, ..Setup::default() };
    for compare in ["a == b", "a != b", "2 in a", "a.index_of(2)", "#{ a: a } == #{ a: b }"] {
        let once = format!("let a = []; a.pad(600, 1); let b = a; let x = {compare};");
        let twice = format!("{once} let y = {compare};");
        assert!(run(&mut compile(&once, &setup).expect("it compiles"), &reading()).is_ok(), "{once}");
        let error = run(&mut compile(&twice, &setup).expect("it compiles"), &reading());
        assert_eq!(error.expect_err(compare).message, "the script takes too many steps");
    }
}

#[test]
fn what_closures_do_is_counted() {
    let text = "let a = []; a.pad(1000, 1); a.for_each(|x| { for i in 0..100 { let y = i; } });";
    let error = answer(text, &reading()).expect_err("it takes 300,000 steps");
    assert_eq!(error.message, "the script takes too many steps");
}

#[test]
fn functions_on_many_values_do_what_the_interpreters_do() {
    let truths = [
        "[1, 2.0, \"x\", [3], #{ a: 4 }] == [1, 2.0, \"x\", [3], #{ a: 4 }]",
        "[1, 2] != [1, 3] && [1] != [1, 2] && [] == [] && !([] != [])",
        "[1, \"x\"] != [\"x\", 1] && [1] == [1.0]",
        "#{ a: 1, b: [2] } == #{ b: [2], a: 1 } && #{ a: 1 } != #{ a: \"x\" } && #{ a: 1 } != #{ b: 1 }",
        "[1, 2, 3].contains(2) && 2 in [1, 2] && !([1].contains(\"x\")) && [[1]].contains([1])",
        "[1, 2, 1].index_of(1) == 0 && [1, 2, 1].index_of(1, 1) == 2 && [1, 2, 1].index_of(1, -1) == 2",
        "[1].index_of(2) == -1 && [].index_of(1) == -1 && [1].index_of(1, 7) == -1",
        "[1, 2].map(|x| x * 2) == [2, 4] && [5, 5].map(|x, i| x + i) == [5, 6] && [].map(|x| x) == []",
        "[1, 2].zip([3, 4], |x, y| x + y) == [4, 6] && [1, 2].zip([3], |x, y, i| x + y + i) == [4]",
        "[1, 2].index_of(|x| x == 2) == 1",
    ];
    for truth in truths {
        assert_eq!(sent(&format!("this = {truth};"), &reading()), true.into(), "{truth}");
    }
    let replaced = "let s = \"a-b-c\"; s.replace(\"-\", \"+\"); s.replace('+', \"::\"); s.replace(\"::\", '.'); \
                    s.replace('.', '/'); s.replace(\"\", \"_\"); this = s;";
    assert_eq!(sent(replaced, &reading()), "_a_/_b_/_c_".into());
}
