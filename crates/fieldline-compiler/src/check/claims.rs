//! Things of which there is one: an I2C address, a port, a client id. Over the whole program.

use std::collections::HashMap;

use crate::diagnostics::Diagnostics;
use crate::nodes::fields::Fields;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::{NodeSpec, PipelineSpec};
use crate::text::files::{FileSet, Span};

/// Who has what, so far.
#[derive(Default)]
pub(crate) struct Claims {
    owners: HashMap<String, Owner>,
}

struct Owner {
    pipeline: String,
    node: String,
    span: Span,
}

impl Claims {
    /// Adds what a node claims; complains where it is taken.
    pub(crate) fn add(
        &mut self,
        spec: &PipelineSpec,
        node: &NodeSpec,
        resolved: &Resolved,
        files: &FileSet,
        diagnostics: &mut Diagnostics,
    ) {
        for claim in &resolved.facts.claims {
            let (mut span, value) = Fields::of(&node.config, files).value(node, &claim.field);
            // Where a param decides, the place that sets it is the one to change.
            if let Some((_, set)) = value.and_then(|value| value.filled.as_ref()?.set.last().cloned()) {
                span = set;
            }
            match self.owners.get(&claim.resource) {
                Some(owner) => {
                    let own = owner.pipeline == spec.name.as_str();
                    let full = |pipeline: &str, node: &str| match own {
                        true => node.to_owned(),
                        false => format!("{pipeline}/{node}"),
                    };
                    let (first, second) = (full(&owner.pipeline, &owner.node), full(&spec.name, &node.id));
                    diagnostics.resource_clash(span, &claim.resource, &second, &first, owner.span);
                }
                None => {
                    let owner = Owner { pipeline: spec.name.to_string(), node: node.id.to_string(), span };
                    self.owners.insert(claim.resource.clone(), owner);
                }
            }
        }
    }
}
