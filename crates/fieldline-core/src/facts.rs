//! [`Facts`]: what the compiler must know of a component to check a whole program.

use std::fmt;
use std::path::PathBuf;

use crate::path::FieldPath;
use crate::setting::Settings;

/// Something of which there is one, so that two nodes of a program cannot both have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed.
    pub resource: Resource,
    /// The field that claims it.
    pub field: FieldPath,
}

/// What a [`Claim`] is about; as text the words that people read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// In words that name it: `MQTT client id \`pi-1\` at broker:8883`.
    Named(String),
    /// What is at a path, such as a device or a file: the words in front of the path, and the path. However that is
    /// written, and whichever links lead there, it is one.
    At(String, PathBuf),
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resource::Named(words) => f.write_str(words),
            Resource::At(words, path) => write!(f, "{words} `{}`", path.display()),
        }
    }
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

/// Which way events pass a [`Channel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the other end into the program.
    In,
    /// From the program to the other end.
    Out,
}

/// A named way for events between a node and the other end of its connection, such as a topic of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Which way they pass.
    pub direction: Direction,
    /// Its name at the other end, in levels that `/` divides. A level `+` stands for any one level, `#` as the last for
    /// all that follow: where a node receives from many, or the events decide.
    pub address: String,
    /// The field that says so.
    pub field: FieldPath,
}

/// What a component says of the session at the other end: what that keeps for a connection while it is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Session {
    /// Of a connection: by this field its session ends whenever it is away.
    Ends(FieldPath),
    /// Of a node: this field promises each event at least once, which takes a session that stays.
    Needed(FieldPath),
}

/// What the compiler must know of a component to check a whole program.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Names of the outputs, the main one first; empty means just `main`.
    pub outputs: Vec<String>,
    /// Those of them that need no reader: what leaves by them and nobody reads is booked as dropped, with a reason.
    pub spare_outputs: Vec<&'static str>,
    /// What only one node may have.
    pub claims: Vec<Claim>,
    /// The connection it uses: the field that names it, and the name.
    pub connection: Option<(FieldPath, String)>,
    /// The `type:` that connection must have; `None` where any will do.
    pub connection_type: Option<&'static str>,
    /// Who is at the other end, as `host:port`: of a connection, or of a node that reaches it without one; `None` where
    /// nobody is, and for a connection that is reached in no other way.
    pub peer: Option<String>,
    /// What it says of the session at the other end.
    pub session: Option<Session>,
    /// The ways by which events pass between it and the other end.
    pub channels: Vec<Channel>,
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

impl Facts {
    /// The channels by which events pass this way.
    pub fn channels(&self, direction: Direction) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(move |channel| channel.direction == direction)
    }
}
