//! [`CrossChecks`]: rules that no pipeline breaks by itself.

use std::collections::{BTreeSet, HashMap};

use compact_str::CompactString;

use super::claims::Claims;
use super::documents::Documents;
use super::topics::Relays;
use crate::diagnostics::Diagnostics;
use crate::graph::wire::Wiring;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::PipelineSpec;
use crate::request::FileSource;
use crate::text::files::{FileId, FileSet, Span};

/// What the pipelines so far have and do.
pub(crate) struct CrossChecks<'r> {
    names: HashMap<CompactString, Span>,
    claims: Claims<'r>,
    documents: Documents,
    relays: Relays,
}

impl<'r> CrossChecks<'r> {
    /// Nothing so far; `source` knows which paths lead to the same.
    pub(crate) fn new(source: &'r dyn FileSource) -> Self {
        CrossChecks {
            names: HashMap::new(),
            claims: Claims::new(source),
            documents: Documents::default(),
            relays: Relays::default(),
        }
    }

    /// Adds the pipeline that `file` makes; complains where it and one before it cannot both be.
    pub(crate) fn add(
        &mut self,
        spec: &PipelineSpec,
        resolved: &[Option<Resolved>],
        wiring: &Wiring,
        file: FileId,
        files: &FileSet,
        diagnostics: &mut Diagnostics,
    ) {
        self.add_name(spec, file, diagnostics);
        for (node, found) in spec.nodes.iter().zip(resolved) {
            if let Some(resolved) = found {
                self.claims.add(spec, node, resolved, files, diagnostics);
            }
        }
        self.claims.add_dead_letter(spec, diagnostics);
        self.documents.add(spec, resolved, files, diagnostics);
        self.relays.add(spec, resolved, wiring, files);
    }

    fn add_name(&mut self, spec: &PipelineSpec, file: FileId, diagnostics: &mut Diagnostics) {
        // A template's name stands in the template; the station file is what a person must look at.
        let span = if spec.span.file == file { spec.span } else { Span::start_of(file) };
        match self.names.get(&spec.name) {
            Some(first) => diagnostics.duplicate_pipeline(span, &spec.name, *first),
            None => drop(self.names.insert(spec.name.clone(), span)),
        }
    }

    /// Checks what only all pipelines together show; gives the names of those that are wrong by it.
    pub(crate) fn finish(&self, diagnostics: &mut Diagnostics) -> BTreeSet<CompactString> {
        self.relays.check(diagnostics)
    }
}
