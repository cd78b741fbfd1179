//! What a pipeline file becomes: the text that `check --resolved` prints, with secrets as `***`.

use fieldline_core::Redactor;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::nodes::spec::PipelineSpec;
use crate::params::secrets::Secrets;
use crate::text::node::{Content, Members, Node};

/// The YAML of one pipeline, with templates, fragments and params put in.
pub(crate) fn text(fields: &Members, spec: &PipelineSpec, secrets: &Secrets) -> String {
    let redactor = secrets.redactor();
    let text = serde_yaml::to_string(&Shown(fields, Conceal { secrets, redactor: &redactor }));
    // Every node is plain data; should the writer refuse, the name is still said.
    text.unwrap_or_else(|error| format!("pipeline: {}\n# cannot be shown: {error}\n", spec.name))
}

/// What is not shown.
#[derive(Clone, Copy)]
struct Conceal<'n> {
    secrets: &'n Secrets,
    redactor: &'n Redactor,
}

struct Shown<'n>(&'n Members, Conceal<'n>);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, member) in self.0 {
            map.serialize_entry(name.as_str(), &ShownNode(&member.value, self.1))?;
        }
        map.end()
    }
}

struct ShownNode<'n>(&'n Node, Conceal<'n>);

impl Serialize for ShownNode<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.1.secrets.hold(self.0) {
            return serializer.serialize_str("***");
        }
        match &self.0.content {
            Content::Null => serializer.serialize_unit(),
            Content::Bool(truth) => serializer.serialize_bool(*truth),
            Content::Int(number) => serializer.serialize_i64(*number),
            Content::Float(number) => serializer.serialize_f64(*number),
            Content::Text(text, _) => serializer.serialize_str(&self.1.redactor.text(text)),
            Content::List(list) => {
                serializer.collect_seq(list.iter().map(|element| ShownNode(element, self.1)))
            }
            Content::Map(members) => Shown(members, self.1).serialize(serializer),
        }
    }
}
