//! [`Crate`]: the modules of a crate and which of them names which, read from the text of its files. It knows files
//! and paths, not Rust: a path that the compiler would find by a trait or a glob is not seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::code::product_code;
use crate::tidy::paths::{Mention, mentions, submodules};
use crate::workspace::SourceFile;

/// A path from the crate's root; the root's own is empty.
pub(super) type Path = Vec<String>;

/// One module names another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: Path,
    pub(super) to: Path,
    /// `file:line` of the first place.
    pub(super) place: String,
}

/// The modules of one crate.
pub(super) struct Crate {
    modules: BTreeMap<Path, Module>,
    /// What a module imports or hands on under a name: a child, or a reader of a re-export, finds it there.
    imports: BTreeMap<(Path, String), Path>,
}

struct Module {
    file: String,
    mentions: Vec<Mention>,
}

impl Crate {
    /// Reads the crate in `folder`, such as `crates/fieldline-core`. Files that no module of the product declares,
    /// such as a module of tests, are left out.
    pub(super) fn read(folder: &str, sources: &[SourceFile]) -> Self {
        // Backwards, so that `lib.rs` is the root where there is a `main.rs` beside it.
        let files = sources.iter().rev();
        let files: BTreeMap<Path, &SourceFile> =
            files.filter_map(|source| Some((module_path(folder, &source.path)?, source))).collect();
        let mut modules = BTreeMap::new();
        let mut waiting = vec![Path::new()];
        while let Some(path) = waiting.pop() {
            let Some(source) = files.get(&path) else { continue };
            let code = product_code(&source.text);
            waiting.extend(submodules(&code).map(|name| [path.as_slice(), &[name]].concat()));
            modules.insert(path, Module { file: source.path.clone(), mentions: mentions(&code) });
        }
        let mut it = Crate { modules, imports: BTreeMap::new() };
        it.imports = it.read_imports();
        it
    }

    fn read_imports(&self) -> BTreeMap<(Path, String), Path> {
        let mut imports = BTreeMap::new();
        for (path, module) in &self.modules {
            for mention in &module.mentions {
                if let (Some(name), Some(to)) = (&mention.name, self.absolute(path, &mention.path)) {
                    imports.insert((path.clone(), name.clone()), to);
                }
            }
        }
        imports
    }

    /// Which module names which, each pair once.
    pub(super) fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        let mut seen = BTreeSet::new();
        for (from, module) in &self.modules {
            for mention in &module.mentions {
                let target = self.absolute(from, &mention.path).and_then(|path| self.home(path));
                if let Some(to) = target.filter(|to| to != from && seen.insert((from, to.clone()))) {
                    let place = format!("{}:{}", module.file, mention.line);
                    arrows.push(Arrow { from: from.clone(), to, place });
                }
            }
        }
        arrows
    }

    /// `path` as it is written in module `from`, counted from the crate's root; `None` if it leads out of the crate.
    fn absolute(&self, from: &Path, path: &[String]) -> Option<Path> {
        let mut base = match path.first()?.as_str() {
            "crate" => Path::new(),
            "self" | "super" => from.clone(),
            child => {
                let inside = [from.as_slice(), &[child.to_owned()]].concat();
                self.modules.contains_key(&inside).then(|| from.clone())?
            }
        };
        for step in path {
            match step.as_str() {
                "crate" | "self" => {}
                "super" => drop(base.pop()?),
                name => base.push(name.to_owned()),
            }
        }
        Some(base)
    }

    /// The module in which the thing at `path` is written, which is not the one that imports it.
    fn home(&self, mut path: Path) -> Option<Path> {
        // Imports that lead to each other are an error of the compiler; the bound ends the search for it.
        for _step in 0..8 {
            let end = (0..=path.len()).rev().find(|&end| self.modules.contains_key(&path[..end]))?;
            let (module, rest) = path.split_at(end);
            let imported = rest.split_first().and_then(|(name, rest)| {
                let imported = self.imports.get(&(module.to_vec(), name.clone()))?;
                Some([imported.as_slice(), rest].concat())
            });
            match imported {
                Some(imported) => path = imported,
                None => return Some(module.to_vec()),
            }
        }
        None
    }
}

/// The path of the module that `file` holds; `None` if it is none of the crate's library, or of its program where
/// there is no library.
fn module_path(folder: &str, file: &str) -> Option<Path> {
    let inside = file.strip_prefix(folder)?.strip_prefix("/src/")?.strip_suffix(".rs")?;
    let mut path: Path = inside.split('/').map(str::to_owned).collect();
    let is_face = path.last().is_some_and(|last| last == "mod") || inside == "lib" || inside == "main";
    if is_face {
        path.pop();
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(files: &[(&str, &str)]) -> Vec<String> {
        let source = |(path, text): &(&str, &str)| SourceFile {
            path: format!("crates/a/src/{path}"),
            text: (*text).to_owned(),
        };
        let sources: Vec<SourceFile> = files.iter().map(source).collect();
        let arrows = Crate::read("crates/a", &sources).arrows();
        arrows
            .iter()
            .map(|arrow| {
                let place = arrow.place.rsplit('/').next().unwrap_or_default();
                format!("{} -> {} {place}", arrow.from.join("::"), arrow.to.join("::"))
            })
            .collect()
    }

    #[test]
    fn imports_and_paths_in_the_text_are_arrows() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\nmod c;"),
            ("a.rs", "use std::fmt;\n\nuse crate::{b::{self, B}, c::C as D};"),
            ("b.rs", "fn b() -> super::c::C {\n    crate::a::a()\n}"),
            ("c.rs", "pub(crate) struct C;"),
        ];
        assert_eq!(arrows(&files), ["a -> b a.rs:3", "a -> c a.rs:3", "b -> c b.rs:1", "b -> a b.rs:2"]);
    }

    #[test]
    fn an_arrow_points_to_where_a_thing_is_written() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\npub use b::{c::C, d::D as E};"),
            ("a.rs", "use crate::C;\nuse crate::b::B;\nfn a(e: crate::E) {}"),
            ("b/mod.rs", "mod c;\nmod d;\nuse c::B;"),
            ("b/c.rs", "struct B;\nstruct C;"),
            ("b/d.rs", "use super::B;"),
        ];
        let wanted = ["a -> b::c a.rs:1", "a -> b::d a.rs:3", "b -> b::c mod.rs:3", "b::d -> b::c d.rs:1"];
        assert_eq!(arrows(&files)[2..], wanted);
    }

    #[test]
    fn tests_name_what_they_like() {
        let files = [
            ("lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod harness;"),
            ("a.rs", "// crate::b\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}\n"),
            ("b.rs", ""),
            ("harness.rs", "use crate::a;"),
        ];
        assert_eq!(arrows(&files), [""; 0]);
    }
}
