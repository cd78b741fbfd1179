//! Scripts that take all they can, and those that fail.

use anyhow::Result;

use super::{Bully, Guest, Sign, Site};

/// Runs `code` for an event each 20 ms, with as many steps as a script may have.
fn script(site: &Site<'_>, code: &str) -> Result<Guest> {
    scripted(site, "20ms", "max_operations: 1000000000", code)
}

fn scripted(site: &Site<'_>, every: &str, options: &str, code: &str) -> Result<Guest> {
    site.pipeline(&format!(
        "sources:\n  t: {{ type: timer, every: {every} }}\ntransforms:\n  s:\n    type: script\n    inputs: t\n    \
         {options}\n    code: |\n      {code}\nsinks:\n  out: {{ type: blackhole, inputs: s }}\n"
    ))
}

const fn bully(name: &'static str, enter: fn(&Site<'_>) -> Result<Guest>) -> Bully {
    Bully::new(name, Sign::Node, enter)
}

pub(super) const TABLE: &[Bully] = &[
    bully("endless loop", |site| script(site, "loop { }")),
    bully("lists of 9,900 compared", |site| {
        script(site, "let a = []; a.pad(9900, 1.5); let b = a; loop { a == b; }")
    }),
    bully("text that grows", |site| script(site, "let s = \"x\"; loop { s += s; }")),
    bully("deep recursion", |site| {
        script(site, "fn f(x) { if x < 25 { f(x + 1) + f(x + 1) } else { 1 } } f(0);")
    }),
    bully("native calls", |site| {
        script(site, "let a = []; a.pad(9000, 1.5); loop { mean(a); deviation(a); sum(a); }")
    }),
    bully("map that grows", |site| {
        script(site, "let m = #{}; let i = 0; loop { m[`k$${i}`] = [i]; i += 1; }")
    }),
    bully("sort", |site| {
        script(
            site,
            "let a = []; a.pad(9000, 1.5); loop { let c = a; c.sort(|x, y| if x < y { 1 } else { -1 }); }",
        )
    }),
    bully("replace", |site| {
        script(site, "let s = \"\"; s.pad(60000, \"x\"); loop { let t = s; t.replace(\"x\", \"y\"); }")
    }),
    bully("text split", |site| script(site, "let s = \"\"; s.pad(60000, \"x\"); loop { s.split(\"x\"); }")),
    bully("state that grows", |site| {
        script(site, "state.l = []; loop { state.l.push(\"xxxxxxxxxxxxxxxx\"); }")
    }),
    bully("emit flood", |site| script(site, "loop { emit(#{ x: 1 }); }")),
    bully("print flood", |site| script(site, "loop { print(\"flood\"); }")),
    bully("slow at each event", |site| {
        scripted(site, "1ms", "max_operations: 1000000000", "for i in 0..2000000 { let x = i; }")
    }),
    bully("script that always fails", |site| scripted(site, "1ms", "max_operations: 1000", "throw \"no\";")),
];
