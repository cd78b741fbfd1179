//! Errors are plain sentences at the right place.

use fieldline_core::{Origin, Value};
use fieldline_script::{Imports, Script, ScriptSource, Setup};

use crate::bench::{Memory, answer, compile, error, reading, run, sent};

#[test]
fn positions_inside_an_indented_block_are_those_of_the_file() {
    let origin = Origin { file: "drying.yaml".into(), line: 9, indent: 6 };
    let compile = |text: &str| {
        Script::compile(&ScriptSource { text: text.into(), origin: origin.clone() }, &Setup::default())
    };
    let error = compile("let a = 1;\nlet b = ;\n").err().expect("it does not compile");
    assert_eq!((error.line, error.column), (10, 15));
    assert!(error.to_string().starts_with("drying.yaml:10:15: "), "{error}");
    let mut script =
        compile("let a = 1;\nlet b = 2;\nif a == 1 {\n  fail(\"here\");\n}\n").expect("it compiles");
    let error = run(&mut script, &Value::Null).expect_err("it fails");
    assert_eq!((error.line, error.column), (12, 9));
    let mut script = compile("fn f(x) {\n  x / 0\n}\nthis = f(1);").expect("it compiles");
    let error = run(&mut script, &Value::Null).expect_err("it fails");
    assert_eq!((error.line, error.column), (10, 11), "{error}");
}

#[test]
fn a_missing_field_is_named_with_the_one_that_was_meant() {
    let cases = [
        ("this.x = this.temprature * 2;", "1:26"),
        ("this.temprature *= 2;", "1:17"),
        ("this.x = round(this.temprature, 1);", "1:10"),
        ("this.x = this.temprature.round(1);", "1:26"),
        ("this.x = -this.temprature;", "1:10"),
        ("this.x = this.temprature / 2;", "1:26"),
        ("this.x = this[\"temprature\"] + 1;", "1:29"),
    ];
    for (text, place) in cases {
        let expected = format!(
            "test.rhai:{place}: `temprature` is not a field of this event; did you mean `temperature`?"
        );
        assert_eq!(error(text), expected, "{text}");
    }
    assert!(error("for x in this.vlaues { }").contains("`vlaues` is not a field of this event"));
    assert!(error("let t = this.nothing; this.x = t * 2;").contains("`t` is null"));
}

#[test]
fn a_field_that_is_missing_is_not_silently_smaller_than_anything() {
    for operator in ["<", "<=", ">", ">="] {
        for text in [
            format!("if this.temprature {operator} 30.0 {{ discard() }}"),
            format!("if 30 {operator} this.temprature {{ }}"),
        ] {
            assert!(error(&text).contains("`temprature` is not a field of this event"), "{text}");
        }
    }
    assert_eq!(sent("this = this.temprature == ();", &reading()), Value::Bool(true));
}

#[test]
fn unknown_names_are_found_before_anything_runs() {
    assert_eq!(
        error("let total = 1;\nthis.x = stat.count;"),
        "test.rhai:2:10: there is no variable `stat`; did you mean `state`?"
    );
    assert_eq!(
        error("event.x = 1;"),
        "test.rhai:1:1: there is no variable `event`; the body of the event is `this`"
    );
    assert_eq!(
        error("this.x = clmp(1, 2, 3);"),
        "test.rhai:1:10: there is no function `clmp`; did you mean `clamp`?"
    );
    assert_eq!(error("const A = 1; A = 2;"), "test.rhai:1:14: `A` is a constant and cannot be changed");
    assert!(error("let meta = 1;").contains("`meta` already has a meaning here"));
    assert!(error("fn f() { this.x }").contains("a function sees only its arguments"));
}

#[test]
fn wrong_kinds_are_called_by_names_people_know() {
    assert!(error("this.x = this.status - 1;").contains("`-` does not work on string and integer"));
    assert!(error("this.x = sqrt(9);").contains("x.to_float()"));
    assert!(error("this.x = convert(1, \"degC\", \"bar\");").contains("`degC` measures temperature"));
}

#[test]
fn a_number_that_json_cannot_say_is_an_error_that_names_the_field() {
    assert!(error("this.x = sqrt(-1.0);").contains("`this.x` is not a number"));
    assert!(error("this.list = [1, #{ deep: 1e308 * 10.0 }];").contains("`this.list[1].deep` is infinite"));
    assert!(error("this.f = |x| x;").contains("`this.f` is a function"));
}

