//! From a document and the files it uses and includes to one set of fields.
//!
//! A station file (`use:`) lies over its template: maps are merged, everything else is replaced, and `~` takes a
//! member out; a node that is given another `type` is replaced as a whole. A fragment (`include:`) only adds.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use compact_str::CompactString;
use fieldline_core::suggest::nearest;
use indexmap::IndexMap;

use crate::diagnostics::Diagnostics;
use crate::load::documents::{Document, Documents};
use crate::params::Param;
use crate::params::declare::declare;
use crate::text::files::Span;
use crate::text::node::{Content, Member, Members, Node};

/// The fields a pipeline file may have.
pub(crate) const FIELDS: [&str; 12] = [
    "pipeline",
    "description",
    "use",
    "include",
    "params",
    "connections",
    "sources",
    "transforms",
    "sinks",
    "dead_letter",
    "rollback_window",
    "tests",
];

/// The sections that hold nodes.
pub(crate) const SECTIONS: [&str; 4] = ["connections", "sources", "transforms", "sinks"];

/// What a document becomes with all that it uses and includes; before substitution.
#[derive(Clone, Default)]
pub(crate) struct Assembled {
    /// The fields, without `use`, `include` and `params`.
    pub(crate) fields: Rc<Members>,
    /// The params that are asked for.
    pub(crate) declared: Rc<IndexMap<CompactString, Param>>,
    /// The values that are set: place of the name, and value.
    pub(crate) values: IndexMap<CompactString, (Span, Node)>,
    /// Every file it is made of.
    pub(crate) sources: BTreeSet<PathBuf>,
    /// The `use:` of a station file.
    pub(crate) used: Option<Span>,
}

/// Assembles documents, each template once.
pub(crate) struct Assembler<'l, 'r> {
    documents: &'l mut Documents<'r>,
    diagnostics: &'l mut Diagnostics,
    templates: HashMap<PathBuf, Option<Assembled>>,
    open: Vec<PathBuf>,
}

impl<'l, 'r> Assembler<'l, 'r> {
    pub(crate) fn new(documents: &'l mut Documents<'r>, diagnostics: &'l mut Diagnostics) -> Self {
        Assembler { documents, diagnostics, templates: HashMap::new(), open: Vec::new() }
    }

    /// What `document` becomes; `None` when something is wrong that keeps it from becoming anything.
    pub(crate) fn assemble(&mut self, document: &Document) -> Option<Assembled> {
        let errors = self.diagnostics.errors();
        let Some(members) = document.root.as_map() else {
            self.diagnostics.no_pipeline_file(document.root.span, document.root.kind());
            return None;
        };
        check_fields(members, &FIELDS, "a pipeline file", self.diagnostics);
        let assembled = match members.get("use") {
            Some(used) => self.station(document, members, used)?,
            None => self.template(document, members)?,
        };
        (self.diagnostics.errors() == errors).then_some(assembled)
    }

    fn template(&mut self, document: &Document, members: &Members) -> Option<Assembled> {
        let mut fields = members.clone();
        let mut sources = BTreeSet::from([document.path.clone()]);
        let mut declared = match fields.shift_remove("params") {
            Some(params) => declare(&params.value, self.diagnostics),
            None => IndexMap::new(),
        };
        if let Some(include) = fields.shift_remove("include") {
            self.open.push(document.path.clone());
            let included = self.include(&include.value, document, &mut fields, &mut declared, &mut sources);
            self.open.pop();
            included?;
        }
        Some(Assembled {
            fields: Rc::new(fields),
            declared: Rc::new(declared),
            sources,
            ..Assembled::default()
        })
    }

    fn station(&mut self, document: &Document, members: &Members, used: &Member) -> Option<Assembled> {
        let Some(text) = used.value.as_text() else {
            self.diagnostics.wrong_type(&used.value, "the path of a template");
            return None;
        };
        let path = self.documents.files.join(document.file, text);
        let mut assembled = self.used(&path, used.value.span, document)?;
        assembled.used = Some(used.value.span);
        assembled.sources.insert(document.path.clone());
        match members.get("params").map(|params| &params.value) {
            None => {}
            Some(Node { content: Content::Map(values), .. }) => {
                let values =
                    values.iter().map(|(name, member)| (name.clone(), (member.key, member.value.clone())));
                assembled.values.extend(values);
            }
            Some(node) => {
                self.diagnostics.wrong_shape(node.span, "params", "a map of names and values", node.kind())
            }
        }
        let mut own = members.clone();
        own.retain(|name, _| !["use", "params", "include"].contains(&name.as_str()));
        if !own.is_empty() {
            overlay(Rc::make_mut(&mut assembled.fields), &own);
        }
        if let Some(include) = members.get("include") {
            self.open.push(document.path.clone());
            let fields = Rc::make_mut(&mut assembled.fields);
            let declared = Rc::make_mut(&mut assembled.declared);
            let sources = &mut assembled.sources;
            let included = self.include(&include.value, document, fields, declared, sources);
            self.open.pop();
            included?;
        }
        Some(assembled)
    }

