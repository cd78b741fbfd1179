//! [`Plan`]: the checked program, ready to be built. All the runtime ever sees of a configuration.

pub mod draw;
pub(crate) mod fingerprint;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldline_core::memory::Memory;
use fieldline_core::policy::{LetterFile, SinkPolicy, SourcePolicy};
use fieldline_core::{Facts, FieldPath, FileError, Files, Kind, Origin, Port, Prepared, Redactor, Setting};

pub use self::fingerprint::Fingerprint;
use self::fingerprint::Hasher;

/// The full name of a node: `pipeline/node`. The same node in the next plan has the same id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// The id of node `node` in pipeline `pipeline`.
    pub fn new(pipeline: &str, node: &str) -> Self {
        NodeId(format!("{pipeline}/{node}").into())
    }

    /// The pipeline's name.
    pub fn pipeline(&self) -> &str {
        self.0.split_once('/').map_or("", |(pipeline, _)| pipeline)
    }

    /// The node's name within its pipeline.
    pub fn node(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, node)| node)
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One edge, as its consumer declares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Input {
    /// The node that is read.
    pub from: NodeId,
    /// Which of its outputs.
    pub port: Port,
}

/// An edge that brings commands, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Where they come from.
    pub input: Input,
    /// The settings that they may set.
    pub allow: Vec<&'static str>,
    /// Whether what they set outlives the program.
    pub persist: bool,
    /// How long what they set holds, and the longest that a command may ask for; for good without it.
    pub expires: Option<Duration>,
}

/// The latest value of a node, which lies beside each event of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// What the user calls it.
    pub name: Arc<str>,
    /// Where it comes from.
    pub input: Input,
    /// How fresh it must be.
    pub freshness: Freshness,
}

/// How fresh a value beside an event must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// How much older than the event it may be; any age without it.
    pub max_age: Option<Duration>,
    /// What happens to an event while there is no value, or none fresh enough.
    pub missing: Missing,
}

/// What happens to an event that lacks a value beside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// It is processed, and the value is null.
    #[default]
    Null,
    /// It is taken out.
    Drop,
    /// It waits for the value, and those behind it too; after this time it goes to the dead letter.
    Wait(Duration),
}

/// One node of the program.
#[derive(Clone)]
pub struct Node {
    /// Its full name.
    pub id: NodeId,
    /// The part it plays.
    pub kind: Kind,
    /// Its `type:`.
    pub component: &'static str,
    /// Its config, checked.
    pub prepared: Prepared,
    /// What was learnt of it: outputs (never empty), claims, topics, files.
    pub facts: Facts,
    /// What a transform remembers.
    pub memory: Option<Memory>,
    /// The edges into it; empty for connections and sources.
    pub inputs: Vec<Input>,
    /// The values that lie beside each event, those of other nodes.
    pub with: Vec<Beside>,
    /// The edges that bring commands. They are beside the flow: they may lead back to what comes later.
    pub controls: Vec<Control>,
    /// What commands can set at all; how it is configured stands in the facts.
    pub settings: &'static [Setting],
    /// The connection it uses.
    pub connection: Option<NodeId>,
    /// How a sink waits, batches and retries; the default for every other kind.
    pub policy: SinkPolicy,
    /// Decides whether a reload keeps it.
    pub fingerprint: Fingerprint,
    /// The same without the content of the files it names.
    pub text_fingerprint: Fingerprint,
    /// Where each text field was written, for errors inside scripts.
    pub origins: BTreeMap<FieldPath, Origin>,
}

impl Node {
    /// Every edge into it: of events, of values beside them, and of commands.
    pub fn reads(&self) -> impl Iterator<Item = &Input> {
        let with = self.with.iter().map(|beside| &beside.input);
        self.inputs.iter().chain(with).chain(self.controls.iter().map(|control| &control.input))
    }

    /// Whether this is the connection `before` with other content of its files: it goes on, and so do those who
    /// use it.
    pub fn renews(&self, before: &Node) -> bool {
        (self.kind, before.kind) == (Kind::Connection, Kind::Connection)
            && self.component == before.component
            && self.facts.renews
            && self.text_fingerprint == before.text_fingerprint
            && self.fingerprint != before.fingerprint
    }

    /// Whether this transform, if it was changed, takes over what `before` remembers.
    pub fn takes_over(&self, before: &Node) -> bool {
        let memory = before.memory.as_ref();
        self.component == before.component
            && memory.is_some_and(|memory| memory.goes_on_in(self.memory.as_ref()))
    }
}

/// One pipeline of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Its name, unique in the program.
    pub name: Arc<str>,
    /// What the user says of it.
    pub description: Option<String>,
    /// The file to run: the station file where there is one.
    pub file: PathBuf,
    /// Every file it is made of.
    pub sources: Vec<PathBuf>,
    /// Where its failed events go; the default file of the data directory without it.
    pub dead_letter: Option<NodeId>,
    /// The file of failed events that no sink takes.
    pub letter_file: LetterFile,
    /// How long after a change it is watched; when it does badly within, the change is rolled back.
    pub rollback_window: Option<Duration>,
}

/// The checked program.
#[derive(Clone, Default)]
pub struct Plan {
    /// Its pipelines, by name.
    pub pipelines: Vec<Pipeline>,
    /// All nodes; connections first, then each node after those it reads.
    pub nodes: Vec<Node>,
    /// What is set on its sources, beside what their components read; the default for one that is not here.
    pub sources: BTreeMap<NodeId, SourcePolicy>,
    /// The files its components read, as they were when it was compiled.
    pub files: Snapshot,
    /// The secrets that were put into it.
    pub redactor: Redactor,
}

impl Plan {
    /// All nodes by their ids, for who looks many of them up.
    pub fn by_id(&self) -> BTreeMap<&NodeId, &Node> {
        self.nodes.iter().map(|node| (&node.id, node)).collect()
    }

    /// The node of this id; looks through all of them.
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == *id)
    }

    /// The sink that the failed events of `pipeline` go to; none where they go to the file.
    pub fn dead_letter(&self, pipeline: &str) -> Option<&NodeId> {
        self.pipelines.iter().find(|planned| *planned.name == *pipeline)?.dead_letter.as_ref()
    }

    /// What decides whether two plans say the same: nodes, edges, and what is set on whole pipelines.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = Hasher::new();
        let mut nodes: Vec<&Node> = self.nodes.iter().collect();
        nodes.sort_unstable_by_key(|node| &node.id);
        for node in nodes {
            hasher.bytes(node.id.as_str().as_bytes());
            hasher.bytes(&node.fingerprint.0.to_le_bytes());
            hasher.bytes(format!("{:?} {:?} {:?}", node.inputs, node.with, node.connection).as_bytes());
        }
        for pipeline in &self.pipelines {
            let Pipeline { name, dead_letter, letter_file, rollback_window, .. } = pipeline;
            hasher.bytes(format!("{name} {dead_letter:?} {letter_file:?} {rollback_window:?}").as_bytes());
        }
        hasher.finish()
    }
}

/// The content of files at the moment a plan was compiled.
#[derive(Clone, Debug, Default)]
pub struct Snapshot(pub BTreeMap<PathBuf, Bytes>);

impl Files for Snapshot {
    fn read(&self, path: &std::path::Path) -> Result<Bytes, FileError> {
        self.0.get(path).cloned().ok_or(FileError::NotInPlan)
    }
}
