//! [`document`]: the admin API as an OpenAPI document, written from the table of routes and the types of the answers.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::problem::Problem;
use crate::routes::{Content, ROUTES, Route};

/// The OpenAPI document, in version 3.1.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = "/components/schemas".into();
    });
    let mut generator = settings.into_generator();
    let paths: Map<String, Value> = ROUTES
        .iter()
        .map(|route| {
            let method = route.method.as_str().to_ascii_lowercase();
            (route.path.to_owned(), json!({ method: operation(route, &mut generator) }))
        })
        .collect();
    json!({
        "x-generated": "Written from `fieldline-api` by `UPDATE=1 cargo test -p fieldline generated`; do not edit.",
        "openapi": "3.1.0",
        "info": {
            "title": "Fieldline admin API",
            "version": "1",
            "description": "Paths with a version are also served without it, as before there were versions.",
        },
        "paths": paths,
        "components": { "schemas": generator.take_definitions(true) },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let answer = content(&route.answer, generator);
    let mut responses = Map::new();
    let ok = json!({ "description": "The answer.", "content": answer });
    responses.insert("200".to_owned(), ok);
    if let Some((status, meaning)) = route.refusal {
        responses.insert(status.to_string(), json!({ "description": meaning, "content": answer }));
    }
    let problem = generator.subschema_for::<Problem>();
    let problem = json!({ "application/problem+json": { "schema": problem } });
    responses
        .insert("default".to_owned(), json!({ "description": "The request failed.", "content": problem }));
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), route.operation.as_str().into());
    operation.insert("summary".to_owned(), route.summary.into());
    if let Some(request) = &route.request {
        let body = json!({ "required": false, "content": content(request, generator) });
        operation.insert("requestBody".to_owned(), body);
    }
    operation.insert("responses".to_owned(), responses.into());
    operation.into()
}

fn content(content: &Content, generator: &mut SchemaGenerator) -> Value {
    let schema = content.schema.map(|schema| schema(generator).to_value());
    let is_text = content.media_type != "application/json";
    let schema = schema.unwrap_or_else(|| json!({ "type": if is_text { "string" } else { "object" } }));
    json!({ content.media_type: { "schema": schema } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_named_is_in_the_document() {
        let document = document();
        let text = document.to_string();
        let named = text.split("\"#/components/schemas/").skip(1);
        let named: Vec<&str> = named.filter_map(|rest| rest.split('"').next()).collect();
        assert!(named.contains(&"NodeStatus") && named.contains(&"Problem"), "{named:?}");
        for name in named {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
    }
}
