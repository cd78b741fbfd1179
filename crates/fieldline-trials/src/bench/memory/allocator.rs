//! [`Allocator`]: what gives the program memory. Others than its own are put in their place by the dynamic linker, so the
//! program that is measured is the one that is released.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::super::super::process::Process;
use super::super::Say;

/// An allocator, and how the program comes by it.
#[derive(Clone, Debug)]
pub(super) struct Allocator {
    /// What the table calls it.
    pub(super) name: &'static str,
    means: Means,
}

#[derive(Clone, Debug)]
enum Means {
    /// It is the program's own.
    Own,
    /// The program's own, with this value of `MALLOC_ARENA_MAX`.
    Arenas(u32),
    /// The library at this place is loaded before it.
    Library(PathBuf),
}

/// Libraries that may be installed, and Debian's packages of them.
const LIBRARIES: [(&str, &str, &str); 2] =
    [("jemalloc", "libjemalloc.so.2", "libjemalloc2"), ("mimalloc", "libmimalloc.so.2", "libmimalloc2.0")];

impl Allocator {
    /// Those that can be measured here, the program's own first; tells which are not installed.
    pub(super) fn installed(say: Say<'_>) -> Vec<Allocator> {
        let mut allocators = vec![
            Allocator { name: "glibc, as it is", means: Means::Own },
            Allocator { name: "glibc, one arena", means: Means::Arenas(1) },
        ];
        for (name, file, package) in LIBRARIES {
            match find(file) {
                Some(library) => allocators.push(Allocator { name, means: Means::Library(library) }),
                None => say(format!("{name} is left out: it is not installed (Debian: {package})")),
            }
        }
        allocators
    }

    /// The variables by which the program gets it.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        match &self.means {
            Means::Own => Vec::new(),
            Means::Arenas(count) => vec![("MALLOC_ARENA_MAX", count.to_string())],
            Means::Library(path) => vec![("LD_PRELOAD", path.display().to_string())],
        }
    }

    /// Fails if `process` runs without it, as a program does that the dynamic linker has no part in.
    pub(super) fn check(&self, process: &Process) -> Result<()> {
        if let Means::Library(path) = &self.means {
            let name = path.file_name().and_then(|name| name.to_str()).context("a library has a name")?;
            ensure!(process.has_mapped(name)?, "the program does not load {name}");
        }
        Ok(())
    }

    /// Its name in a topic.
    pub(super) fn word(&self) -> String {
        self.name.replace([' ', ','], "")
    }
}

fn find(file: &str) -> Option<PathBuf> {
    let folders = Path::new("/usr/lib").read_dir().ok()?.filter_map(Result::ok);
    folders.map(|folder| folder.path().join(file)).find(|path| path.exists())
}
