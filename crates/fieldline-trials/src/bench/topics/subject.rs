//! What is measured: bare loops and pipelines that do the same work.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;

use super::super::super::broker::write;
use super::super::super::process::Process;

/// The three statements of every script.
const SCRIPT: &str =
    "this.value = 2.0 * this.value - this.cpu; this.kelvin = this.value + 273.15; this.ok = true;";

/// Something that brings messages from one topic to others.
pub(in crate::bench) struct Subject {
    /// What the table calls it.
    pub(in crate::bench) name: String,
    /// The quality of service of all its messages.
    pub(in crate::bench) qos: u8,
    /// How many messages it makes of one.
    pub(in crate::bench) copies: usize,
    /// The bare loop it is compared with, by its place among the subjects; its own for that loop.
    pub(in crate::bench) twin: usize,
    kind: Kind,
}

enum Kind {
    /// rumqttc alone; `after` has the message acknowledged only after its copies are.
    Bare {
        after: bool,
    },
    Pipeline {
        scripts: usize,
    },
}

/// Where subjects are started.
pub(in crate::bench) struct Stage<'a> {
    pub(in crate::bench) program: &'a Path,
    pub(in crate::bench) bare_loop: &'a Path,
    /// Where the broker listens.
    pub(in crate::bench) port: u16,
    pub(in crate::bench) folder: &'a Path,
    /// Variables that all of them find beside those of this tool.
    pub(in crate::bench) environment: &'a [(&'a str, &'a str)],
}

impl Subject {
    /// One script between source and sink.
    pub(in crate::bench) fn one_script(qos: u8) -> Subject {
        let name = "source, script, sink".to_owned();
        Subject { name, qos, copies: 1, twin: 0, kind: Kind::Pipeline { scripts: 1 } }
    }

    /// All there are for a quality of service. With QoS 1, pipelines are compared with the loop that acknowledges
    /// when they do.
    pub(in crate::bench) fn all(qos: u8) -> Vec<Subject> {
        let after = qos > 0;
        let bare = |name: &str, after, copies, twin| Subject {
            name: name.to_owned(),
            qos,
            copies,
            twin,
            kind: Kind::Bare { after },
        };
        let pipeline = |name: &str, scripts, copies, twin| Subject {
            name: name.to_owned(),
            qos,
            copies,
            twin,
            kind: Kind::Pipeline { scripts },
        };
        let mut subjects = vec![
            bare("bare loop", after, 1, 0),
            pipeline("source, sink", 0, 1, 0),
            Subject::one_script(qos),
            pipeline("source, 5 scripts, sink", 5, 1, 0),
            bare("bare loop, 4 copies", after, 4, 4),
            pipeline("source, 4 sinks", 0, 4, 4),
        ];
        if after {
            subjects.push(bare("bare, acknowledging at once", false, 1, 0));
        }
        subjects
    }
}

impl Stage<'_> {
    /// Starts `subject` between `topic/in` and `topic/out/…`.
    pub(in crate::bench) fn start(&self, subject: &Subject, topic: &str) -> Result<Process> {
        let mut command = match subject.kind {
            Kind::Bare { after } => {
                let mut command = Command::new(self.bare_loop);
                command.args([&self.port.to_string(), topic, &subject.qos.to_string()]);
                command.arg(subject.copies.to_string()).arg(if after { "after" } else { "automatic" });
                command
            }
            Kind::Pipeline { scripts } => {
                let name = topic.replace('/', "-");
                let pipeline = self.folder.join(format!("{name}.yaml"));
                write(&pipeline, &text(self.port, subject, scripts, topic))?;
                let mut command = Command::new(self.program);
                command.args(["run", "--admin", "127.0.0.1:0", "--log", "error", "--data-dir"]);
                command.arg(self.folder.join(name)).arg(pipeline);
                command
            }
        };
        command.envs(self.environment.iter().copied());
        Process::start(command.stdout(Stdio::null()).stderr(Stdio::inherit()))
    }
}

fn text(port: u16, subject: &Subject, scripts: usize, topic: &str) -> String {
    let (qos, id) = (subject.qos, topic.replace('/', "-"));
    let mut text = format!(
        "pipeline: bench\nconnections:\n  plant: {{ type: mqtt, url: \"mqtt://127.0.0.1:{port}\", client_id: {id} }}\n\
         sources:\n  in: {{ type: mqtt, connection: plant, topics: [{topic}/in], qos: {qos} }}\n"
    );
    let mut last = "in".to_owned();
    if scripts > 0 {
        text += "transforms:\n";
    }
    for number in 0..scripts {
        text += &format!("  script{number}: {{ type: script, inputs: {last}, code: \"{SCRIPT}\" }}\n");
        last = format!("script{number}");
    }
    text += "sinks:\n";
    for copy in 0..subject.copies {
        text += &format!(
            "  out{copy}: {{ type: mqtt, inputs: {last}, connection: plant, topic: {topic}/out/{copy}, qos: {qos} }}\n"
        );
    }
    text
}
