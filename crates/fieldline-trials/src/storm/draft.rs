//! [`Draft`]: the pipeline of a storm as it is edited.

use std::fmt;
use std::path::Path;

use anyhow::Result;

use super::super::broker::write;

const PIPELINE: &str = r#"pipeline: storm
rollback_window: 0s
connections:
  plant: { type: mqtt, url: "mqtt://127.0.0.1:PORT", client_id: storm-program, version: "5", keep_alive: 5s }
NOWHEREsources:
  in: { type: mqtt, connection: plant, topics: TOPICS, qos: 1 }
transforms:
  work: { type: script, inputs: in, code: "this.edit = EDIT; this.lane = meta.topic.sub_string(9);" }
  first: { type: filter, inputs: LAST, keep: { lane: "0" } }
MIDDLEsinks:
  out: { type: mqtt, inputs: LAST, connection: plant, topic: "storm/out/{{ event.lane }}", qos: 1, batch: { max_events: BATCH } }
  spare:
    type: mqtt
    inputs: first
    connection: SPARE
    topic: storm/spare
    buffer: { type: disk, max_size: 64MiB }
"#;

/// Where the spare sink's connection leads when it cannot be made.
const NOWHERE: &str = r#"  nowhere: { type: mqtt, url: "mqtt://127.0.0.1:1", client_id: storm-spare }
"#;

/// Gathers readings and takes them apart again: what a window forgets is missing at the end.
const WINDOW: &str = r#"  gather: { type: window, inputs: work, tumbling: LENGTH, by: lane, aggregate: { n: list(n) } }
  scatter: { type: script, inputs: gather, code: "for n in this.n { emit(#{ n: n, lane: this.lane }); } discard();" }
"#;

/// A source that never connects, beside the others.
const UNREACHABLE: &str = r#"pipeline: unreachable
rollback_window: 0s
connections:
  nowhere: { type: mqtt, url: "mqtt://127.0.0.1:1", client_id: storm-nowhere }
sources:
  never: { type: mqtt, connection: nowhere, topics: ["a/b"] }
sinks:
  none: { type: blackhole, inputs: never }
"#;

/// Lengths of the window, in milliseconds, in turn; 0 for none. So short that a script may emit again what one holds,
/// also while the program makes up for what has waited.
const WINDOWS: [u32; 4] = [0, 20, 50, 30];

/// What is edited, in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// The script.
    Script,
    /// A window comes into the middle, or gets another length.
    Window,
    /// The main sink's batches.
    Sink,
    /// The source's topics.
    Source,
    /// A mistake in the YAML.
    Mistake,
    /// The spare sink's connection, to one that cannot be made and back: what it is to write waits on disk.
    Spare,
    /// Another pipeline, which cannot connect, comes or goes.
    Unreachable,
}

/// The edits of a storm, over and over, but for [`Edit::Spare`].
const EDITS: [Edit; 8] = [
    Edit::Script,
    Edit::Window,
    Edit::Mistake,
    Edit::Window,
    Edit::Source,
    Edit::Unreachable,
    Edit::Script,
    Edit::Sink,
];

impl fmt::Display for Edit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Edit::Script => "script",
            Edit::Window => "window",
            Edit::Sink => "sink",
            Edit::Source => "source",
            Edit::Mistake => "mistake",
            Edit::Spare => "sink that cannot connect",
            Edit::Unreachable => "pipeline that cannot connect",
        })
    }
}

impl Edit {
    /// The edit before the reload of this number. The spare sink is away once, for ten reloads: what feeds it waits
    /// while it is given its connection back.
    pub(super) fn before(reload: u32) -> Edit {
        match reload {
            10 | 20 => Edit::Spare,
            _ => EDITS[reload as usize % EDITS.len()],
        }
    }
}

/// The pipeline as it is edited.
pub(super) struct Draft {
    port: u16,
    script: u32,
    /// In milliseconds; 0 for none.
    window: u32,
    /// How often the window was edited.
    windows: usize,
    batch: u32,
    topics: &'static str,
    is_spare_away: bool,
    has_mistake: bool,
    has_unreachable: bool,
}

impl Draft {
    /// The pipeline before the first edit, for the broker at `port`.
    pub(super) fn new(port: u16) -> Self {
        let topics = "[\"storm/in/+\"]";
        Draft {
            port,
            script: 0,
            window: 0,
            windows: 0,
            batch: 100,
            topics,
            is_spare_away: false,
            has_mistake: false,
            has_unreachable: false,
        }
    }

    /// Makes one edit; `number` is different for each.
    pub(super) fn edit(&mut self, edit: Edit, number: u32) {
        self.has_mistake = edit == Edit::Mistake;
        match edit {
            Edit::Script => self.script = number + 1,
            Edit::Window => {
                self.windows += 1;
                self.window = WINDOWS[self.windows % WINDOWS.len()];
            }
            Edit::Sink => self.batch = 100 + number % 64,
            Edit::Source if self.topics.contains("other") => self.topics = "[\"storm/in/+\"]",
            Edit::Source => self.topics = "[\"storm/in/+\", \"storm/other\"]",
            Edit::Mistake => {}
            Edit::Spare => self.is_spare_away = !self.is_spare_away,
            Edit::Unreachable => self.has_unreachable = !self.has_unreachable,
        }
    }

    /// Connects the spare sink again and takes out mistakes.
    pub(super) fn calm_down(&mut self) {
        (self.is_spare_away, self.has_mistake) = (false, false);
    }

    /// The pipeline file.
    pub(super) fn text(&self) -> String {
        let (middle, last) = match self.window {
            0 => (String::new(), "work"),
            length => (WINDOW.replace("LENGTH", &format!("{length}ms")), "scatter"),
        };
        let (nowhere, spare) = if self.is_spare_away { (NOWHERE, "nowhere") } else { ("", "plant") };
        let last = if self.has_mistake { "scater" } else { last };
        PIPELINE
            .replace("PORT", &self.port.to_string())
            .replace("EDIT", &self.script.to_string())
            .replace("TOPICS", self.topics)
            .replace("MIDDLE", &middle)
            .replace("NOWHERE", nowhere)
            .replace("SPARE", spare)
            .replace("LAST", last)
            .replace("BATCH", &self.batch.to_string())
    }

    /// Writes or removes the file of the pipeline that cannot connect.
    pub(super) fn place_unreachable(&self, path: &Path) -> Result<()> {
        match (self.has_unreachable, path.exists()) {
            (true, false) => write(path, UNREACHABLE),
            (false, true) => Ok(std::fs::remove_file(path)?),
            _ => Ok(()),
        }
    }
}
