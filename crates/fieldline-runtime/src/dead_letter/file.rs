//! [`CappedFile`]: lines in a file that is put aside when it has grown to its cap. Some older files are kept; what is
//! in those that go is counted.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use fieldline_compiler::NodeId;
use fieldline_core::policy::LetterFile;
use tokio::fs;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::letter::Letter;

/// How many letters of each node went with the files that were deleted.
pub(crate) type Dropped = BTreeMap<NodeId, u64>;

/// A file that never grows beyond its cap and a line.
#[derive(Default)]
pub(crate) struct CappedFile {
    open: Option<Open>,
}

struct Open {
    file: fs::File,
    path: PathBuf,
    size: u64,
}

impl CappedFile {
    /// Writes a line, without its end, to the file at `path`, which is made with its folder when first needed.
    /// Gives back what had to go for it.
    pub(crate) async fn append(
        &mut self,
        mut line: Vec<u8>,
        path: &Path,
        settings: &LetterFile,
    ) -> io::Result<Dropped> {
        line.push(b'\n');
        let mut open = match self.open.take() {
            Some(open) if open.path == path => open,
            _ => open_at(path).await?,
        };
        let mut dropped = Dropped::default();
        if open.size >= settings.max_size.0 {
            dropped = put_aside(path, settings.files).await?;
            open = open_at(path).await?;
        }
        open.file.write_all(&line).await?;
        open.file.flush().await?;
        open.size += line.len() as u64;
        self.open = Some(open);
        Ok(dropped)
    }
}

async fn open_at(path: &Path) -> io::Result<Open> {
    if let Some(folder) = path.parent() {
        fieldline_files::create_private_folder(folder)?;
    }
    let file = fieldline_files::open_private(path, OpenOptions::new().create(true).append(true))?;
    let file = fs::File::from_std(file);
    let size = file.metadata().await?.len();
    Ok(Open { file, path: path.to_owned(), size })
}

/// Makes `path` free: it becomes number 1, number 1 becomes number 2; what is beyond `files` goes.
async fn put_aside(path: &Path, files: u32) -> io::Result<Dropped> {
    let numbered = |number: u32| match number {
        0 => path.to_owned(),
        number => path.with_extension(format!("{number}.jsonl")),
    };
    let mut dropped = Dropped::default();
    let mut beyond = files - 1;
    while fs::try_exists(numbered(beyond)).await? {
        count(&numbered(beyond), &mut dropped).await?;
        fs::remove_file(numbered(beyond)).await?;
        beyond += 1;
    }
    for number in (0..files - 1).rev() {
        if fs::try_exists(numbered(number)).await? {
            // It may be from a version that let others read it.
            fieldline_files::open_private(&numbered(number), OpenOptions::new().append(true))?;
            fs::rename(numbered(number), numbered(number + 1)).await?;
        }
    }
    Ok(dropped)
}

/// Adds the letters in a file by the nodes that failed them.
async fn count(path: &Path, dropped: &mut Dropped) -> io::Result<()> {
    let file = fs::File::from_std(fieldline_files::open(path)?);
    let mut lines = BufReader::new(file).lines();
    while let Some(line) = lines.next_line().await? {
        if let Ok(letter) = Letter::read(&line) {
            *dropped.entry(letter.node).or_default() += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use fieldline_core::Size;

    use super::*;

    /// Writes 100 lines of 31 bytes under a cap of 100 bytes a file, and gives back the sizes of what is there.
    async fn sizes(files: u32) -> Vec<u64> {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = LetterFile { folder: None, max_size: Size(100), files };
        let mut file = CappedFile::default();
        for _ in 0..100 {
            let line = vec![b'x'; 30];
            file.append(line, &folder.path().join("p.jsonl"), &settings).await.expect("it can be written");
        }
        let mut entries = fs::read_dir(folder.path()).await.expect("the folder");
        let mut sizes = Vec::new();
        while let Some(entry) = entries.next_entry().await.expect("the folder") {
            sizes.push(entry.metadata().await.expect("the file").len());
        }
        sizes
    }

    #[tokio::test]
    async fn the_file_and_those_before_it_stay_within_the_cap() {
        for files in [1, 2, 5] {
            let sizes = sizes(files).await;
            assert_eq!(sizes.len(), files as usize);
            assert!(sizes.iter().all(|size| *size <= 131), "{sizes:?}");
        }
    }
}
