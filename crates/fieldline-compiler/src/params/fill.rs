//! [`fill`]: the fields of a program with params, environment and secrets put in.

use std::cell::RefCell;

use crate::diagnostics::Diagnostics;
use crate::params::bind::{Binding, bind};
use crate::params::interpolate::{Scope, interpolate_members};
use crate::params::secrets::Secrets;
use crate::params::template::{Assembled, SECTIONS};
use crate::request::Request;
use crate::text::files::FileSet;
use crate::text::node::{Content, Members};

/// What the fields of a file have become.
pub(crate) enum Filling {
    /// They are those of a program.
    Whole(Members),
    /// It asks for params, and nobody sets them: values stand in for those, so that the rest can be checked.
    Template(Members),
    /// What was complained about keeps the rest from being checked.
    Wrong,
}

/// The fields with everything put in; values that could not be are left as they are, for the rest to be checked. `named`
/// tells whether somebody named the file, so that it should be a program; the secrets that it holds are added to `secrets`.
pub(crate) fn fill(
    assembled: &Assembled,
    named: bool,
    request: &Request<'_>,
    files: &FileSet,
    secrets: &mut Secrets,
    diagnostics: &mut Diagnostics,
) -> Filling {
    let errors = diagnostics.errors();
    let overrides = &request.overrides;
    let scope = Scope {
        params: None,
        variables: request.variables,
        env: &overrides.env,
        files,
        used: RefCell::default(),
        secrets: RefCell::new(secrets),
    };
    let binding = bind(&assembled.declared, &assembled.values, &scope, &overrides.params, diagnostics);
    let is_template = !binding.missing.is_empty();
    if is_template && (named || assembled.used.is_some()) {
        missing_params(assembled, &binding, diagnostics);
        return Filling::Wrong;
    }
    if let Some((_, first)) = binding.missing.first() {
        diagnostics.unused_template(*first, &names(&binding));
    }
    binding.missing.iter().for_each(|(_, span)| diagnostics.unfilled(*span));
    let scope = Scope { params: Some(&binding.bound), ..scope };
    let filled = interpolate_members(&assembled.fields, &scope, diagnostics);
    let used = scope.used.into_inner();
    for (name, param) in assembled.declared.iter().filter(|(name, _)| !used.contains(*name)) {
        diagnostics.unused_param(param.span, name);
    }
    match is_template {
        _ if diagnostics.errors() > errors && !is_whole(&filled) => Filling::Wrong,
        true => Filling::Template(filled),
        false => Filling::Whole(filled),
    }
}

/// Whether every node is there, so that the nodes can be checked although some value is missing.
fn is_whole(fields: &Members) -> bool {
    let sections = SECTIONS.iter().filter_map(|section| fields.get(*section));
    let mut nodes = sections.map(|section| match &section.value.content {
        Content::Null => true,
        Content::Map(nodes) => nodes.values().all(|node| node.value.as_map().is_some()),
        _ => false,
    });
    nodes.all(|whole| whole)
}

fn missing_params(assembled: &Assembled, binding: &Binding, diagnostics: &mut Diagnostics) {
    match assembled.used {
        Some(used) => {
            for (name, span) in &binding.missing {
                diagnostics.missing_param(used, name, *span);
            }
        }
        None => diagnostics.template_named(binding.missing[0].1, &names(binding)),
    }
}

/// The params that nobody sets.
fn names(binding: &Binding) -> Vec<&str> {
    binding.missing.iter().map(|(name, _)| name.as_str()).collect()
}
