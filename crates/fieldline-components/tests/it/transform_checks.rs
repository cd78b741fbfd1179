//! What the checks of windows, filters of data and repairs refuse, and that each complaint says what to do.

use fieldline_core::Kind;
use fieldline_core::report::Place;

use crate::harness::{definition, problems, read};

/// The codes and fields that are complained about.
fn check(name: &str, config: &str, expected: &[(&str, &str)]) {
    let prepared = read(&definition(Kind::Transform, name), config).expect("the types fit");
    let problems = problems(&prepared);
    let found = problems.iter().map(|problem| {
        assert!(problem.help.is_some(), "{}: {}", problem.code, problem.message);
        let Place::Field(field) = &problem.place else { panic!("{:?} is no field", problem.place) };
        (problem.code, field.to_string())
    });
    let found: Vec<(&str, String)> = found.collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(code, field)| (*code, field.as_str())).collect();
    assert_eq!(found, expected, "{name}: {config}");
}

#[test]
fn a_window_has_one_shape_that_holds_something() {
    let count = "aggregate: { n: count }\n";
    check("window", count, &[("missing-field", "")]);
    check("window", &format!("{count}last: 8\ntumbling: 1s"), &[("conflicting-fields", "tumbling")]);
    check("window", &format!("{count}tumbling: 0s"), &[("zero-period", "tumbling")]);
    check("window", &format!("{count}tumbling: 1s\nevery: 2"), &[("conflicting-fields", "every")]);
    check("window", &format!("{count}tumbling: 1s\nlateness: 1s"), &[("conflicting-fields", "lateness")]);
    check("window", &format!("{count}last: 0"), &[("bad-number", "last")]);
    check("window", &format!("{count}last: 3\nmin: 4"), &[("bad-number", "min")]);
    check("window", &format!("{count}last: 30\nmax_events: 20"), &[("bad-number", "last")]);
    let gaps = format!("{count}sliding: {{ length: 1s, every: 2s }}");
    check("window", &gaps, &[("bad-number", "sliding.every")]);
    check("window", &format!("{count}session: {{ gap: 0s }}"), &[("zero-period", "session.gap")]);
}

#[test]
fn an_aggregate_is_complained_about_where_it_stands() {
    check("window", "last: 2\naggregate: {}", &[("missing-field", "aggregate")]);
    let config = "last: 2\naggregate: { a: meen(x), b: mean, c: mean(x), window: count }";
    let wanted = [
        ("bad-aggregate", "aggregate.a"),
        ("bad-aggregate", "aggregate.b"),
        ("conflicting-fields", "aggregate.window"),
    ];
    check("window", config, &wanted);
}

#[test]
fn what_thins_out_has_one_way_to_do_so() {
    check("deadband", "field: a", &[("missing-field", "")]);
    check("deadband", "field: a\nabsolute: 1\npercent: 1", &[("conflicting-fields", "percent")]);
    check("deadband", "field: a\nabsolute: -1", &[("bad-number", "absolute")]);
    check("deadband", "field: a\nabsolute: 1\ntime: event", &[("conflicting-fields", "time")]);
    check("deadband", "field: a\nabsolute: 1\nheartbeat: 0s", &[("zero-period", "heartbeat")]);
    check("sample", "{}", &[("missing-field", "")]);
    check("sample", "one_of: 0", &[("bad-number", "one_of")]);
    check("sample", "reservoir: { size: 0, every: 1s }", &[("bad-number", "reservoir.size")]);
    check("throttle", "per: 1s\nevents: 10001", &[("bad-number", "events")]);
    check("throttle", "per: 0s\nevents: 0", &[("zero-period", "per"), ("bad-number", "events")]);
    check("dedupe", "within: 1s\nkey: []", &[("missing-field", "key")]);
    check("on_change", "fields: []", &[("missing-field", "fields")]);
    check("debounce", "quiet: 2s\nmax_wait: 1s", &[("bad-number", "max_wait")]);
    check("debounce", "quiet: 2s\nmax_keys: 0", &[("bad-number", "max_keys")]);
}

#[test]
fn what_judges_and_repairs_can_be_done() {
    check("convert", "fields: {}", &[("missing-field", "fields")]);
    let units = "fields: { a: { from: Kelvn, to: K }, b: { from: K, to: Pa }, c: { from: K, to: \"°D\" } }";
    let wanted = [("bad-unit", "fields.a.from"), ("bad-unit", "fields.b.to"), ("bad-unit", "fields.c.to")];
    check("convert", units, &wanted);
    check("smooth", "field: a", &[("missing-field", "")]);
    check("smooth", "field: a\nexponential: 2", &[("bad-number", "exponential")]);
    check("smooth", "field: a\nmean: 10001", &[("bad-number", "mean")]);
    let kalman = "field: a\nkalman: { process: 0, measurement: 1 }";
    check("smooth", kalman, &[("bad-number", "kalman.process")]);
    check("outlier", "field: a\nwindow: 1", &[("bad-number", "window")]);
    check(
        "outlier",
        "field: a\nlimit: 0\ntolerance: -1",
        &[("bad-number", "limit"), ("bad-number", "tolerance")],
    );
    check("validate", "{}", &[("missing-field", "")]);
    check("validate", "range: { a: {} }", &[("missing-field", "range.a")]);
    check("validate", "range: { a: { min: 2, max: 1 } }", &[("bad-number", "range.a")]);
    check(
        "validate",
        "rate: { a: 0 }\nstuck: { a: 0s }",
        &[("bad-number", "rate.a"), ("zero-period", "stuck.a")],
    );
    check("fill", "field: a\nmethod: \"null\"\nmax_gap: 1s", &[("conflicting-fields", "max_gap")]);
    check("fill", "field: a\nmethod: hold\ntime: event", &[("conflicting-fields", "time")]);
}

#[test]
fn features_ask_for_what_samples_can_tell() {
    check("features", "samples: a\nchannels: { b: b }", &[("conflicting-fields", "channels")]);
    check("features", "statistics: []", &[("missing-field", "statistics")]);
    check("features", "rate: 0", &[("bad-number", "rate")]);
    let pieces = "spectrum: { segment: 1, overlap: 1 }";
    check("features", pieces, &[("bad-number", "spectrum.segment"), ("bad-number", "spectrum.overlap")]);
    let bands = "rate: 100\nspectrum: { bands: { a: { from: 60, to: 70 }, b: { from: 9, to: 9 } } }";
    check("features", bands, &[("bad-number", "spectrum.bands.a"), ("bad-number", "spectrum.bands.b")]);
    check("features", "envelope: { band: { from: -1, to: 9 } }", &[("bad-number", "envelope.band")]);
}

#[test]
fn the_air_has_a_humidity_that_can_be_best() {
    let wanted =
        [("zero-period", "burn_in"), ("bad-number", "best_humidity"), ("bad-number", "humidity_weight")];
    check("air_quality", "burn_in: 0s\nbest_humidity: 100\nhumidity_weight: 25", &wanted);
}

#[test]
fn a_join_knows_its_sides() {
    let one = "within: 1s\nsides: { a: { source: air } }";
    check("join", one, &[("missing-field", "sides")]);
    let vague = "within: 0s\nsides: { a: { source: air }, b: {} }";
    check("join", vague, &[("missing-field", "sides.b"), ("zero-period", "within")]);
}
