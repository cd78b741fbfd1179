//! [`Page`]: `crates/PERFORMANCE.md`, in which a command writes its block between two marks and leaves the rest to people.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::broker::write;
use super::process::read;

const PAGE: &str = "crates/PERFORMANCE.md";

/// The text of the page, and where it is.
pub(super) struct Page {
    path: PathBuf,
    text: String,
}

impl Page {
    /// The page of the tree at `root`.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = root.join(PAGE);
        Ok(Page { text: read(&path)?, path })
    }

    /// What stands between `<!-- NAME: … -->` and `<!-- end of NAME -->`.
    pub(super) fn block(&self, name: &str) -> Result<&str> {
        Ok(&self.text[self.place(name)?])
    }

    /// Writes `block` between the marks of `name`.
    pub(super) fn write(mut self, name: &str, block: &str) -> Result<()> {
        let place = self.place(name)?;
        self.text.replace_range(place, block);
        write(&self.path, &self.text)
    }

    fn place(&self, name: &str) -> Result<Range<usize>> {
        let mark = format!("<!-- {name}: ");
        let begin = self.text.find(&mark).with_context(|| format!("{PAGE} has no block `{name}`"))?;
        let begin = begin + self.text[begin..].find('\n').context("nothing stands behind the mark")? + 1;
        let length = self.text[begin..].find(&format!("<!-- end of {name} -->"));
        Ok(begin..begin + length.with_context(|| format!("the block `{name}` of {PAGE} has no end"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "before\n<!-- size: written by a command -->\nold\n<!-- end of size -->\nafter\n";

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let root = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir(root.path().join("crates")).expect("it is new");
        write(&root.path().join(PAGE), TEXT).expect("the folder is there");
        let page = Page::read(root.path()).expect("it was written");
        assert_eq!(page.block("size").expect("it has marks"), "old\n");
        page.write("size", "new\n").expect("it has marks");
        let text = read(&root.path().join(PAGE)).expect("it was written");
        assert_eq!(text, TEXT.replace("old", "new"));
    }

    #[test]
    fn a_page_without_the_marks_is_an_error() {
        let page = Page { path: PathBuf::new(), text: TEXT.to_owned() };
        let error = page.block("scale").expect_err("it has no such block");
        assert_eq!(error.to_string(), "crates/PERFORMANCE.md has no block `scale`");
    }
}
