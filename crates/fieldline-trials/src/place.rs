//! [`Place`]: where a broker listens, for our own clients and proxies.

use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Where a broker listens.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A port of 127.0.0.1.
    Port(u16),
    /// A socket in the file system.
    Socket(PathBuf),
}

impl Place {
    /// A stream to it. A socket is read, written and shut down by the same calls as a TCP stream, so it passes for one.
    pub(super) fn connect(&self) -> Result<TcpStream> {
        Ok(match self {
            Place::Port(port) => TcpStream::connect(("127.0.0.1", *port))?,
            Place::Socket(path) => OwnedFd::from(UnixStream::connect(path)?).into(),
        })
    }

    /// What mosquitto's clients are told to find it.
    pub(super) fn arguments(&self) -> Vec<String> {
        match self {
            Place::Port(port) => ["-h", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned).to_vec(),
            Place::Socket(path) => vec!["--unix".to_owned(), path.display().to_string()],
        }
    }
}

impl From<u16> for Place {
    fn from(port: u16) -> Self {
        Place::Port(port)
    }
}

impl From<PathBuf> for Place {
    fn from(socket: PathBuf) -> Self {
        Place::Socket(socket)
    }
}

impl From<&Path> for Place {
    fn from(socket: &Path) -> Self {
        Place::Socket(socket.to_owned())
    }
}
