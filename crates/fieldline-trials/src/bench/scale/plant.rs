//! [`Plant`]: many small chains of nodes, in one pipeline or in many, as files.

use std::path::Path;

use anyhow::Result;

use super::super::super::broker::write;

/// Nodes of a chain: a source, [`TRANSFORMS`] and a sink.
const CHAIN: usize = TRANSFORMS.len() + 2;

/// What users write most.
const TRANSFORMS: [&str; 8] = [FILTER, MAP, SCRIPT, FILTER, MAP, SCRIPT, FILTER, MAP];
const FILTER: &str = "type: filter, keep: { status: success }";
const MAP: &str = "type: map, set: { line: 22 }";
const SCRIPT: &str = "type: script, code: \"this.value = 2.0 * this.value + EDIT.0;\"";

/// A source that stands by, as in a plant at rest.
pub(in crate::bench) const AT_REST: &str = "type: timer, every: 1h, body: { status: success, value: 21.5 }";

/// How many there are.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) struct Plant {
    pub(in crate::bench) pipelines: usize,
    /// Chains in each pipeline.
    pub(in crate::bench) chains: usize,
}

impl Plant {
    /// How many nodes it has.
    pub(in crate::bench) fn nodes(self) -> usize {
        self.pipelines * self.chains * CHAIN
    }

    /// Writes all its pipelines into `folder`, each chain with `source`.
    pub(in crate::bench) fn write(self, folder: &Path, source: &str) -> Result<()> {
        std::fs::create_dir(folder)?;
        (0..self.pipelines).try_for_each(|number| self.write_pipeline(folder, number, source, 0))
    }

    /// Writes the first pipeline again with another script in its first chain.
    pub(in crate::bench) fn edit(self, folder: &Path, source: &str, edit: u32) -> Result<()> {
        self.write_pipeline(folder, 0, source, edit)
    }

    fn write_pipeline(self, folder: &Path, number: usize, source: &str, edit: u32) -> Result<()> {
        let (mut sources, mut transforms, mut sinks) = (String::new(), String::new(), String::new());
        for chain in 0..self.chains {
            sources += &format!("  in{chain}: {{ {source} }}\n");
            let mut last = format!("in{chain}");
            for (index, transform) in TRANSFORMS.iter().enumerate() {
                let edit = if (chain, index) == (0, 2) { edit } else { 0 };
                let transform = transform.replace("EDIT", &edit.to_string());
                transforms += &format!("  t{chain}_{index}: {{ inputs: {last}, {transform} }}\n");
                last = format!("t{chain}_{index}");
            }
            sinks += &format!("  out{chain}: {{ type: blackhole, inputs: {last} }}\n");
        }
        let text = format!(
            "pipeline: station{number}\nrollback_window: 0s\nsources:\n{sources}transforms:\n{transforms}sinks:\n{sinks}"
        );
        write(&folder.join(format!("station{number}.yaml")), &text)
    }
}