    /// The template at `path`, which `by` uses.
    fn used(&mut self, path: &Path, span: Span, by: &Document) -> Option<Assembled> {
        if let Some(template) = self.templates.get(path) {
            return template.clone();
        }
        if path == by.path || self.open.iter().any(|open| open == path) {
            self.diagnostics.use_cycle(span, "use", path);
            return None;
        }
        let document = self.documents.document(path, Some(span), self.diagnostics)?;
        self.open.push(by.path.clone());
        let template = self.assemble(&document);
        self.open.pop();
        self.templates.insert(path.to_owned(), template.clone());
        template
    }

    fn include(
        &mut self,
        include: &Node,
        document: &Document,
        fields: &mut Members,
        declared: &mut IndexMap<CompactString, Param>,
        sources: &mut BTreeSet<PathBuf>,
    ) -> Option<()> {
        let paths = include.as_list().unwrap_or(std::slice::from_ref(include));
        for node in paths {
            let Some(text) = node.as_text() else {
                self.diagnostics.wrong_type(node, "the path of a file");
                continue;
            };
            let path = self.documents.files.join(document.file, text);
            if self.open.contains(&path) {
                self.diagnostics.use_cycle(node.span, "include", &path);
                return None;
            }
            let fragment = self.documents.document(&path, Some(node.span), self.diagnostics)?;
            let Some(members) = fragment.root.as_map() else {
                self.diagnostics.no_pipeline_file(fragment.root.span, fragment.root.kind());
                return None;
            };
            sources.insert(path.clone());
            add_fragment(members, fields, declared, self.diagnostics);
            if let Some(nested) = members.get("include") {
                self.open.push(path);
                let included = self.include(&nested.value, &fragment, fields, declared, sources);
                self.open.pop();
                included?;
            }
        }
        Some(())
    }
}

fn check_fields(members: &Members, known: &'static [&'static str], of: &str, diagnostics: &mut Diagnostics) {
    for (name, member) in members {
        if !known.contains(&name.as_str()) {
            let meant = nearest(name, known.iter().copied());
            diagnostics.unknown_field(member.key, name, of, meant, known);
        } else if SECTIONS.contains(&name.as_str())
            && !matches!(member.value.content, Content::Map(_) | Content::Null)
        {
            let node = &member.value;
            diagnostics.wrong_shape(node.span, name, "a map of names and nodes", node.kind());
        }
    }
}

/// Adds the nodes and params of a fragment; one that is there already is complained about.
fn add_fragment(
    members: &Members,
    fields: &mut Members,
    declared: &mut IndexMap<CompactString, Param>,
    diagnostics: &mut Diagnostics,
) {
    check_fields(
        members,
        &["include", "params", "connections", "sources", "transforms", "sinks"],
        "an included file",
        diagnostics,
    );
    if let Some(params) = members.get("params") {
        for (name, param) in declare(&params.value, diagnostics) {
            match declared.get(&name) {
                Some(first) => diagnostics.duplicate_id(param.span, &name, first.span),
                None => drop(declared.insert(name, param)),
            }
        }
    }
    for section in SECTIONS {
        let Some((member, nodes)) =
            members.get(section).and_then(|member| Some((member, member.value.as_map()?)))
        else {
            continue;
        };
        let empty = || Member {
            key: member.key,
            value: Node::new(member.value.span, Content::Map(Members::default())),
        };
        let target = fields.entry(section.into()).or_insert_with(empty);
        if matches!(target.value.content, Content::Null) {
            *target = empty();
        }
        let Content::Map(target) = &mut target.value.content else { continue };
        for (name, node) in nodes {
            match target.get(name) {
                Some(first) => diagnostics.duplicate_id(node.key, name, first.key),
                None => drop(target.insert(name.clone(), node.clone())),
            }
        }
    }
}

/// Lays `over` on `under`.
pub(crate) fn overlay(under: &mut Members, over: &Members) {
    for (name, member) in over {
        match (&member.value.content, under.get_mut(name)) {
            (Content::Null, _) => drop(under.shift_remove(name)),
            (Content::Map(over), Some(Member { value: Node { content: Content::Map(below), .. }, .. }))
                if same_type(below, over) =>
            {
                overlay(below, over);
            }
            _ => drop(under.insert(name.clone(), member.clone())),
        }
    }
}

fn same_type(under: &Members, over: &Members) -> bool {
    let kind =
        |members: &Members| members.get("type").and_then(|member| member.value.as_text().map(str::to_owned));
    kind(over).is_none_or(|over| kind(under) == Some(over))
}
