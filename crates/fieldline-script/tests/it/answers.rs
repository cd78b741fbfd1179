//! What a script sees and what it decides.

use fieldline_core::{Map, Value};
use fieldline_script::Setup;
use proptest::prelude::*;

use crate::bench::{Memory, Verdict, answer, compile, error, reading, run, run_with, sent};

#[test]
fn falling_off_the_end_sends_the_changed_body() {
    let body =
        sent("this.temperature += 273.15; this.unit = \"K\";", &Value::from([("temperature", 20.0.into())]));
    assert_eq!(body, Value::from([("temperature", 293.15.into()), ("unit", "K".into())]));
}

#[test]
fn a_return_sends_the_body_as_it_is_then() {
    let body = sent("this.a = 1; if this.a == 1 { return; } this.a = 2;", &Value::Map(Map::default()));
    assert_eq!(body, Value::from([("a", Value::Int(1))]));
}

#[test]
fn a_body_that_is_no_map_can_be_changed_too() {
    assert_eq!(sent("this *= 2;", &Value::Int(21)), Value::Int(42));
    assert_eq!(sent("this = #{ value: this };", &Value::Float(1.5)), Value::from([("value", 1.5.into())]));
}

#[test]
fn discard_ends_the_script_and_counts_only_reasons_that_stand_in_it() {
    let verdict = |text: &str| answer(text, &reading()).expect("it runs").verdict;
    assert_eq!(verdict("discard(); fail(\"not reached\")"), Verdict::Discard("script"));
    assert_eq!(verdict("discard(\"too_old\")"), Verdict::Discard("too_old"));
    assert_eq!(verdict("let why = `x${this.sequence}`; discard(why)"), Verdict::Discard("script"));
    assert_eq!(verdict("try { discard(\"caught\") } catch { fail(\"caught\") }"), Verdict::Discard("caught"));
}

#[test]
fn emitted_events_go_before_the_event_and_stay_when_that_is_discarded() {
    let list = Value::from([("values", Value::List(vec![Value::Int(1), Value::Int(2)]))]);
    let split =
        answer("for x in this.values { emit(#{ value: x }) } discard(\"split\")", &list).expect("it runs");
    assert_eq!(split.verdict, Verdict::Discard("split"));
    assert_eq!(split.emitted, [1, 2].map(|x| Value::from([("value", Value::Int(x))])));
    let both = answer("emit(#{ copy: true });", &list).expect("it runs");
    assert_eq!(both.verdict, Verdict::Send(list));
    assert_eq!(both.emitted.len(), 1);
}

#[test]
fn fail_and_throw_fail_the_event_with_their_message() {
    assert_eq!(error("\n  fail(\"too wet\")"), "test.rhai:2:3: too wet");
    assert_eq!(error("throw \"too dry\";"), "test.rhai:1:1: too dry");
    assert_eq!(error("try { fail(\"a\") } catch { }"), "test.rhai:1:7: a");
    assert!(answer("try { throw \"a\" } catch { }", &reading()).is_ok());
}

#[test]
fn meta_can_be_read_and_takes_new_fields() {
    let answer = answer("this = meta.topic; meta.quality = \"good\";", &reading()).expect("it runs");
    assert_eq!(answer.verdict, Verdict::Send("plant/air".into()));
    let fields = answer.fields.expect("meta was written");
    assert_eq!(Value::Map(fields), Value::from([("quality", "good".into())]));
    assert_eq!(
        error("meta.topic = \"x\""),
        "test.rhai:1:1: `meta.topic` cannot be changed; \
        a field of another name can be added to `meta`"
    );
}

#[test]
fn meta_is_whole_where_it_is_used_as_a_whole() {
    assert_eq!(sent("this = meta.topic + meta[\"source\"];", &Value::Null), "plant/airair".into());
    assert_eq!(
        sent("let all = meta; this = [meta.topic, all.source];", &Value::Null),
        sent("this = [\"plant/air\", \"air\"];", &Value::Null)
    );
    assert_eq!(
        sent("let x = #{ meta: 1 }; this = [x.meta, meta.len()];", &Value::Null),
        sent("this = [1, 3];", &Value::Null)
    );
}

#[test]
fn nothing_of_one_event_is_left_in_the_next() {
    let mut script = compile(
        "if this.first { this.extra = 1; this.inner.more = 2; } else { this.n = this.len(); }",
        &Setup::default(),
    )
    .expect("it compiles");
    let first = Value::from([
        ("first", true.into()),
        ("inner", Value::from([("a", Value::Int(1))])),
        ("gone", Value::Null),
    ]);
    run(&mut script, &first).expect("it runs");
    let second = Value::from([("first", false.into()), ("inner", Value::from([("b", "x".into())]))]);
    let answer = run(&mut script, &second).expect("it runs");
    let inner = Value::from([("b", "x".into())]);
    let expected = Value::from([("first", false.into()), ("inner", inner), ("n", Value::Int(2))]);
    assert_eq!(answer.verdict, Verdict::Send(expected));
}

