//! Nothing a script does can stop, fill or leave the process.

use std::time::Duration;

use fieldline_core::{Clock, Value};
use fieldline_script::{Imports, Limits, Setup};

use crate::bench::{Memory, Racing, compile, error, run};

/// The script ends in an error at `place` (line:column) that contains `words`.
fn check(text: &str, place: &str, words: &str) {
    let error = error(text);
    assert!(error.starts_with(&format!("test.rhai:{place}")) && error.contains(words), "{text}: {error}");
}

#[test]
fn endless_loops_and_recursion_end() {
    check("while true { }", "1:12", "too many steps");
    check("\nloop { let x = 1; }", "2:", "too many steps");
    check("fn f(x) { f(x + 1) } f(1);", "1:", "too deeply");
}

#[test]
fn text_lists_and_bytes_do_not_grow_without_bound() {
    check("let s = \"x\"; loop { s += s; }", "1:", "a string is too large");
    check("let a = [1]; loop { a.push(a); }", "1:", "too");
    check("let a = [1]; loop { a += a; }", "1:", "a list is too large");
    check("let a = []; loop { a = [a]; }", "1:", "too many lists and maps");
    check("let b = blob(1000000000);", "1:9", "too large");
    check("let s = \"x\"; s.pad(100000000, \"y\");", "1:", "too large");
    check("let a = []; a.pad(100000000, 0);", "1:", "too large");
}

#[test]
fn maps_do_not_grow_without_bound_through_assignments() {
    let growth = [
        "let m = #{}; for i in 0..60000 { m[i.to_string()] = i; }",
        "let m = #{ a: 1 }; for i in 0..60 { m[`k${i}`] = m; }",
        "let m = #{ a: 1 }; m.a = m; m.b = m; for i in 0..60 { let n = #{}; n.a = m; n.b = m; m = n; }",
        "for i in 0..60 { this[`k${i}`] = this; }",
        "for i in 0..60 { state[`k${i}`] = state; }",
        "let m = #{}; let s = \"x\"; s.pad(60000, \"y\"); for i in 0..20000 { m[i.to_string()] = `${s}${i}`; }",
        "fn grow(m) { for i in 0..60 { m[`k${i}`] = m; } m } let m = grow(#{ a: 1 });",
        "fn noop(x) { x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x } \
         let m = #{ a: 1 }; for i in 0..60 { m[`k${i}`] = m; noop(1); }",
        "let m = #{ a: 1 }; let f = |i| { m[`k${i}`] = m; }; for i in 0..60 { f.call(i); }",
        "let m = #{ a: 1 }; let l = []; l.pad(60, 0); l.for_each(|v| { m[`k${m.len()}`] = m; });",
        "loop { emit(#{ a: 1 }); }",
        "let s = \"x\"; s.pad(60000, \"y\"); loop { emit(s); }",
    ];
    for text in growth {
        check(text, "1:", "too");
    }
    let nested = "let m = #{}; for i in 0..10000 { let n = #{}; n.a = m; m = n; }";
    check(nested, "1:", "too many lists and maps inside each other");
}

#[test]
fn the_last_assignment_is_measured_too() {
    let twice = "let m = []; m.pad(9000, 0); this = #{ a: m, b: 1 }; this.b = m; this.c = m; this.d = m;";
    check(twice, "1:", "too large");
}

#[test]
fn what_waits_reads_or_runs_text_is_not_there() {
    check("sleep(5);", "1:1", "there is no function `sleep`");
    check("timestamp();", "1:1", "use `now()`");
    check("eval(\"1\");", "1:1", "`eval` is not allowed");
    check("open_file(\"/etc/passwd\");", "1:1", "there is no function `open_file`");
    check("exit();", "1:1", "there is no function `exit`");
    check("import \"lib\" as lib;", "1:1", "cannot import files");
}

#[test]
fn imports_stay_inside_the_folder() {
    let files = Memory([("/etc/passwd".into(), "fn f() { 1 }".into())].into());
    let imports = Imports { files: &files, folder: "scripts".as_ref() };
    let setup = Setup { imports: Some(imports), ..Setup::default() };
    for path in ["/etc/passwd", "../secret", "lib/../../secret", "", "./x"] {
        let error = compile(&format!("import \"{path}\" as x;"), &setup).err().expect("it is refused");
        assert!(error.message.contains("outside the pipeline's folder"), "{error}");
    }
    let error = compile("let p = \"x\"; import p as x;", &setup).err().expect("it is refused");
    assert_eq!((error.line, error.column), (1, 14), "{error}");
}

#[test]
fn deep_expressions_are_refused() {
    let text = format!("this = {}1{};", "(".repeat(500), ")".repeat(500));
    check(&text, "1:", "too many expressions are inside each other");
}

#[test]
fn arithmetic_that_overflows_or_divides_by_zero_is_an_error() {
    check("this = 9223372036854775807 + 1;", "1:28", "overflow");
    check("this = 1 / 0;", "1:10", "zero");
}

#[test]
fn time_runs_out_by_the_clock_that_is_given() {
    let limits = Limits { time: Some(Duration::from_millis(10)), ..Limits::default() };
    let setup = Setup { limits, clock: Some(Clock::new(Racing::new())), ..Setup::default() };
    let mut script = compile("loop { }", &setup).expect("it compiles");
    let error = run(&mut script, &Value::Null).expect_err("it ends");
    assert_eq!(error.message, "the script takes too long");
}

#[test]
fn a_script_that_failed_runs_again_for_the_next_event() {
    let mut script =
        compile("if this.bad { loop { } } this.ok = true;", &Setup::default()).expect("it compiles");
    assert!(run(&mut script, &Value::from([("bad", Value::Bool(true))])).is_err());
    assert!(run(&mut script, &Value::from([("bad", Value::Bool(false))])).is_ok());
}
