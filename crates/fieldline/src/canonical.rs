//! [`canonical`]: the one path of a file, a device or a folder, also of one that is not there yet.

use std::path::{Component, Path, PathBuf};

/// The most links that are followed one after the other, as Linux does.
const MAX_LINKS: usize = 40;

/// The absolute path of what is at `path`, without links, `.` and `..`. The end of a path that is not there is taken as it
/// is written.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    follow(path, MAX_LINKS)
}

fn follow(path: &Path, links: usize) -> PathBuf {
    if let Ok(canonical) = path.canonicalize() {
        return canonical;
    }
    let Ok(path) = std::path::absolute(path) else { return path.to_owned() };
    let Some(parent) = path.parent() else { return path };
    let folder = follow(parent, links);
    match path.components().next_back() {
        Some(Component::Normal(name)) => {
            let path = folder.join(name);
            // A file that is opened through a link which leads nowhere is made where the link leads.
            match path.read_link() {
                Ok(target) if links > 0 => follow(&folder.join(target), links - 1),
                _ => path,
            }
        }
        _ => folder.parent().map(Path::to_owned).unwrap_or(folder),
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write files")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn all_ways_to_a_file_are_one_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        std::fs::create_dir_all(root.join("a/b")).expect("a folder");
        std::fs::write(root.join("a/file"), "").expect("a file");
        for (target, link) in [
            ("a/b", "folder"),
            ("a/file", "file"),
            ("../a/new", "a/ahead"),
            ("folder/new", "chain"),
            ("circle", "circle"),
        ] {
            symlink(target, root.join(link)).expect("a link");
        }
        for (path, expected) in [
            ("a/file", "a/file"),
            ("a//./file", "a/file"),
            ("a/b/../file", "a/file"),
            ("folder/../file", "a/file"),
            ("file", "a/file"),
            ("new", "new"),
            ("folder/new", "a/b/new"),
            ("folder/../new", "a/new"),
            ("a/ahead", "a/new"),
            ("chain", "a/b/new"),
            ("no/such/../folder/./new", "no/folder/new"),
            ("no/../../{{ event.x }}.csv", "../{{ event.x }}.csv"),
            ("circle", "circle"),
        ] {
            let expected = match expected.strip_prefix("../") {
                Some(rest) => root.parent().expect("it has one").join(rest),
                None => root.join(expected),
            };
            assert_eq!(canonical(&root.join(path)), expected, "{path}");
        }
        let here = std::env::current_dir().expect("there is one").canonicalize().expect("it is there");
        assert_eq!(canonical(Path::new("no-such-file")), here.join("no-such-file"));
    }
}
