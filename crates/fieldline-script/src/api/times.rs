//! Time. A moment is a number of seconds since 1970 in UTC, so that moments and spans add up like
//! any other numbers.

use fieldline_core::{Period, TimeForm, Value, Zone, rfc3339};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rhai::{Dynamic, EvalAltResult};

use super::numbers::number;
use super::{Binding, Function};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "now",
        signature: "now()",
        summary: "The time at which the event is processed, as RFC 3339 in UTC.",
        example: r#"now() == "2026-01-01T00:00:00.000000Z""#,
        binding: Binding::PerScript(|engine, desk| {
            let desk = desk.clone();
            engine.register_fn("now", move || rfc3339(desk.time()));
        }),
    },
    Function {
        name: "epoch",
        signature: "epoch()",
        summary: "The same time as a number of seconds since 1970 in UTC.",
        example: "epoch() == 1767225600.0",
        binding: Binding::PerScript(|engine, desk| {
            let desk = desk.clone();
            engine.register_fn("epoch", move || seconds_of(desk.time()));
        }),
    },
    Function {
        name: "epoch_ms",
        signature: "epoch_ms()",
        summary: "The same time as a whole number of milliseconds since 1970 in UTC.",
        example: "epoch_ms() == 1767225600000",
        binding: Binding::PerScript(|engine, desk| {
            let desk = desk.clone();
            engine.register_fn("epoch_ms", move || desk.time().as_millisecond());
        }),
    },
    Function {
        name: "parse_time",
        signature: "parse_time(time) or parse_time(text, format)",
        summary: "The seconds since 1970 of a time: RFC 3339, or a number since 1970 whose unit is told by its size. \
                  A `format` has the signs of `strptime`; without `%z` in it the text is in UTC.",
        example: r#"epoch() - parse_time("2025-12-31T23:59:00Z") == 60.0"#,
        binding: Binding::Shared(|library| {
            library.set_native_fn("parse_time", |text: &str| parsed(&TimeForm::default(), &text.into()));
            library.set_native_fn("parse_time", |number: i64| parsed(&TimeForm::default(), &number.into()));
            library.set_native_fn("parse_time", |number: f64| parsed(&TimeForm::default(), &number.into()));
            library.set_native_fn("parse_time", |text: &str, format: &str| -> Fallible<f64> {
                let form = TimeForm::new(Some(format.to_owned()), Some(Zone::UTC), None);
                parsed(&form.map_err(|error| error.to_string())?, &text.into())
            });
        }),
    },
    Function {
        name: "format_time",
        signature: "format_time(seconds) or format_time(seconds, format)",
        summary: "Seconds since 1970 as text: RFC 3339 in UTC, or in a format with `%Y %m %d %H %M %S` and the \
                  other signs of `strftime`.",
        example: r#"format_time(epoch() + 90.0, "%d.%m.%Y %H:%M") == "01.01.2026 00:01""#,
        binding: Binding::Shared(|library| {
            library.set_native_fn("format_time", |seconds: Dynamic| Ok(rfc3339(time_of(number(&seconds)?)?)));
            library.set_native_fn("format_time", |seconds: Dynamic, format: &str| -> Fallible<String> {
                let time = time_of(number(&seconds)?)?.to_zoned_datetime(TimeZone::UTC);
                jiff::fmt::strtime::format(format, &time)
                    .map_err(|error| format!("`{format}` is no format of a time: {error}").into())
            });
        }),
    },
    Function {
        name: "seconds",
        signature: "seconds(span)",
        summary: "The seconds in a span of time with units: us, ms, s, m, h, d.",
        example: r#"seconds("1m30s") == 90.0"#,
        binding: Binding::Shared(|library| {
            library.set_native_fn("seconds", |span: &str| -> Fallible<f64> {
                let period: Period = span.parse().map_err(|error| format!("{error}"))?;
                Ok(period.0.as_secs_f64())
            });
        }),
    },
];

fn parsed(form: &TimeForm, value: &Value) -> Fallible<f64> {
    form.read(value).map(seconds_of).map_err(|error| error.to_string().into())
}

fn seconds_of(time: Timestamp) -> f64 {
    time.as_microsecond() as f64 / 1e6
}

fn time_of(seconds: f64) -> Fallible<Timestamp> {
    Timestamp::from_microsecond((seconds * 1e6).round() as i64)
        .map_err(|_| format!("{seconds} s is outside the calendar").into())
}