#[test]
fn errors_in_an_imported_file_name_that_file() {
    let files = Memory(
        [
            ("lib/bad.rhai".into(), "let x = ;".into()),
            ("lib/fails.rhai".into(), "fn f(x) {\n  x / 0\n}".into()),
            ("lib/loop.rhai".into(), "import \"loop\" as l;".into()),
        ]
        .into(),
    );
    let setup =
        Setup { imports: Some(Imports { files: &files, folder: "lib".as_ref() }), ..Setup::default() };
    let error = |text: &str| match compile(text, &setup) {
        Err(error) => error.to_string(),
        Ok(mut script) => run(&mut script, &Value::Null).expect_err("it fails").to_string(),
    };
    assert!(error("import \"bad\" as b;").starts_with("lib/bad.rhai:1:9: "));
    assert!(error("import \"fails\" as f; this = f::f(1);").starts_with("lib/fails.rhai:2:5: "));
    assert!(error("import \"loop\" as l;").contains("imports itself"));
    assert!(error("import \"none\" as n;").contains("test.rhai:1:1: cannot read `lib/none.rhai`"));
}

#[test]
fn a_value_that_is_given_back_is_refused_where_it_does_nothing() {
    let map = "nobody takes this value: what is sent on is `this`; write `this = #{ … };`";
    assert_eq!(error("return #{ x: 1 };"), format!("test.rhai:1:8: {map}"));
    assert_eq!(error("let x = 1;\n#{ x: x }"), format!("test.rhai:2:1: {map}"));
    let other = "nobody takes this value: what is sent on is `this`; write `this = …;`";
    for text in [
        "let out = #{ x: 1 }; out",
        "if this.temperature > 3.0 { #{ x: 1 } } else { discard() }",
        "if this.temperature > 99.0 { return [1]; } this.x = 1;",
        "switch this.status { \"success\" => #{ x: 1 }, _ => discard() }",
        "try { #{ x: 1 } } catch { fail(\"a\") }",
        "for i in 0..3 { if i == 1 { return this.temperature; } }",
        "this.temperature > 3.0",
        "return `${this.temperature}`;",
    ] {
        let error = error(text);
        assert!(error.contains(map) || error.contains(other), "{text}: {error}");
    }
}

#[test]
fn a_script_may_end_with_any_statement_and_call_and_with_the_body() {
    for text in [
        "this.x = 1",
        "return this;",
        "this",
        "return;",
        "return discard();",
        "let list = [1]; list.push(2)",
        "this.remove(\"status\");",
        "if this.temperature > 3.0 { this.x = #{ a: 1 }; }",
        "this.x = if this.temperature > 3.0 { #{ a: 1 } } else { #{ a: 2 } };",
        "fn f() { #{ a: 1 } } this.list = [1].map(|x| #{ a: x }); this.f = f();",
        "fn init() { return #{ n: 0 }; } state.n += 1;",
        "this.temperature > 3.0 || fail(\"cold\")",
        "switch this.status { \"success\" => this.x = 1, _ => () }",
        "let n = 0; while true { n += 1; if n > 3 { break; } }",
    ] {
        answer(text, &reading()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn a_text_and_a_number_are_neither_joined_nor_added() {
    let body = Value::from([("text", "2".into()), ("list", Value::List(vec![]))]);
    let help = "join them with `` `${a}${b}` ``, or add numbers: `a.parse_float() + b`";
    for (text, kinds) in [
        ("this.x = this.text + 1;", "string and integer"),
        ("this.x = 1.5 + this.text;", "number and string"),
        ("this.text += 1;", "string and integer"),
        ("let n = 1; n += this.text;", "integer and string"),
        ("this.x = [1].reduce(|sum, x| sum + x, this.text);", "string and integer"),
        ("this.x = \"2\" + 1;", "string and integer"),
    ] {
        let error = answer(text, &body).expect_err("it is refused").to_string();
        assert!(error.contains(&format!("`+` does not work on {kinds}; {help}")), "{text}: {error}");
    }
    for text in ["this.x = this.text + true;", "this.x = this.text + this.list;", "this.text += #{};"] {
        assert!(
            answer(text, &body).expect_err("it is refused").message.contains("`+` does not work on"),
            "{text}"
        );
    }
    let joined = "this = this.text + \"a\" + 'b' + `${1}` + this.text; this += \"c\";";
    assert_eq!(sent(joined, &body), "2ab12c".into());
    assert_eq!(sent("this = \"2\".parse_float() + 1;", &body), Value::Float(3.0));
}
