//! From the files and folders asked for to the files that are programs.
//!
//! A file named outright is always one. In a folder, a file that another file uses or includes is not.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::diagnostics::Diagnostics;
use crate::load::documents::{Document, Documents};
use crate::request::FileSource;
use crate::text::files::{FileSet, normal};
use crate::text::node::Node;

/// How deep folders are looked into, so that a link to a folder above does not lead in circles for ever.
const MAX_FOLDERS: usize = 16;

/// A file to be compiled.
pub(crate) struct Program {
    pub(crate) document: Rc<Document>,
    /// Whether it was named, and not just found in a folder.
    pub(crate) named: bool,
}

/// The programs below the roots, in the order of their paths; what is no document has been complained about, and
/// its path is in the second list.
pub(crate) fn programs(
    roots: &[PathBuf],
    documents: &mut Documents<'_>,
    diagnostics: &mut Diagnostics,
) -> (Vec<Program>, Vec<PathBuf>) {
    let mut named = BTreeSet::new();
    let mut found = BTreeSet::new();
    for root in roots {
        let root = normal(root);
        if documents.source.list(&root).is_none() {
            named.insert(root);
            continue;
        }
        let before = found.len();
        walk(documents.source, &root, MAX_FOLDERS, &mut BTreeSet::new(), &mut found);
        if found.len() == before {
            let file = documents.files.add(root.clone(), String::new());
            diagnostics.empty_folder(file, &root);
        }
    }
    let mut readable = Vec::new();
    let mut broken = Vec::new();
    for path in named.union(&found) {
        match documents.document(path, None, diagnostics) {
            Some(document) => readable.push(document),
            None => broken.push(path.clone()),
        }
    }
    let references: HashMap<PathBuf, Vec<PathBuf>> = readable
        .iter()
        .map(|document| (document.path.clone(), references(document, &documents.files)))
        .collect();
    let parts: HashSet<&PathBuf> = references.values().flatten().collect();
    broken.retain(|path| named.contains(path) || !parts.contains(path));
    let is_program = |path: &PathBuf| named.contains(path) || !parts.contains(path);
    let mut reached = HashSet::new();
    let mut next: Vec<&PathBuf> = references.keys().filter(|path| is_program(path)).collect();
    while let Some(path) = next.pop() {
        if reached.insert(path) {
            next.extend(references.get(path).into_iter().flatten());
        }
    }
    // Files that only lead to each other are programs as well, so that somebody says so.
    let programs = readable
        .iter()
        .filter(|document| is_program(&document.path) || !reached.contains(&document.path))
        .map(|document| Program { named: named.contains(&document.path), document: document.clone() })
        .collect();
    (programs, broken)
}

/// Adds every pipeline file below `folder`; names that begin with a dot are passed over, and so are links to a folder
/// that was visited already: they may lead in circles.
fn walk(
    source: &dyn FileSource,
    folder: &Path,
    levels: usize,
    visited: &mut BTreeSet<PathBuf>,
    found: &mut BTreeSet<PathBuf>,
) {
    if levels == 0 || !visited.insert(source.canonical(folder)) {
        return;
    }
    let mut entries = source.list(folder).unwrap_or_default();
    entries.sort_unstable();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if source.list(&entry).is_some() {
            walk(source, &entry, levels - 1, visited, found);
        } else if entry.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.insert(normal(&entry));
        }
    }
}

/// The files that a document uses and includes.
fn references(document: &Document, files: &FileSet) -> Vec<PathBuf> {
    let texts = |node: &Node| -> Vec<String> {
        let all = node.as_list().unwrap_or(std::slice::from_ref(node));
        all.iter().filter_map(|node| node.as_text().map(str::to_owned)).collect()
    };
    let named = ["use", "include"].into_iter().filter_map(|key| document.root.get(key)).flat_map(texts);
    named.map(|path| files.join(document.file, &path)).collect()
}
