//! [`ParamInfo`]: a template's params for whoever scaffolds a station file.

use std::path::Path;

use fieldline_core::Value;

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::load::documents::Documents;
use crate::params::template::Assembler;
use crate::params::{Limit, Param};
use crate::request::Request;
use crate::text::files::FileSet;
use crate::text::node::Node;

/// What a template asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ParamInfo {
    /// Its name.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `duration`, `size`, `list` or `map`.
    pub kind: &'static str,
    /// The value without one set, as it is written; `None` if it must be set.
    pub default: Option<Value>,
    /// The least amount, as it is written.
    pub min: Option<String>,
    /// The greatest amount, as it is written.
    pub max: Option<String>,
    /// What the whole text must match.
    pub pattern: Option<String>,
    /// The values there are; empty if there are no such.
    pub choices: Vec<Value>,
    /// For people.
    pub description: Option<String>,
    /// The unit of a number, for people.
    pub unit: Option<String>,
    /// Its value is never shown.
    pub secret: bool,
}

/// The params of the template at `path`, in the order in which they are declared; what is wrong with it otherwise.
pub fn template_params(
    request: &Request<'_>,
    path: &Path,
) -> Result<Vec<ParamInfo>, (Vec<Diagnostic>, FileSet)> {
    let mut documents = Documents::new(request.files);
    let mut diagnostics = Diagnostics::default();
    let document = documents.document(path, None, &mut diagnostics);
    let mut assembler = Assembler::new(&mut documents, &mut diagnostics);
    let assembled = document.and_then(|document| assembler.assemble(&document));
    match assembled {
        Some(assembled) => Ok(assembled.declared.iter().map(|(name, param)| info(name, param)).collect()),
        None => Err((diagnostics.finish(&documents.files, &[]), documents.files)),
    }
}

fn info(name: &str, param: &Param) -> ParamInfo {
    let text = |limit: &Limit| limit.text.clone();
    ParamInfo {
        name: name.to_owned(),
        kind: param.kind,
        default: param.default.as_ref().map(Node::to_value).filter(|_| !param.secret),
        min: param.min.as_ref().map(text),
        max: param.max.as_ref().map(text),
        pattern: param.pattern.as_ref().map(|(_, text)| text.clone()),
        choices: param.choices.iter().map(Node::to_value).collect(),
        description: param.description.clone(),
        unit: param.unit.clone(),
        secret: param.secret,
    }
}
