//! [`Facts`]: what the compiler must know of a component to check a whole program.

use std::path::PathBuf;

use crate::path::FieldPath;
use crate::setting::Settings;

/// Something of which there is one, so that two nodes of a program cannot both have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed, in words that name it: `MQTT client id \`pi-1\` at broker:8883`.
    pub resource: String,
    /// The field that claims it.
    pub field: FieldPath,
}

/// A part of a document at the other end of a connection, which two nodes would overwrite for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes {
    /// The document, in words that name it: ``the reported state of the shadow `pi-1` ``.
    pub document: String,
    /// The member that is written, with all it contains; `None` where the events decide.
    pub member: Option<FieldPath>,
    /// The field that says so.
    pub field: FieldPath,
}

/// What the compiler must know of a component to check a whole program.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Names of the outputs, the main one first; empty means just `main`.
    pub outputs: Vec<String>,
    /// What only one node may have.
    pub claims: Vec<Claim>,
    /// The connection it uses: the field that names it, and the name.
    pub connection: Option<(FieldPath, String)>,
    /// The `type:` that connection must have; `None` where any will do.
    pub connection_type: Option<&'static str>,
    /// Of a connection: who is at the other end, as `host:port`; `None` for one that is reached in no other way.
    pub peer: Option<String>,
    /// Of a connection: the field that lets the other end forget this one whenever it is away.
    pub forgotten: Option<FieldPath>,
    /// The field that promises each message at least once, which takes a connection that is not forgotten.
    pub at_least_once: Option<FieldPath>,
    /// MQTT topics it publishes to, as filters (`+` where a level comes from the event), by field.
    pub publishes: Vec<(FieldPath, String)>,
    /// MQTT topic filters it subscribes to, by field.
    pub subscribes: Vec<(FieldPath, String)>,
    /// What it writes into documents at the other end of its connection.
    pub writes: Vec<Writes>,
    /// Files it reads when it is built or runs: watched, and part of its fingerprint.
    pub files: Vec<PathBuf>,
    /// Whether it is a connection that can go on with other content of its files.
    pub renews: bool,
    /// It may block its thread for long, so it gets one of its own: for all it does, or a sink for connecting, writing
    /// and closing. A call that does not return holds neither a change nor a stop beyond the deadline.
    pub blocking: bool,
    /// How the settings are configured that can be changed while it runs with this config.
    pub settings: Settings,
}
