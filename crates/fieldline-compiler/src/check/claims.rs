//! Things of which there is one: an I2C address, a file, a port, a client id. Over the whole program.

use std::collections::HashMap;

use fieldline_core::Resource;

use crate::diagnostics::Diagnostics;
use crate::nodes::fields::Fields;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::{NodeSpec, PipelineSpec};
use crate::request::FileSource;
use crate::text::files::{FileSet, Span};

/// Who has what, so far.
pub(crate) struct Claims<'r> {
    /// Knows which paths lead to the same.
    source: &'r dyn FileSource,
    owners: HashMap<Resource, Owner>,
}

struct Owner {
    pipeline: String,
    /// A node, or the dead letter.
    part: String,
    /// As the owner calls it.
    resource: Resource,
    span: Span,
}

impl<'r> Claims<'r> {
    pub(super) fn new(source: &'r dyn FileSource) -> Self {
        Claims { source, owners: HashMap::new() }
    }

    /// Adds what a node claims; complains where it is taken.
    pub(super) fn add(
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
            self.claim(spec, &node.id, claim.resource.clone(), span, diagnostics);
        }
    }

    /// Adds the file for the failed events of a pipeline, where it is known: without a folder of its own, or with one
    /// in the data folder, no other part of the program can name it.
    pub(super) fn add_dead_letter(&mut self, spec: &PipelineSpec, diagnostics: &mut Diagnostics) {
        let Some((span, folder)) = &spec.dead_letter.folder else { return };
        if folder.is_absolute() {
            let file = Resource::At("file".into(), folder.join(format!("{}.jsonl", spec.name)));
            self.claim(spec, "dead_letter", file, *span, diagnostics);
        }
    }

    fn claim(
        &mut self,
        spec: &PipelineSpec,
        part: &str,
        resource: Resource,
        span: Span,
        diagnostics: &mut Diagnostics,
    ) {
        let key = match &resource {
            Resource::At(words, path) => Resource::At(words.clone(), self.source.canonical(path)),
            Resource::Named(_) => resource.clone(),
        };
        let Some(owner) = self.owners.get(&key) else {
            let owner = Owner { pipeline: spec.name.to_string(), part: part.to_owned(), resource, span };
            self.owners.insert(key, owner);
            return;
        };
        let own = owner.pipeline == spec.name.as_str();
        let full = |pipeline: &str, part: &str| match own {
            true => part.to_owned(),
            false => format!("{pipeline}/{part}"),
        };
        let (first, second) = (full(&owner.pipeline, &owner.part), full(&spec.name, part));
        // By another path it is shown with that, or nobody would see that it is the same.
        let other = match &owner.resource {
            Resource::At(_, path) if owner.resource != resource => Some(path.as_path()),
            _ => None,
        };
        diagnostics.resource_clash(span, &resource.to_string(), &second, (&first, owner.span, other));
    }
}
