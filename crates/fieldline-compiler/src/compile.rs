//! [`compile`]: one call per step.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use compact_str::CompactString;
use fieldline_core::report::Severity;

use crate::assemble::{self, Checked};
use crate::cases::{TestCase, lower};
use crate::check;
use crate::check::claims::Claims;
use crate::check::documents::Documents;
use crate::check::topics::Relays;
use crate::diagnostics::Diagnostic;
use crate::graph::wire::wire;
use crate::load::roots::{Program, programs};
use crate::load::session::{ComponentFiles, Session};
use crate::nodes::resolve::resolve_node;
use crate::nodes::resolved;
use crate::nodes::spec;
use crate::params::interpolate::{Scope, fill_members};
use crate::params::template::{Assembled, Assembler};
use crate::params::{Bound, bind};
use crate::plan::Plan;
use crate::request::Request;
use crate::text::files::{FileSet, Span};
use crate::text::node::Members;

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
    let mut session = Session::new(request);
    let component_files = ComponentFiles::new(request.files);
    let (programs, unreadable) = programs(&mut session);
    let mut compiler = Compiler::default();
    compiler.broken.extend(unreadable.into_iter().map(|file| Broken { file, name: None }));
    for program in &programs {
        compiler.program(program, &mut session, &component_files);
    }
    compiler.check_whole(&mut session);
    for span in std::mem::take(&mut session.masked) {
        session.files.mask(span);
    }
    let plan = assemble::plan(compiler.checked, &session.files, component_files);
    let secrets = unspeakable(&session.secrets);
    Compiled {
        plan,
        broken: compiler.broken,
        diagnostics: session.diagnostics.finish(&session.files, &secrets),
        files: session.files,
        tests: compiler.tests,
        resolved: compiler.resolved,
        templates: compiler.templates,
    }
}

/// The secrets as they could stand in a message, also quoted by `{:?}`; the longest first, because one may hold another.
fn unspeakable(secrets: &BTreeSet<String>) -> Vec<String> {
    let quoted = secrets.iter().map(|secret| secret.escape_debug().to_string());
    let mut all: Vec<String> = secrets.iter().cloned().chain(quoted).collect();
    all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    all.dedup();
    all
}

/// What the programs have in common while they are compiled one after the other.
#[derive(Default)]
struct Compiler {
    assembler: Assembler,
    claims: Claims,
    documents: Documents,
    relays: Relays,
    names: HashMap<CompactString, Span>,
    checked: Vec<Checked>,
    broken: Vec<Broken>,
    templates: Vec<PathBuf>,
    tests: Vec<TestCase>,
    resolved: BTreeMap<String, String>,
}

impl Compiler {
    fn program(
        &mut self,
        program: &Program,
        session: &mut Session<'_>,
        component_files: &ComponentFiles<'_>,
    ) {
        let errors = session.diagnostics.errors();
        let file = program.document.path.clone();
        let Some(assembled) = self.assembler.assemble(&program.document, session) else {
            self.broken.push(Broken { file, name: None });
            return;
        };
        let Some(fields) = self.fill(program, &assembled, session) else {
            match session.diagnostics.errors() == errors {
                true => self.templates.push(file),
                false => self.broken.push(Broken { file, name: None }),
            }
            return;
        };
        let start = Span::start_of(program.document.file);
        let Some(spec) = spec::read(&fields, start, session) else {
            self.broken.push(Broken { file, name: None });
            return;
        };
        self.name(&spec, program, session);
        let resolved: Vec<_> =
            spec.nodes.iter().map(|node| resolve_node(node, session, component_files)).collect();
        let wiring = wire(&spec, &resolved, &mut session.diagnostics);
        check::pipeline(&spec, &resolved, &wiring, &session.files, &mut session.diagnostics);
        for (node, found) in spec.nodes.iter().zip(&resolved) {
            if let Some(resolved) = found {
                self.claims.add(&spec, node, resolved, &session.files, &mut session.diagnostics);
            }
        }
        self.documents.add(&spec, &resolved, &session.files, &mut session.diagnostics);
        self.relays.add(&spec, &resolved, &wiring, &session.files);
        if session.diagnostics.errors() > errors {
            self.broken.push(Broken { file, name: Some(spec.name.to_string()) });
            return;
        }
        // A test that is wrong in itself is an error, and no reason to stop a station.
        self.tests.extend(lower(&spec, &assembled.declared, &file, session));
        self.resolved.insert(spec.name.to_string(), resolved::text(&fields, &spec));
        let sources = assembled.sources.into_iter().collect();
        let resolved = resolved.into_iter().flatten().collect();
        self.checked.push(Checked { spec, resolved, wiring, file, sources });
    }

    /// Checks what no pipeline shows by itself, and takes those out that are wrong by it.
    fn check_whole(&mut self, session: &mut Session<'_>) {
        let wrong = self.relays.check(&mut session.diagnostics);
        for checked in self.checked.extract_if(.., |checked| wrong.contains(&checked.spec.name)) {
            let name = checked.spec.name.to_string();
            self.tests.retain(|case| case.pipeline != name);
            self.resolved.remove(&name);
            self.broken.push(Broken { file: checked.file, name: Some(name) });
        }
    }

    /// The fields with params, environment and secrets put in; `None` for a template and where params are wrong.
    fn fill(
        &mut self,
        program: &Program,
        assembled: &Assembled,
        session: &mut Session<'_>,
    ) -> Option<Members> {
        let errors = session.diagnostics.errors();
        let scope = Scope {
            params: None,
            variables: session.request.variables,
            env: &session.request.overrides.env,
            files: &session.files,
            used: RefCell::default(),
            secrets: RefCell::new(&mut session.secrets),
        };
        let overrides = &session.request.overrides.params;
        let binding =
            bind(&assembled.declared, &assembled.values, &scope, overrides, &mut session.diagnostics);
        session.masked.extend(&binding.written_secrets);
        if !binding.missing.is_empty() {
            match (assembled.used, program.named) {
                (Some(used), _) => {
                    for (name, span) in &binding.missing {
                        session.diagnostics.missing_param(used, name, *span);
                    }
                }
                (None, true) => {
                    let names: Vec<&str> = binding.missing.iter().map(|(name, _)| name.as_str()).collect();
                    session.diagnostics.template_named(binding.missing[0].1, &names);
                }
                (None, false) => {}
            }
            return None;
        }
        let scope = Scope { params: Some(&binding.bound), ..scope };
        let filled = fill_members(&assembled.fields, &scope, &mut session.diagnostics);
        let used = scope.used.into_inner();
        unused_params(assembled, &binding.bound, &used, session);
        (session.diagnostics.errors() == errors).then_some(filled)
    }

    fn name(&mut self, spec: &spec::PipelineSpec, program: &Program, session: &mut Session<'_>) {
        // A template's name stands in the template; the station file is what a person must look at.
        let own = Span::start_of(program.document.file);
        let span = if spec.span.file == program.document.file { spec.span } else { own };
        match self.names.get(&spec.name) {
            Some(first) => session.diagnostics.duplicate_pipeline(span, &spec.name, *first),
            None => drop(self.names.insert(spec.name.clone(), span)),
        }
    }
}

fn unused_params(
    assembled: &Assembled,
    bound: &Bound,
    used: &std::collections::HashSet<CompactString>,
    session: &mut Session<'_>,
) {
    for name in bound.keys().filter(|name| !used.contains(*name)) {
        if let Some(param) = assembled.declared.get(name) {
            session.diagnostics.unused_param(param.span, name);
        }
    }
}
