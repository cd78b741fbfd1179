//! [`LogFile`]: one file that lines are appended to, and its older generations `file.1`, `file.2` and so on.

use std::io::{self, ErrorKind, SeekFrom};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldline_core::ComponentError;
use tokio::fs::{File, OpenOptions, create_dir_all, rename};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, BufReader};
use tokio::time::Instant;

use crate::file_failure::FileFailure;

/// The most that is read of a first line.
const LONGEST_FIRST_LINE: u64 = 64 << 10;

/// An open file.
pub(crate) struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
    opened: Instant,
}

impl LogFile {
    /// Opens the file for appending; makes it, and the folders on the way, where they are missing. A
    /// line that a power cut left unfinished is ended, so that the next one stands alone.
    pub(crate) async fn open(path: &Path) -> Result<Self, ComponentError> {
        let open = async {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                create_dir_all(folder).await?;
            }
            let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).await?;
            let mut size = file.metadata().await?.len();
            if size > 0 {
                file.seek(SeekFrom::Start(size - 1)).await?;
                if file.read_u8().await? != b'\n' {
                    file.write_all(b"\n").await?;
                    file.flush().await?;
                    size += 1;
                }
            }
            Ok((file, size))
        };
        let (file, size) = open.await.map_err(|error| io_error("open", path, error))?;
        Ok(LogFile { path: path.to_owned(), file, size, opened: Instant::now() })
    }

    /// Bytes in the file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The time since it was opened, or last begun anew.
    pub(crate) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Its first line, with the line's end.
    pub(crate) async fn first_line(&mut self) -> Result<Vec<u8>, ComponentError> {
        let read = async {
            self.file.seek(SeekFrom::Start(0)).await?;
            let mut line = Vec::new();
            BufReader::new((&mut self.file).take(LONGEST_FIRST_LINE)).read_until(b'\n', &mut line).await?;
            Ok(line)
        };
        read.await.map_err(|error| io_error("read", &self.path, error))
    }

    /// Appends whole lines, and with `sync` makes them safe. Where that fails, the file is cut back to
    /// what it was, so that lines which are tried again are not there twice.
    pub(crate) async fn append(&mut self, lines: &[u8], sync: bool) -> Result<(), ComponentError> {
        if lines.is_empty() {
            return Ok(());
        }
        let written = async {
            self.file.write_all(lines).await?;
            self.file.flush().await?;
            if sync { self.file.sync_data().await } else { Ok(()) }
        };
        if let Err(error) = written.await {
            // The first error is the one to report; if this fails too, lines may be there twice.
            self.file.set_len(self.size).await.ok();
            return Err(io_error("write", &self.path, error));
        }
        self.size += lines.len() as u64;
        Ok(())
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes everything that was appended safe.
    pub(crate) async fn sync(&mut self) -> Result<(), ComponentError> {
        self.file.sync_data().await.map_err(|error| io_error("write", &self.path, error))
    }

    /// Begins the file anew; of the older generations, `keep` stay.
    pub(crate) async fn rotate(&mut self, keep: NonZeroU32) -> Result<(), ComponentError> {
        self.sync().await?;
        for number in (1..keep.get()).rev() {
            match rename(self.generation(number), self.generation(number + 1)).await {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(io_error("rotate", &self.path, error));
                }
                _ => {}
            }
        }
        rename(&self.path, self.generation(1))
            .await
            .map_err(|error| io_error("rotate", &self.path, error))?;
        *self = LogFile::open(&self.path).await?;
        Ok(())
    }

    fn generation(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }
}

/// What went wrong with a file, and whether it may pass.
fn io_error(verb: &'static str, path: &Path, error: io::Error) -> ComponentError {
    let failure = FileFailure::new(verb, path, error);
    match failure.error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ComponentError::retryable("disk_full", failure),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            ComponentError::permanent("permission", failure)
        }
        // `AlreadyExists` is said of a file that stands where a folder is needed.
        ErrorKind::IsADirectory | ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            ComponentError::permanent("not_a_file", failure)
        }
        ErrorKind::InvalidFilename => ComponentError::permanent("bad_name", failure),
        _ => ComponentError::retryable("io", failure),
    }
}
