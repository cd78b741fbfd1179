//! Checks that the configs of several transforms need.

use fieldline_core::CheckCx;

/// The most readings a method of one key remembers.
const MOST_REMEMBERED: usize = 10_000;

/// Complains unless exactly one of the named fields is given; `example` is what could be written.
pub(crate) fn check_exactly_one(cx: &mut CheckCx<'_>, fields: &[(&str, bool)], example: &str) {
    let mut given = fields.iter().filter(|(_, given)| *given).map(|(name, _)| *name);
    let Some(first) = given.next() else {
        let names: Vec<String> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
        cx.error("missing-field", "", format!("one of {} is needed", names.join(", ")))
            .help(format!("write for example `{example}`"));
        return;
    };
    for other in given {
        cx.error("conflicting-fields", other, format!("`{first}` and `{other}` exclude each other"))
            .help("keep one of them; another node can do the other");
    }
}

/// Complains about a count that must not be 0.
pub(crate) fn check_positive(cx: &mut CheckCx<'_>, field: &str, count: usize) {
    if count == 0 {
        cx.error("bad-number", field, format!("`{field}` must be at least 1"))
            .help("write a larger number, or leave it out");
    }
}

/// Complains about a number that is not finite or not above 0.
pub(crate) fn check_above_zero(cx: &mut CheckCx<'_>, field: &str, number: f64) {
    if !number.is_finite() || number <= 0.0 {
        cx.error("bad-number", field, format!("`{field}` must be greater than 0"))
            .help(format!("write for example `{field}: 0.5`"));
    }
}

/// Complains about a number of remembered readings that is 0 or too large.
pub(crate) fn check_length(cx: &mut CheckCx<'_>, field: &str, length: usize) {
    check_positive(cx, field, length);
    if length > MOST_REMEMBERED {
        cx.error(
            "bad-number",
            field,
            format!("`{field}` is at most {MOST_REMEMBERED}, which are remembered"),
        )
        .help("thin the readings out first, with `sample` or `window`");
    }
}
