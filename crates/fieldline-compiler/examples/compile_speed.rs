//! How long it takes to compile many stations of one template: `cargo run --release --example compile_speed`.
//!
//! Prints the time for 100, 1,000 and 10,000 station files of 10 nodes each, and for the worst single files.

use std::path::PathBuf;
use std::time::Instant;

use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_core::{BuildCx, BuildError, Built, Config, Definition, Example, Kind, Registry};
use schemars::JsonSchema;
use serde::Deserialize;

/// A component that does nothing; `K` tells its kind.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fake<const K: u8> {
    /// A duration as a text.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    every: Option<String>,
    /// A script.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    code: Option<String>,
    /// A topic.
    #[serde(default)]
    #[expect(dead_code, reason = "it is only read into")]
    topic: Option<String>,
}

impl<const K: u8> Config for Fake<K> {
    const KIND: Kind = match K {
        0 => Kind::Source,
        1 => Kind::Transform,
        _ => Kind::Sink,
    };
    const NAME: &'static str = "fake";
    const SUMMARY: &'static str = "Does nothing.";
    const EXAMPLES: &'static [Example] = &[];

    fn build(&self, _: &BuildCx<'_>) -> Result<Built, BuildError> {
        Err(BuildError::new("never built"))
    }
}

fn template() -> String {
    let mut text = String::from(
        "pipeline: drying-${params.station}\nparams:\n  station: { type: string }\n  interval: { type: duration, default: 5s }\nsources:\n  a: { type: fake, every: \"${params.interval}\" }\n  b: { type: fake, every: 1s }\ntransforms:\n",
    );
    for index in 0..6 {
        let input = if index == 0 { "a, b".to_owned() } else { format!("t{}", index - 1) };
        text += &format!("  t{index}: {{ type: fake, inputs: [{input}], code: \"this.x += {index};\" }}\n");
    }
    text += "sinks:\n  s: { type: fake, inputs: [t5], topic: \"line/${params.station}/x\", buffer: { type: disk, max_size: 64MiB } }\n  k: { type: fake, inputs: [t5] }\n";
    text
}

#[expect(clippy::disallowed_methods, reason = "an example that measures")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "an example that prints what it measures")]
fn main() {
    let registry = Registry::new([
        Definition::of::<Fake<0>>(),
        Definition::of::<Fake<1>>(),
        Definition::of::<Fake<2>>(),
    ]);
    let variables = MemoryVariables::default();
    let measure = |files: &MemoryFiles, root: &str| {
        let roots = [PathBuf::from(root)];
        let begin = now();
        let overrides = Overrides::default();
        let compiled =
            compile(&Request { roots: &roots, files, variables: &variables, registry: &registry, overrides });
        (begin.elapsed(), compiled)
    };
    for count in [100, 1_000, 10_000] {
        let mut files = MemoryFiles::default().with("templates/drying.yaml", template());
        for station in 0..count {
            let text =
                format!("use: ../templates/drying.yaml\nparams: {{ station: s{station}, interval: 15s }}\n");
            files = files.with(format!("stations/s{station}.yaml"), text);
        }
        let (took, compiled) = measure(&files, "stations");
        assert!(compiled.is_ok(), "the stations are whole");
        println!("{count:>6} stations, {:>6} nodes: {took:?}", compiled.plan.nodes.len());
    }
    let bombs = [
        ("100,000 [", "[".repeat(100_000)),
        ("100,000 {a: ", "{a: ".repeat(100_000)),
        ("100,000 - ", "- ".repeat(100_000)),
        ("100,000 { ? ", "{ ? ".repeat(100_000)),
        ("200,000 lines `a:`", "a:\n ".repeat(200_000)),
        ("10 MB", "a: 1\n".repeat(2 << 20)),
        ("1 MiB of a list", format!("a: [{}]", "x, ".repeat(349_000))),
        ("1 MiB of one text", format!("a: \"{}\"", "x ".repeat(500_000))),
        ("1 MiB of duplicate keys", "a: 1\n".repeat(200_000)),
        ("12,000 nodes", {
            let nodes: String =
                (0..12_000).map(|index| format!("  n{index}: {{ type: fake, every: 1s }}\n")).collect();
            format!("pipeline: p\nsources:\n{nodes}")
        }),
    ];
    for (name, text) in bombs {
        let files = MemoryFiles::default().with("p.yaml", text);
        let (took, compiled) = measure(&files, "p.yaml");
        println!("{name:>24}: {took:?}, {} problems", compiled.diagnostics.len());
    }
}
