//! [`Draft`]: the pipeline as it is edited while its broker comes and goes.

use std::fmt;

use fastrand::Rng;

const PIPELINE: &str = r#"pipeline: storm
rollback_window: 2s
connections:
  inbound: { type: mqtt, url: "mqtt://127.0.0.1:INBOUND", client_id: storm-inbound, version: "5", in_flight: 500 }
  outbound:
    type: mqtt
    url: mqtt://127.0.0.1:OUTBOUND
    client_id: storm-outbound-CLIENT
    user: storm
    password: "PASSWORD"
    keep_alive: KEEP_ALIVEs
    operation_timeout: 1s
    backoff: { initial: 100ms, max: 500ms }
sources:
  in: { type: mqtt, connection: inbound, topics: TOPICS, qos: 1 }
transforms:
  work: { type: script, inputs: in, code: "this.edit = EDIT; this.spare = this.n % 4 == 0;" }
  quarter: { type: filter, inputs: work, keep: { spare: true } }
MIDDLEsinks:
  out:
    type: mqtt
    inputs: LAST
    connection: outbound
    topic: storm/out/TARGET
    qos: 1
    buffer: { max_events: ROOM }
    batch: { max_events: BATCH }
    retry: { initial: 100ms, max: RETRYms }
  spare:
    type: mqtt
    inputs: quarter
    connection: outbound
    topic: storm/spare
    qos: 1
    buffer: { type: disk, max_size: 64MiB }
    retry: { initial: 100ms, max: 500ms }
"#;

/// Gathers readings: what a window forgets is missing at the end.
const WINDOW: &str = "  gather: { type: window, inputs: work, tumbling: LENGTHms, aggregate: { n: list(n), edit: last(edit) } }\n";

/// Mistakes, as what stands in a good pipeline and what comes in its place: of names, values, fields and YAML.
const MISTAKES: [(&str, &str); 5] = [
    ("inputs: quarter", "inputs: quartet"),
    ("qos: 1 }", "qos: 3 }"),
    ("this.edit = ", "this.edit + = "),
    ("keep: ", "kept: "),
    ("sinks:\n", "sinks: [\n"),
];

/// What is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// The script.
    Script,
    /// A window comes into the middle, gets another length, or goes.
    Window,
    /// The main sink's topic.
    Topic,
    /// The main sink's buffer, batches and retries.
    Policy,
    /// The name, the sign of life, the password or the port of the sinks' connection.
    Connection,
    /// The source's topics.
    Source,
    /// A mistake.
    Mistake,
}

impl Edit {
    /// All there are.
    pub(super) const ALL: [Edit; 7] = [
        Edit::Script,
        Edit::Window,
        Edit::Topic,
        Edit::Policy,
        Edit::Connection,
        Edit::Source,
        Edit::Mistake,
    ];
}

impl fmt::Display for Edit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Edit::Script => "script",
            Edit::Window => "window",
            Edit::Topic => "topic of the sink",
            Edit::Policy => "buffer, batch, retry",
            Edit::Connection => "connection of the sinks",
            Edit::Source => "topics of the source",
            Edit::Mistake => "mistake",
        })
    }
}

/// The pipeline as it is edited.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    inbound: u16,
    /// The ports that lead to the sinks' broker, and which of them is used.
    outbound: [u16; 2],
    port: usize,
    script: u32,
    /// In milliseconds; 0 for none.
    window: u32,
    target: u32,
    room: u32,
    batch: u32,
    retry: u32,
    client: u32,
    keep_alive: u32,
    password: u32,
    topics: &'static str,
    mistake: Option<(&'static str, &'static str)>,
}

impl Draft {
    /// The pipeline before the first edit, for the brokers behind these ports.
    pub(super) fn new(inbound: u16, outbound: [u16; 2]) -> Self {
        Draft {
            inbound,
            outbound,
            port: 0,
            script: 0,
            window: 0,
            target: 0,
            room: 1000,
            batch: 100,
            retry: 500,
            client: 0,
            keep_alive: 5,
            password: 0,
            topics: "[\"storm/in\"]",
            mistake: None,
        }
    }

    /// Makes one edit; `number` is different for each.
    pub(super) fn edit(&mut self, edit: Edit, number: u32, chance: &mut Rng) {
        self.mistake = None;
        match edit {
            Edit::Script => self.script = number,
            Edit::Window => self.window = [0, 20, 30, 50][chance.usize(..4)],
            Edit::Topic => self.target = number,
            Edit::Policy => match chance.u32(..3) {
                0 => self.room = 100 + chance.u32(..1900),
                // Smaller ones wait so often for the broker that 5,000 a second do not pass.
                1 => self.batch = 64 + chance.u32(..256),
                _ => self.retry = 100 + chance.u32(..900),
            },
            Edit::Connection => match chance.u32(..4) {
                0 => self.client = number,
                1 => self.keep_alive = 2 + chance.u32(..9),
                2 => self.password = number,
                _ => self.port = 1 - self.port,
            },
            Edit::Source => {
                let others =
                    ["[\"storm/in\"]", "[\"storm/in\", \"storm/a\"]", "[\"storm/in\", \"storm/b/+\"]"];
                self.topics = others[chance.usize(..others.len())];
            }
            Edit::Mistake => self.mistake = Some(MISTAKES[chance.usize(..MISTAKES.len())]),
        }
    }

    /// The pipeline file.
    pub(super) fn text(&self) -> String {
        let (middle, last) = match self.window {
            0 => (String::new(), "work"),
            length => (WINDOW.replace("LENGTH", &length.to_string()), "gather"),
        };
        let text = PIPELINE
            .replace("MIDDLE", &middle)
            .replace("INBOUND", &self.inbound.to_string())
            .replace("OUTBOUND", &self.outbound[self.port].to_string())
            .replace("CLIENT", &self.client.to_string())
            .replace("PASSWORD", &self.password.to_string())
            .replace("KEEP_ALIVE", &self.keep_alive.to_string())
            .replace("TOPICS", self.topics)
            .replace("EDIT", &self.script.to_string())
            .replace("TARGET", &self.target.to_string())
            .replace("ROOM", &self.room.to_string())
            .replace("BATCH", &self.batch.to_string())
            .replace("RETRY", &self.retry.to_string())
            .replace("LAST", last);
        self.mistake.map_or(text.clone(), |(right, wrong)| text.replace(right, wrong))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_changes_the_file_and_the_next_edit_takes_it_out() {
        let mut draft = Draft::new(1, [2, 3]);
        let good = draft.text();
        for mistake in MISTAKES {
            draft.mistake = Some(mistake);
            assert_ne!(draft.text(), good, "{mistake:?}");
        }
        draft.edit(Edit::Script, 0, &mut Rng::with_seed(1));
        assert_eq!(draft.text(), good);
    }
}
