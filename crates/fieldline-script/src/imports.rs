//! `import "name" as name;`: other scripts in one folder, read and compiled with the script that names
//! them. Nothing is left to look up when the script runs.

use std::path::{Component, Path, PathBuf};

use fieldline_core::Files;
use rhai::module_resolvers::StaticModuleResolver;
use rhai::{AST, Engine, Module, Position, Scope};

use crate::error::ScriptError;
use crate::explain;
use crate::inspect::{Facts, inspect};
use crate::source::ScriptSource;

/// Where imported scripts come from.
#[derive(Clone, Copy)]
pub struct Imports<'a> {
    /// The files.
    pub files: &'a dyn Files,
    /// The only folder that is looked into, with those below it.
    pub folder: &'a Path,
}

/// Compiles all files that a script imports, directly or through another; returns their paths.
pub(crate) fn load(
    engine: &mut Engine,
    source: &ScriptSource,
    facts: &Facts,
    imports: Option<Imports<'_>>,
    most: usize,
) -> Result<Vec<PathBuf>, ScriptError> {
    let mut loader = Loader { engine, imports, most, found: StaticModuleResolver::new(), files: Vec::new() };
    loader.follow(source, facts, &mut Vec::new())?;
    let Loader { found, files, .. } = loader;
    engine.set_module_resolver(found);
    Ok(files)
}

struct Loader<'a> {
    engine: &'a mut Engine,
    imports: Option<Imports<'a>>,
    most: usize,
    found: StaticModuleResolver,
    files: Vec<PathBuf>,
}

impl Loader<'_> {
    /// Loads what `source` imports; `open` are the files that are being loaded, from the outermost.
    fn follow(
        &mut self,
        source: &ScriptSource,
        facts: &Facts,
        open: &mut Vec<String>,
    ) -> Result<(), ScriptError> {
        for (name, position) in &facts.imports {
            let error = |message: String| source.error(*position, message);
            let Some(name) = name else {
                return Err(error("the name of an import must be a plain string".into()));
            };
            if open.contains(name) {
                return Err(error(format!("`{name}` imports itself, by way of `{}`", open.join("`, `"))));
            }
            if self.found.contains_path(name) {
                continue;
            }
            if self.files.len() >= self.most {
                return Err(error(format!("more than {} files are imported", self.most)));
            }
            self.load(name, source, *position, open)?;
        }
        Ok(())
    }

    fn load(
        &mut self,
        name: &str,
        importer: &ScriptSource,
        position: Position,
        open: &mut Vec<String>,
    ) -> Result<(), ScriptError> {
        let error = |message: String| importer.error(position, message);
        let imports = self.imports.ok_or_else(|| error("this script cannot import files".into()))?;
        let path = inside(imports.folder, name).ok_or_else(|| {
            error(format!("`{name}` is outside the pipeline's folder"))
                .with_help("name a file below it, without `..` and a leading `/`")
        })?;
        let content = imports.files.read(&path);
        let content =
            content.map_err(|reason| error(format!("cannot read `{}`: {reason}", path.display())))?;
        let text = String::from_utf8(content.to_vec())
            .map_err(|_| error(format!("`{}` is not UTF-8", path.display())))?;
        let source = ScriptSource::whole(text, &path);
        let ast = self.compile(&source)?;
        self.files.push(path);
        open.push(name.to_owned());
        self.follow(&source, &inspect(&ast), open)?;
        open.pop();
        // A module resolves its own imports while it is made, from those found so far.
        self.engine.set_module_resolver(self.found.clone());
        let module = Module::eval_ast_as_new(Scope::new(), &ast, self.engine);
        let module = module.map_err(|error| explain::failure(&source, &error))?;
        self.found.insert(name, module);
        Ok(())
    }

    fn compile(&self, source: &ScriptSource) -> Result<AST, ScriptError> {
        let ast = self.engine.compile(&source.text);
        let mut ast = ast.map_err(|error| explain::syntax(source, &error, &[]))?;
        ast.set_source(source.origin.file.to_string_lossy().as_ref());
        Ok(ast)
    }
}

/// The path of the script `name` in `folder`, or `None` if it would be elsewhere.
fn inside(folder: &Path, name: &str) -> Option<PathBuf> {
    let name = Path::new(name);
    let plain = name.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.as_os_str().is_empty() {
        return None;
    }
    let path = folder.join(name);
    Some(if path.extension().is_some() { path } else { path.with_extension("rhai") })
}
