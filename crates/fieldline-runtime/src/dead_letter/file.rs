//! [`CappedFile`]: lines in a file that is put aside when it has grown to its cap; one older file is kept.

use std::io;
use std::path::PathBuf;

use tokio::fs;
use tokio::io::AsyncWriteExt;

/// A file that never grows beyond `max_size` and a line.
pub(crate) struct CappedFile {
    path: PathBuf,
    max_size: u64,
    open: Option<(fs::File, u64)>,
}

impl CappedFile {
    /// A file at `path`, made with its folder when first needed; `max_size` in bytes.
    pub(crate) fn new(path: PathBuf, max_size: u64) -> Self {
        CappedFile { path, max_size, open: None }
    }

    /// Writes a line, without its end.
    pub(crate) async fn append(&mut self, mut line: Vec<u8>) -> io::Result<()> {
        line.push(b'\n');
        let (mut file, size) = match self.open.take() {
            Some((_, size)) if size >= self.max_size => {
                fs::rename(&self.path, self.path.with_extension("1.jsonl")).await?;
                self.create().await?
            }
            Some(open) => open,
            None => self.create().await?,
        };
        file.write_all(&line).await?;
        file.flush().await?;
        self.open = Some((file, size + line.len() as u64));
        Ok(())
    }

    async fn create(&self) -> io::Result<(fs::File, u64)> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).await?;
        }
        let file = fs::OpenOptions::new().create(true).append(true).open(&self.path).await?;
        let size = file.metadata().await?.len();
        Ok((file, size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_file_and_the_one_before_it_stay_within_the_cap() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = CappedFile::new(folder.path().join("p.jsonl"), 100);
        for _ in 0..100 {
            file.append(vec![b'x'; 30]).await.expect("it can be written");
        }
        let mut entries = fs::read_dir(folder.path()).await.expect("the folder");
        let mut sizes = Vec::new();
        while let Some(entry) = entries.next_entry().await.expect("the folder") {
            sizes.push(entry.metadata().await.expect("the file").len());
        }
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size <= 131), "{sizes:?}");
    }
}
