//! Documents at the other end of a connection, such as device shadows: who writes which part. Over the whole program.

use std::collections::HashMap;

use fieldline_core::FieldPath;

use super::peer;
use crate::diagnostics::Diagnostics;
use crate::nodes::fields::Fields;
use crate::nodes::resolve::Resolved;
use crate::nodes::spec::PipelineSpec;
use crate::text::files::{FileSet, Span};

/// Who writes what, so far.
#[derive(Default)]
pub(crate) struct Documents {
    /// By who keeps the document, and its name.
    writers: HashMap<(String, String), Vec<Writer>>,
}

struct Writer {
    pipeline: String,
    node: String,
    member: Option<FieldPath>,
    span: Span,
}

/// Whether two writers write the same member.
enum Overlap {
    No,
    /// The events decide.
    Perhaps,
    Yes,
}

impl Documents {
    /// Adds what the nodes of a pipeline write; complains where another writes it as well.
    pub(crate) fn add(
        &mut self,
        spec: &PipelineSpec,
        resolved: &[Option<Resolved>],
        files: &FileSet,
        diagnostics: &mut Diagnostics,
    ) {
        for (index, node) in spec.nodes.iter().enumerate() {
            let Some(found) = resolved[index].as_ref().filter(|found| !found.facts.writes.is_empty()) else {
                continue;
            };
            let Some(peer) = peer(spec, resolved, index) else { continue };
            for writes in &found.facts.writes {
                let span = Fields::of(&node.config, files).value(node, &writes.field).0;
                let member = writes.member.clone();
                let writer =
                    Writer { pipeline: spec.name.to_string(), node: node.id.to_string(), member, span };
                let writers = self.writers.entry((peer.clone(), writes.document.clone())).or_default();
                complain(&writer, writers, &writes.document, diagnostics);
                writers.push(writer);
            }
        }
    }
}

/// Complains about the first of `others` that writes the same.
fn complain(writer: &Writer, others: &[Writer], document: &str, diagnostics: &mut Diagnostics) {
    let mut uncertain = None;
    for other in
        others.iter().filter(|other| (&other.pipeline, &other.node) != (&writer.pipeline, &writer.node))
    {
        let own = other.pipeline == writer.pipeline;
        let full = |writer: &Writer| match own {
            true => writer.node.clone(),
            false => format!("{}/{}", writer.pipeline, writer.node),
        };
        match overlap(writer.member.as_ref(), other.member.as_ref()) {
            Overlap::No => {}
            Overlap::Perhaps => uncertain = uncertain.or(Some((full(writer), full(other), other.span))),
            Overlap::Yes => {
                let member =
                    writer.member.as_ref().map(|member| format!("`{member}` in ")).unwrap_or_default();
                let resource = format!("{member}{document}");
                let owner = full(other);
                let owner = (owner.as_str(), other.span, None);
                diagnostics.resource_clash(writer.span, &resource, &full(writer), owner);
                return;
            }
        }
    }
    if let Some((second, first, span)) = uncertain {
        diagnostics.perhaps_written_twice(writer.span, document, &second, &first, span);
    }
}

fn overlap(left: Option<&FieldPath>, right: Option<&FieldPath>) -> Overlap {
    let (Some(left), Some(right)) = (left, right) else { return Overlap::Perhaps };
    match left.steps().starts_with(right.steps()) || right.steps().starts_with(left.steps()) {
        true => Overlap::Yes,
        false => Overlap::No,
    }
}
