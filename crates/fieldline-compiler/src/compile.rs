//! [`compile`]: one call per step.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fieldline_core::report::Severity;

use crate::assemble::{self, Checked};
use crate::cases::TestCase;
use crate::cases::lower::lower;
use crate::check;
use crate::check::cross::CrossChecks;
use crate::check::templates;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::graph::wire::wire;
use crate::load::documents::Documents;
use crate::load::roots::{Program, programs};
use crate::nodes::component_files::ComponentFiles;
use crate::nodes::resolve::resolve;
use crate::nodes::resolved;
use crate::nodes::spec;
use crate::params::fill::{Filling, fill};
use crate::params::secrets::Secrets;
use crate::params::template::{Assembled, Assembler};
use crate::plan::Plan;
use crate::request::Request;
use crate::text::files::FileSet;

/// What became of the files.
pub struct Compiled {
    /// All pipelines that are whole.
    pub plan: Plan,
    /// Those that are not; a program that runs the plan leaves what runs of them alone.
    pub broken: Vec<Broken>,
    /// What is wrong, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The text of the files, to show diagnostics with.
    pub files: FileSet,
    /// The cases of all pipelines that are whole.
    pub tests: Vec<TestCase>,
    /// What each pipeline that is whole became, as YAML, by name; secrets are `***`.
    pub resolved: BTreeMap<String, String>,
    /// Files in folders that ask for params and that nobody uses: templates, not programs.
    pub templates: Vec<PathBuf>,
}

/// A pipeline with errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file to run.
    pub file: PathBuf,
    /// Its name, as far as that is known.
    pub name: Option<String>,
}

impl Compiled {
    /// Whether there is no error; warnings may be there.
    pub fn is_ok(&self) -> bool {
        self.broken.is_empty()
            && self.diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error)
    }
}

/// Compiles everything the request names. Never fails: what is wrong is in [`Compiled::diagnostics`].
pub fn compile(request: &Request<'_>) -> Compiled {
    let mut diagnostics = Diagnostics::default();
    let mut documents = Documents::new(request.files);
    let (programs, unreadable) = programs(request.roots, &mut documents, &mut diagnostics);
    let mut assembler = Assembler::new(&mut documents, &mut diagnostics);
    let assembled: Vec<_> = programs.iter().map(|program| assembler.assemble(&program.document)).collect();
    let mut compiler = Compiler {
        request,
        files: documents.files,
        component_files: ComponentFiles::new(request.files),
        secrets: Secrets::default(),
        cross_checks: CrossChecks::new(request.files),
        diagnostics,
    };
    let mut broken: Vec<Broken> = unreadable.into_iter().map(|file| Broken { file, name: None }).collect();
    let (mut pipelines, mut templates) = (Vec::new(), Vec::new());
    for (program, assembled) in programs.iter().zip(assembled) {
        let file = program.document.path.clone();
        let planned = compiler.pipeline(program, assembled);
        compiler.diagnostics.forget_consequences();
        match planned {
            Ok(pipeline) => pipelines.push(pipeline),
            Err(Unplanned::Template) => templates.push(file),
            Err(Unplanned::Broken(name)) => broken.push(Broken { file, name }),
        }
    }
    let Compiler { mut files, component_files, secrets, cross_checks, mut diagnostics, .. } = compiler;
    let wrong = cross_checks.finish(&mut diagnostics);
    for Checked { spec, file, .. } in pipelines.extract_if(.., |checked| wrong.contains(&checked.spec.name)) {
        broken.push(Broken { file, name: Some(spec.name.into()) });
    }
    secrets.mask(&mut files);
    let diagnostics = diagnostics.finish(&files, &secrets.redactions());
    let redactor = secrets.redactor();
    let tests = pipelines.iter_mut().flat_map(|checked| std::mem::take(&mut checked.tests)).collect();
    let resolved = pipelines
        .iter_mut()
        .map(|checked| (checked.spec.name.to_string(), std::mem::take(&mut checked.text)))
        .collect();
    let plan = Plan { redactor, ..assemble::plan(pipelines, &files, component_files) };
    Compiled { plan, broken, diagnostics, files, tests, resolved, templates }
}

/// Compiles the pipeline of `case` again, with the params and the environment that the case sets. The case as it is
/// then is the one in [`Compiled::tests`] with the same name.
pub fn compile_case(request: &Request<'_>, case: &TestCase) -> Compiled {
    let mut overrides = request.overrides.clone();
    overrides.params.extend(case.overrides.params.clone());
    overrides.env.extend(case.overrides.env.clone());
    let roots = [case.file.clone()];
    let mut compiled = compile(&Request { roots: &roots, overrides, ..request.clone() });
    compiled.tests.retain(|other| other.name == case.name);
    compiled
}

/// What all pipelines have in common while they are compiled one after the other.
struct Compiler<'r> {
    request: &'r Request<'r>,
    files: FileSet,
    component_files: ComponentFiles<'r>,
    secrets: Secrets,
    cross_checks: CrossChecks<'r>,
    diagnostics: Diagnostics,
}

/// Why a program has no place in the plan.
enum Unplanned {
    /// It asks for params that nobody sets.
    Template,
    /// It has errors; its name, as far as that is known.
    Broken(Option<String>),
}

impl Compiler<'_> {
    /// Takes one program through all steps.
    fn pipeline(&mut self, program: &Program, assembled: Option<Assembled>) -> Result<Checked, Unplanned> {
        let Compiler { request, files, component_files, secrets, cross_checks, diagnostics } = self;
        let document = &program.document;
        let errors = diagnostics.errors();
        let assembled = assembled.ok_or(Unplanned::Broken(None))?;
        let mark = diagnostics.mark();
        let fields = match fill(&assembled, program.named, request, files, secrets, diagnostics) {
            Filling::Whole(fields) => fields,
            Filling::Template(fields) => {
                let spec = spec::read(&fields, document.file, request.registry, diagnostics);
                fields.values().for_each(|member| secrets.add_urls(&member.value, files));
                templates::check(spec.as_ref(), mark, files, component_files, secrets, diagnostics);
                return Err(Unplanned::Template);
            }
            Filling::Wrong => return Err(Unplanned::Broken(None)),
        };
        let is_filled = diagnostics.errors() == errors;
        fields.values().for_each(|member| secrets.add_urls(&member.value, files));
        let spec = spec::read(&fields, document.file, request.registry, diagnostics);
        let spec = spec.ok_or(Unplanned::Broken(None))?;
        let nodes = spec.nodes.iter();
        let resolved: Vec<_> = nodes
            .map(|node| resolve(node, |_, _| true, files, component_files, secrets, diagnostics))
            .collect();
        let wiring = wire(&spec, &resolved, diagnostics);
        check::pipeline(&spec, &resolved, &wiring, files, diagnostics);
        if is_filled {
            cross_checks.add(&spec, &resolved, &wiring, document.file, files, diagnostics);
        }
        if diagnostics.errors() > errors {
            let name = is_filled || !spec.name.contains("${");
            return Err(Unplanned::Broken(name.then(|| spec.name.into())));
        }
        Ok(Checked {
            // A test that is wrong in itself is an error, and no reason to stop a station.
            tests: lower(&spec, &assembled.declared, &document.path, files, diagnostics),
            text: resolved::text(&fields, &spec, secrets),
            resolved: resolved.into_iter().flatten().collect(),
            spec,
            wiring,
            file: document.path.clone(),
            sources: assembled.sources.into_iter().collect(),
        })
    }
}
