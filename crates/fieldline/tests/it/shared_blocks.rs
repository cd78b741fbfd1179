//! Blocks that belong to nodes and not to components: each is offered by the schema where it has an effect, and refused
//! everywhere else.

use std::collections::BTreeSet;
use std::path::PathBuf;

use fieldline_compiler::{MemoryFiles, MemoryVariables, Overrides, Request, compile};
use fieldline_core::report::Severity;
use fieldline_core::{Definition, Kind, Registry};

/// Every block, with something that fits.
const BLOCKS: [(&str, &str); 8] = [
    ("with", "[other]"),
    ("control", "other"),
    ("inputs", "[other]"),
    ("sequence", "{ persist: true }"),
    ("buffer", "{ max_events: 10 }"),
    ("retry", "{ attempts: 2 }"),
    ("batch", "{ max_events: 10 }"),
    ("max_rate", "10"),
];

/// Whether the compiler takes `block` in a node of `definition`. It stands in the line of the type, so that what else
/// is wrong with the node does not count.
fn is_accepted(definition: &Definition, block: (&str, &str), registry: &Registry) -> bool {
    let (name, value) = block;
    let fields = definition.examples[0].config.lines().filter(|line| *line != "{}");
    let config: String = fields.map(|line| format!("    {line}\n")).collect();
    let node = format!("  node:\n    {name}: {value}\n    type: {}\n{config}", definition.name);
    let other = "  other: { type: timer, every: 1s }\n";
    let sources = if definition.kind == Kind::Source { node.clone() } else { String::new() };
    let section = match definition.kind {
        Kind::Source => String::new(),
        kind => format!("{}:\n{node}", kind.section()),
    };
    let text = format!("pipeline: p\nsources:\n{other}{sources}{section}");
    let line = 1 + text.lines().position(|line| line == format!("    {name}: {value}")).expect("the block");
    let files = MemoryFiles::default().with("p.yaml", text);
    let request = Request {
        roots: &[PathBuf::from("p.yaml")],
        files: &files,
        variables: &MemoryVariables::default(),
        registry,
        overrides: Overrides::default(),
    };
    let compiled = compile(&request);
    !compiled.diagnostics.iter().any(|diagnostic| {
        let file = compiled.files.file(diagnostic.span.file);
        let before = &file.text[..diagnostic.span.start as usize];
        diagnostic.severity == Severity::Error && 1 + before.matches('\n').count() == line
    })
}

#[test]
fn a_block_is_accepted_exactly_where_the_schema_offers_it() {
    let registry = Registry::new(fieldline_components::all());
    let schema = fieldline_compiler::schema::schema(&registry);
    let mut wrong = BTreeSet::new();
    for definition in fieldline_components::all() {
        let branch = format!("{}_{}", definition.kind.word(), definition.name);
        for block in BLOCKS {
            let own =
                definition.examples[0].config.lines().any(|line| line.starts_with(&format!("{}:", block.0)));
            let offered = schema["$defs"][&branch]["properties"].get(block.0).is_some();
            if !own && offered != is_accepted(&definition, block, &registry) {
                wrong.insert(format!("{branch}: `{}`, offered: {offered}", block.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_a_script_uses_the_values_of_other_nodes() {
    let users = fieldline_components::all().filter(|definition| definition.uses_with);
    assert_eq!(users.map(|definition| definition.name).collect::<Vec<_>>(), ["script"]);
}