#[test]
fn params_and_the_values_under_with_are_constants() {
    let Value::Map(params) = Value::from([("factor", 2.0.into())]) else { unreachable!("a map") };
    let setup = Setup { params, with: vec!["cpu_mean".into()], ..Setup::default() };
    let mut script = compile("fn f() { params.factor } this.x = f() * this.x - cpu_mean.cpu;", &setup)
        .expect("it compiles");
    let body = Value::from([("x", 30.0.into())]);
    let none = run(&mut script, &body).expect_err("there is no value yet");
    assert_eq!(none.message, "`cpu_mean` has no value yet");
    for (cpu, expected) in [(40.0, 20.0), (50.0, 10.0), (50.0, 10.0)] {
        let with = [("cpu_mean".into(), Value::from([("cpu", cpu.into())]))].into_iter().collect();
        let answer = run_with(&mut script, &body, &with).expect("it runs");
        assert_eq!(answer.verdict, Verdict::Send(Value::from([("x", expected.into())])));
    }
    for text in ["params.factor = 1", "cpu_mean.cpu += 1", "cpu_mean = 1"] {
        let error = compile(text, &setup).err().expect("it is refused");
        assert!(error.message.ends_with("cannot be changed"), "{error}");
    }
    let error = compile("cpu_mean.clear();", &setup).and_then(|mut script| {
        run_with(&mut script, &body, &[("cpu_mean".into(), body.clone())].into_iter().collect())
    });
    assert!(error.is_err_and(|error| error.message.contains("constant")));
}

#[test]
fn functions_and_constants_and_closures_of_the_script_work() {
    let text = "const OFFSET = 273.15;\n\
                fn kelvin(c) { c + global::OFFSET }\n\
                let low = this.limit;\n\
                this.kept = this.values.filter(|x| x > low).map(|x| kelvin(x));\n\
                this.all = this.values.all(|x| x >= low);";
    let body = Value::from([("values", Value::List(vec![0.0.into(), 10.0.into()])), ("limit", 5.0.into())]);
    let sent = sent(text, &body);
    let map = sent.as_map().expect("a map");
    assert_eq!(map["kept"], Value::List(vec![283.15.into()]));
    assert_eq!(map["all"], Value::Bool(false));
}

#[test]
fn imported_files_come_from_the_folder_and_are_known_for_watching() {
    let files = Memory(
        [
            (
                "scripts/lib/heat.rhai".into(),
                "import \"lib/units\" as units;\nfn kelvin(c) { units::shift(c) }".into(),
            ),
            ("scripts/lib/units.rhai".into(), "fn shift(c) { c + 273.15 }".into()),
        ]
        .into(),
    );
    let imports = fieldline_script::Imports { files: &files, folder: "scripts".as_ref() };
    let setup = Setup { imports: Some(imports), ..Setup::default() };
    let mut script =
        compile("import \"lib/heat\" as heat;\nthis.t = heat::kelvin(this.t);", &setup).expect("it compiles");
    let answer = run(&mut script, &Value::from([("t", 1.0.into())])).expect("it runs");
    assert_eq!(answer.verdict, Verdict::Send(Value::from([("t", 274.15.into())])));
    assert_eq!(script.files().len(), 2);
}

#[test]
fn bytes_and_null_go_in_and_out() {
    let body = Value::from([("raw", Value::Bytes(vec![1, 2, 255].into())), ("none", Value::Null)]);
    assert_eq!(sent("let a = this.raw[2]; if a != 255 || this.none != () { fail(`${a}`) }", &body), body);
}

#[test]
fn a_division_does_not_depend_on_how_a_number_is_written() {
    for text in
        ["this / 1000", "this / 1000.0", "(this + 0) / 1000", "2 * this / 2000", "3000.0 / this * 0.75"]
    {
        for value in [Value::Int(1500), Value::Float(1500.0)] {
            assert_eq!(sent(&format!("this = {text};"), &value), Value::Float(1.5), "{text}");
        }
    }
    for zero in [Value::Int(0), Value::Float(0.0)] {
        for text in ["1 / x", "1.0 / x", "div(1, x)", "div(1.5, x)"] {
            let script = format!("let x = this; this = {text};");
            let error = answer(&script, &zero).expect_err("it is no number").to_string();
            assert!(error.contains("division by zero"), "{error}");
        }
    }
    assert_eq!(sent("this = [10, 20, 30][div(this, 2)];", &Value::Int(5)), Value::Int(30));
    assert_eq!(sent("this = 7 - 8 / 4 - 1;", &Value::Null), Value::Float(4.0));
    assert_eq!(
        sent("fn half(x) { x / 2 } this = `${half(this)} ${[7].map(|x| x / 2)}`;", &Value::Int(7)),
        "3.5 [3.5]".into()
    );
    assert!(error("this = div(9223372036854775807, 0.1);").contains("too large"));
}

#[test]
fn a_division_in_place_is_refused_with_what_to_write() {
    assert!(error("this.a /= 2;").contains("1:8: `/=` is not an operator; write `x = x / y`"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_quotient_is_the_same_however_its_numbers_reach_the_script(
        left in -100_000..100_000i64,
        right in (-50_000..50_000i64).prop_filter("a divisor", |right| *right != 0),
    ) {
        let quotient = Value::Float(left as f64 / right as f64);
        let text = format!(
            "let x = {left}; let y = {right};
            this = [{left} / {right}, {left}.0 / {right}, {left} / {right}.0, x / y, [y].reduce(|x, y| x / y, x)];"
        );
        prop_assert_eq!(sent(&text, &Value::Null), Value::List(vec![quotient.clone(); 5]));
        let whole_and_rest = "this = [this.x / this.y, div(this.x, this.y) * this.y + this.x % this.y == this.x];";
        let mut script = compile(whole_and_rest, &Setup::default()).expect("it compiles");
        for x in [Value::Int(left), Value::Float(left as f64)] {
            for y in [Value::Int(right), Value::Float(right as f64)] {
                let body = Value::from([("x", x.clone()), ("y", y)]);
                let answer = run(&mut script, &body).expect("it runs");
                let expected = Value::List(vec![quotient.clone(), Value::Bool(true)]);
                prop_assert_eq!(answer.verdict, Verdict::Send(expected), "{:?}", body);
            }
        }
    }
}
