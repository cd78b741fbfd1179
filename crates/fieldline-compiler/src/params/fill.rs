//! [`fill`]: the fields of a program with params, environment and secrets put in.

use std::cell::RefCell;

use crate::diagnostics::Diagnostics;
use crate::params::bind::{Binding, bind};
use crate::params::interpolate::{Scope, interpolate_members};
use crate::params::secrets::Secrets;
use crate::params::template::Assembled;
use crate::request::Request;
use crate::text::files::FileSet;
use crate::text::node::Members;

/// Why the fields of a file cannot be filled in.
pub(crate) enum Unfilled {
    /// It asks for params, and nobody sets them.
    Template,
    /// It was complained about.
    Wrong,
}

/// The fields with everything put in. `named` tells whether somebody named the file, so that it should be a program;
/// the secrets that it holds are added to `secrets`.
pub(crate) fn fill(
    assembled: &Assembled,
    named: bool,
    request: &Request<'_>,
    files: &FileSet,
    secrets: &mut Secrets,
    diagnostics: &mut Diagnostics,
) -> Result<Members, Unfilled> {
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
    if !binding.missing.is_empty() {
        missing_params(assembled, &binding, named, diagnostics);
        return Err(if diagnostics.errors() > errors { Unfilled::Wrong } else { Unfilled::Template });
    }
    let scope = Scope { params: Some(&binding.bound), ..scope };
    let filled = interpolate_members(&assembled.fields, &scope, diagnostics);
    let used = scope.used.into_inner();
    for (name, param) in assembled.declared.iter().filter(|(name, _)| !used.contains(*name)) {
        diagnostics.unused_param(param.span, name);
    }
    if diagnostics.errors() > errors { Err(Unfilled::Wrong) } else { Ok(filled) }
}

fn missing_params(assembled: &Assembled, binding: &Binding, named: bool, diagnostics: &mut Diagnostics) {
    match assembled.used {
        Some(used) => {
            for (name, span) in &binding.missing {
                diagnostics.missing_param(used, name, *span);
            }
        }
        None if named => {
            let names: Vec<&str> = binding.missing.iter().map(|(name, _)| name.as_str()).collect();
            diagnostics.template_named(binding.missing[0].1, &names);
        }
        None => {}
    }
}
