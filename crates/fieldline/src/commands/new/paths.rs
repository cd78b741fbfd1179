//! Paths as text: one file as another names it, without asking the disk.

use std::path::{Component, Path, PathBuf};

/// The whole path, without `.` and `..`.
///
/// # Errors
/// If the path is empty or the current folder is gone.
pub(crate) fn absolute(path: &Path) -> std::io::Result<PathBuf> {
    let mut whole = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::ParentDir => drop(whole.pop()),
            component => whole.push(component),
        }
    }
    Ok(whole)
}

/// `target` as a file in `folder` names it; both absolute.
pub(crate) fn relative(folder: &Path, target: &Path) -> PathBuf {
    let shared =
        folder.components().zip(target.components()).take_while(|(left, right)| left == right).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(target.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_named_from_where_the_station_file_is() {
        let check = |folder: &str, target: &str, expected: &str| {
            assert_eq!(relative(Path::new(folder), Path::new(target)), Path::new(expected));
        };
        check("/p/line22", "/p/templates/drying.yaml", "../templates/drying.yaml");
        check("/p", "/p/templates/drying.yaml", "templates/drying.yaml");
        check("/p", "/p/drying.yaml", "drying.yaml");
        check("/a/b", "/c/d.yaml", "../../c/d.yaml");
    }

    #[test]
    fn dots_are_folded() {
        assert_eq!(absolute(Path::new("/a/./b/../c")).expect("absolute"), Path::new("/a/c"));
    }
}
