//! How a compiled program meets the one that runs.

use fieldline_compiler::Broken;
use fieldline_compiler::plan::Plan;

/// The new plan with the pipelines of broken files as they run now: one broken station does not stop the others
/// from being updated, nor itself.
pub(crate) fn with_broken_as_they_run(running: &Plan, mut plan: Plan, broken: &[Broken]) -> Plan {
    for broken in broken {
        let is_free = |name: &str| plan.pipelines.iter().all(|pipeline| *pipeline.name != *name);
        let old = running.pipelines.iter().filter(|old| old.file == broken.file && is_free(&old.name));
        let kept: Vec<_> = old.cloned().collect();
        for pipeline in kept {
            let nodes = running.nodes.iter().filter(|node| node.id.pipeline() == &*pipeline.name).cloned();
            plan.nodes.extend(nodes);
            let sources = running.sources.iter().filter(|(id, _)| id.pipeline() == &*pipeline.name);
            plan.sources.extend(sources.map(|(id, policy)| (id.clone(), policy.clone())));
            plan.pipelines.push(pipeline);
            for (path, content) in &running.files.0 {
                plan.files.0.entry(path.clone()).or_insert_with(|| content.clone());
            }
        }
    }
    plan.pipelines.sort_by(|left, right| left.name.cmp(&right.name));
    plan
}
