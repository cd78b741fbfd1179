//! The one way to open a file that others may have put there. A FIFO would make its reader wait for ever, a device may
//! never end and may act when it is opened: only regular files are opened (those of sysfs and procfs are regular), links
//! to them are followed, and what is read has a limit, whatever size the file claims. How many files and sockets may be
//! open is asked and raised here too.

use std::fs::{DirBuilder, File, FileType, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Read and written by the owner.
const PRIVATE_FILE: u32 = 0o600;
/// Used by the owner.
const PRIVATE_FOLDER: u32 = 0o700;

/// Why a file was not opened or read. It does not name the file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A folder is in its place.
    #[error("it is a folder")]
    Folder,
    /// Something else is in its place.
    #[error("it is a {0}, and only regular files are read")]
    NotRegular(&'static str),
    /// It is larger than this many bytes.
    #[error("it is larger than {0} bytes")]
    TooLarge(u64),
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            ReadError::Folder => io::Error::new(io::ErrorKind::IsADirectory, error),
            ReadError::NotRegular(_) => io::Error::new(io::ErrorKind::InvalidInput, error),
            ReadError::TooLarge(_) => io::Error::new(io::ErrorKind::FileTooLarge, error),
        }
    }
}

/// Opens a regular file for reading.
pub fn open(path: &Path) -> Result<File, ReadError> {
    open_with(path, OpenOptions::new().read(true))
}

/// Opens a regular file as `options` say.
pub fn open_with(path: &Path, options: &mut OpenOptions) -> Result<File, ReadError> {
    // Looked at before it is opened, since opening a device may do something; and after, since it may be another by then.
    match std::fs::metadata(path) {
        Ok(metadata) => regular(metadata.file_type())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens a regular file as `options` say, for its owner's eyes only, also where it was there before.
pub fn open_private(path: &Path, options: &mut OpenOptions) -> Result<File, ReadError> {
    let file = open_with(path, options.mode(PRIVATE_FILE))?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & !PRIVATE_FILE != 0 {
        file.set_permissions(Permissions::from_mode(mode & PRIVATE_FILE))?;
    }
    Ok(file)
}

/// Makes a folder that only its owner may use, and those above it that are missing. One that is there stays as it is:
/// somebody may share it on purpose.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE_FOLDER).create(path)
}

/// The content of a regular file, if it has at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    let file = open(path)?;
    if file.metadata()?.len() > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(content)
}

fn regular(kind: FileType) -> Result<(), ReadError> {
    if kind.is_file() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(ReadError::Folder);
    }
    Err(ReadError::NotRegular(if kind.is_fifo() {
        "FIFO"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }))
}

/// Lets the process have as many files and sockets open as its hard limit allows. The soft one is 1,024 on most systems,
/// for programs that call `select` (systemd.exec(5), `LimitNOFILE=`).
///
/// # Errors
/// What the system says; the limit is then as it was.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

/// How many files and sockets the process may have open at the same time.
pub fn descriptor_limit() -> usize {
    getrlimit(Resource::Nofile)
        .current
        .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType as Kind, Mode, mknodat};

    use super::*;

    #[test]
    fn only_regular_files_are_read_and_nothing_waits() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        mknodat(CWD, path("fifo"), Kind::Fifo, Mode::RWXU, 0).expect("a FIFO");
        std::os::unix::fs::symlink("fifo", path("link")).expect("a link");
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("a socket");
        for (path, kind) in [
            (path("fifo"), "FIFO"),
            (path("link"), "FIFO"),
            (path("socket"), "socket"),
            ("/dev/zero".into(), "device"),
            ("/dev/tty".into(), "device"),
        ] {
            assert!(matches!(read(&path, 9), Err(ReadError::NotRegular(found)) if found == kind), "{path:?}");
            let appending = open_with(&path, OpenOptions::new().append(true).create(true));
            assert!(matches!(appending, Err(ReadError::NotRegular(found)) if found == kind), "{path:?}");
        }
        assert!(matches!(read(folder.path(), 9), Err(ReadError::Folder)));
        std::os::unix::fs::symlink("loop", path("loop")).expect("a link");
        assert!(matches!(read(&path("loop"), 9), Err(ReadError::Io(_))));
    }

    #[test]
    fn what_is_private_is_so_also_where_it_was_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        create_private_folder(&folder.path().join("a/b")).expect("a folder");
        assert_eq!((mode(&folder.path().join("a")), mode(&folder.path().join("a/b"))), (0o700, 0o700));
        let path = folder.path().join("a/file");
        for before in [0o644, 0o666, 0o640] {
            let file = open_private(&path, OpenOptions::new().append(true).create(true)).expect("a file");
            assert_eq!(mode(&path), 0o600);
            file.set_permissions(Permissions::from_mode(before)).expect("it is ours");
        }
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_whatever_size_it_claims() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let file = open_with(&path, OpenOptions::new().write(true).create(true)).expect("a file");
        file.set_len(9).expect("it is ours");
        assert_eq!(read(&path, 9).expect("it is small").len(), 9);
        file.set_len(5 << 30).expect("a sparse file");
        assert!(matches!(read(&path, 9), Err(ReadError::TooLarge(9))));
        let claims_nothing = Path::new("/proc/self/maps");
        assert!(matches!(read(claims_nothing, 9), Err(ReadError::TooLarge(9))));
        assert!(read(claims_nothing, 1 << 20).is_ok());
    }
}
