//! [`Loader`]: files to a compiled program, with a record of what was read; and how that meets the program that runs.

use std::path::PathBuf;
use std::sync::Arc;

use fieldline_compiler::diagnostics::render;
use fieldline_compiler::{
    Broken, Compiled, FileSource, NodeId, Overrides, Pipeline, Plan, Request, Variables, compile,
};
use fieldline_core::report::Severity;
use fieldline_core::{Redactor, Registry};

use crate::inputs::{Inputs, Recorder};
use crate::source::ConfigSource;

/// Compiles the same files again and again.
#[derive(Clone)]
pub struct Loader {
    roots: Arc<[PathBuf]>,
    source: Arc<dyn ConfigSource>,
    registry: Arc<Registry>,
    redactor: Redactor,
}

/// A compiled program.
pub struct Loaded {
    /// What the compiler made of the files.
    pub compiled: Compiled,
    /// What it has read.
    pub inputs: Inputs,
}

impl Loader {
    /// Compiles `roots`, files or folders, from `source`.
    pub fn new(roots: Vec<PathBuf>, source: Arc<dyn ConfigSource>, registry: Registry) -> Self {
        Loader { roots: roots.into(), source, registry: Arc::new(registry), redactor: Redactor::default() }
    }

    /// Compiles the files. Blocks while it reads them.
    pub fn load(&self) -> Loaded {
        let recorder = Recorder::new(self.source.clone());
        let compiled = self.compile(&recorder, &recorder);
        Loaded { compiled, inputs: recorder.into_inputs() }
    }

    /// Compiles files from elsewhere; variables are those of today. Blocks.
    pub(crate) fn load_from(&self, files: &dyn FileSource) -> Compiled {
        self.compile(files, &*self.source)
    }

    /// Knows the secrets of all that was compiled.
    pub fn redactor(&self) -> Redactor {
        self.redactor.clone()
    }

    /// Where files come from.
    pub(crate) fn source(&self) -> &Arc<dyn ConfigSource> {
        &self.source
    }

    fn compile(&self, files: &dyn FileSource, variables: &dyn Variables) -> Compiled {
        let overrides = Overrides::default();
        let request = Request { roots: &self.roots, files, variables, registry: &self.registry, overrides };
        let mut compiled = compile(&request);
        self.redactor.learn(&compiled.plan.redactor);
        compiled.plan.redactor = self.redactor();
        compiled
    }
}

/// Each error in one line, for logs and answers.
pub fn error_lines(compiled: &Compiled) -> Vec<String> {
    let errors = compiled.diagnostics.iter().filter(|one| one.severity == Severity::Error);
    errors.map(|diagnostic| render::line(diagnostic, &compiled.files)).collect()
}

/// The new plan with the pipelines of broken files, and of folders that are gone, as they run now: one broken station
/// does not stop the others from being updated, nor itself.
pub(crate) fn with_broken_as_they_run(running: &Plan, mut plan: Plan, broken: &[Broken]) -> Plan {
    for broken in broken {
        let is_free = |name: &str| plan.pipelines.iter().all(|pipeline| *pipeline.name != *name);
        let old =
            running.pipelines.iter().filter(|old| old.file.starts_with(&broken.file) && is_free(&old.name));
        let kept: Vec<_> = old.cloned().collect();
        kept.iter().for_each(|pipeline| put(&mut plan, pipeline, running));
    }
    plan.pipelines.sort_by(|left, right| left.name.cmp(&right.name));
    plan
}

/// The plan with one pipeline as it is in `other`; where that has none of this name, it goes.
pub(crate) fn with_pipeline_of(mut plan: Plan, name: &str, other: &Plan) -> Plan {
    plan.pipelines.retain(|pipeline| *pipeline.name != *name);
    plan.nodes.retain(|node| node.id.pipeline() != name);
    plan.sources.retain(|id, _| id.pipeline() != name);
    for pipeline in other.pipelines.iter().filter(|pipeline| *pipeline.name == *name) {
        put(&mut plan, pipeline, other);
        let nodes = other.nodes.iter().filter(|node| node.id.pipeline() == name);
        for path in nodes.flat_map(|node| &node.facts.files) {
            let content = other.files.0.get(path).map(|content| (path.clone(), content.clone()));
            plan.files.0.extend(content);
        }
    }
    plan.pipelines.sort_by(|left, right| left.name.cmp(&right.name));
    plan
}

/// Adds a pipeline of `from`, and the files of that which the plan lacks.
fn put(plan: &mut Plan, pipeline: &Pipeline, from: &Plan) {
    let is_in_it = |id: &NodeId| id.pipeline() == &*pipeline.name;
    plan.nodes.extend(from.nodes.iter().filter(|node| is_in_it(&node.id)).cloned());
    let sources = from.sources.iter().filter(|(id, _)| is_in_it(id));
    plan.sources.extend(sources.map(|(id, policy)| (id.clone(), policy.clone())));
    plan.pipelines.push(pipeline.clone());
    for (path, content) in &from.files.0 {
        plan.files.0.entry(path.clone()).or_insert_with(|| content.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::MemorySource;

    #[test]
    fn the_pipelines_of_a_folder_that_is_gone_stay_beside_those_that_are_edited() {
        let source = Arc::new(MemorySource::default());
        let text = |name: &str, every: &str| {
            format!(
                "pipeline: {name}\nsources:\n  t: {{ type: timer, every: {every} }}\nsinks:\n  o: {{ type: blackhole, inputs: t }}\n"
            )
        };
        source.write("one/deep/a.yaml", text("a", "1s"));
        source.write("two/b.yaml", text("b", "1s"));
        let registry = Registry::new(fieldline_components::all());
        let loader = Loader::new(vec!["one".into(), "two".into()], source.clone(), registry);
        let running = loader.load().compiled.plan;
        source.remove("one/deep/a.yaml");
        source.write("two/b.yaml", text("b", "2s"));
        let Compiled { plan, broken, .. } = loader.load().compiled;
        let next = with_broken_as_they_run(&running, plan, &broken);
        let same = |id: &str| {
            let find = |plan: &Plan| plan.nodes.iter().find(|node| node.id.as_str() == id).cloned();
            find(&running).map(|node| node.fingerprint) == find(&next).map(|node| node.fingerprint)
        };
        assert_eq!((same("a/t"), same("b/t"), next.nodes.len()), (true, false, 4));
    }
}
