//! Sets up what a vector says is there, sends its request, and looks at everything it expects.

use fieldline_shadow::document::{Record, Section, merge};
use fieldline_shadow::json::{self, Json, Object};
use fieldline_shadow::limits::Limits;
use fieldline_shadow::name::ShadowName;
use fieldline_shadow::rejection::Rejection;
use fieldline_shadow::service::{MemoryStore, RestRequest, Service, Store, refusal};
use fieldline_shadow::topic::{Kind, Operation, Publication, Topic};

use super::expectations::{self, at, equal};
use super::{Vector, three_way};
use crate::stores::ReadOnlyStore;

const NOW: u64 = 1_700_000_000;

/// The mismatches; none if the vector passes.
pub(super) fn run(vector: &Vector) -> Vec<String> {
    match vector.text("op") {
        "update" | "merge_state" | "metadata" => request(vector, Operation::Update),
        "get" => request(vector, Operation::Get),
        "delete" => request(vector, Operation::Delete),
        "list" => list(vector),
        "delta_metadata" => delta_metadata(vector),
        "sync.merge3" => three_way::run(vector),
        other => vec![format!("unknown operation `{other}`")],
    }
}

fn request(vector: &Vector, operation: Operation) -> Vec<String> {
    let now = at(&body_of(vector), "_now").and_then(Json::as_u64).unwrap_or(NOW);
    let topic = topic(vector, Kind::Request(operation));
    let payload = payload(vector);
    let mut store = MemoryStore::default();
    let name = topic.parse::<Topic>().map(|topic| topic.name);
    if let (Some(record), Ok(name)) = (record(vector.member("before"), now), &name) {
        store.save(name, record).expect("memory does not fail");
    }
    let bystander = vector.member("others_unchanged").and_then(|others| record(others.get("classic"), now));
    let classic = ShadowName::classic("T1").expect("a valid name");
    if let Some(record) = &bystander {
        store.save(&classic, record.clone()).expect("memory does not fail");
    }

    let mut mismatches = Vec::new();
    let (publications, store) = if vector.member("fault").is_some() {
        let mut service = Service::new(ReadOnlyStore(store), Limits::default());
        let publications = service.answer(&topic, payload.as_bytes(), now).publications;
        (publications, service.store().0.clone())
    } else if vector.member("principal").is_some() {
        let name = name.clone().expect("a valid name");
        (vec![refusal(&name, operation, payload.as_bytes(), Rejection::Unauthorized)], store)
    } else {
        let mut service = Service::new(store, Limits::default());
        let publications = if vector.text("transport") == "rest" {
            let request = RestRequest {
                method: "POST",
                path: "/things/T1/shadow",
                query: "",
                body: payload.as_bytes(),
            };
            let answer = service.answer_rest(&request, now).expect("a shadow path");
            let mut publications = answer.publications;
            let outcome = if answer.status == 200 { "accepted" } else { "rejected" };
            publications.push(Publication { topic: outcome.to_owned(), payload: answer.body });
            publications
        } else {
            service.answer(&topic, payload.as_bytes(), now).publications
        };
        (publications, service.store().clone())
    };

    check_publications(vector, operation, &publications, &mut mismatches);
    if let Ok(name) = &name {
        check_after(vector, store.load(name).expect("memory does not fail"), &mut mismatches);
        check_get(vector, &store, name, now, &mut mismatches);
    }
    if bystander.is_some() && store.load(&classic).expect("memory does not fail") != bystander {
        mismatches.push("another shadow changed".to_owned());
    }
    mismatches
}

fn check_publications(
    vector: &Vector,
    operation: Operation,
    publications: &[Publication],
    mismatches: &mut Vec<String>,
) {
    let Some(answer) = publications.last() else {
        mismatches.push("answer: none".to_owned());
        return;
    };
    let payload = parsed(&answer.payload);
    if let Some(expected) = vector.member("expect_accepted") {
        if answer.topic.ends_with("accepted") {
            expectations::accepted(expected, &payload, mismatches);
        } else {
            mismatches.push(format!("rejected: {}", answer.payload));
        }
    }
    if let Some(expected) = vector.member("expect_rejected") {
        if answer.topic.ends_with("rejected") {
            expectations::rejected(expected, &answer.payload, &payload, mismatches);
        } else {
            mismatches.push(format!("accepted: {}", answer.payload));
        }
    }
    if let Some(Json::Array(paths)) = vector.member("expect_metadata_paths") {
        let metadata = payload.get("metadata").cloned().unwrap_or(Json::Null);
        expectations::paths(&metadata, Some(&Json::Array(paths.clone())), true, mismatches);
    }
    let on = |suffix: &str| publications.iter().find(|message| message.topic.ends_with(suffix));
    let delta = on("update/delta").map(|message| parsed(&message.payload));
    check_delta(vector, operation, &payload, delta.as_ref(), mismatches);
    if let Some(expected) = vector.member("expect_documents") {
        match on("update/documents") {
            Some(message) => expectations::documents(expected, &parsed(&message.payload), mismatches),
            None => mismatches.push("no documents".to_owned()),
        }
    }
    if let Some(expected) = vector.member("expect_documents_count") {
        let count = publications.iter().filter(|message| message.topic.ends_with("update/documents")).count();
        equal("number of documents", expected, Some(&Json::from(count as u64)), mismatches);
    }
    if let Some(Json::Array(suffixes)) = vector.member("expect_topics") {
        let all = suffixes.iter().filter_map(Json::as_str).all(|suffix| on(suffix).is_some());
        if !all || suffixes.len() != publications.len() {
            mismatches.push(format!("topics: {publications:?}"));
        }
    }
}

fn check_delta(
    vector: &Vector,
    operation: Operation,
    payload: &Json,
    message: Option<&Json>,
    mismatches: &mut Vec<String>,
) {
    let actual = match operation {
        Operation::Get => at(payload, "state.delta"),
        _ => message.and_then(|message| message.get("state")),
    };
    match vector.member("expect_delta") {
        None | Some(Json::String(_)) => {}
        Some(Json::Null) if actual.is_none() => {}
        Some(Json::Null) => mismatches.push(format!("a delta: {actual:?}")),
        Some(expected) => equal("delta", expected, actual, mismatches),
    }
    if let Some(expected) = vector.member("expect_delta_message") {
        let names = ["state", "metadata", "version", "timestamp", "clientToken"];
        expectations::members("delta", expected, message.unwrap_or(&Json::Null), &names, mismatches);
    }
}

fn check_after(vector: &Vector, record: Option<Record>, mismatches: &mut Vec<String>) {
    let stored = record.as_ref().map_or(Json::Null, |record| parsed(&record.to_text()));
    if let Some(expected) =
        vector.member("expect_accepted").and_then(|expected| expected.get("stored_metadata"))
    {
        equal("stored metadata", expected, stored.get("metadata"), mismatches);
    }
    match vector.member("after") {
        None | Some(Json::String(_)) => {}
        Some(Json::Null) => {
            if record.is_some_and(|record| record.live().is_some()) {
                mismatches.push("a shadow is left".to_owned());
            }
        }
        Some(after) => {
            if let Some(state) = after.get("state") {
                equal("after.state", &without_empty_sections(state), stored.get("state"), mismatches);
            }
            expectations::members("after", after, &stored, &["version", "metadata", "deleted"], mismatches);
        }
    }
}

fn check_get(
    vector: &Vector,
    store: &MemoryStore,
    name: &ShadowName,
    now: u64,
    mismatches: &mut Vec<String>,
) {
    let Some(expected) = vector.member("expect_get") else { return };
    let mut service = Service::new(store.clone(), Limits::default());
    let topic = Topic::new(name, Kind::Request(Operation::Get)).to_string();
    let answers = service.answer(&topic, b"", now).publications;
    expectations::accepted(expected, &parsed(&answers[0].payload), mismatches);
}

fn list(vector: &Vector) -> Vec<String> {
    let mut store = MemoryStore::default();
    let before = vector.member("before").expect("every vector has it");
    let record = || Record::from_text(r#"{"state":{},"version":1}"#).expect("a record");
    if before.get("classic").is_some() {
        store
            .save(&ShadowName::classic("T1").expect("a valid name"), record())
            .expect("memory does not fail");
    }
    if let Some(Json::Array(names)) = before.get("named") {
        for shadow in names.iter().filter_map(Json::as_str) {
            let name = ShadowName::named("T1", shadow).expect("a valid name");
            store.save(&name, record()).expect("memory does not fail");
        }
    }
    let query = body_of(vector).get("pageSize").map_or(String::new(), |size| format!("pageSize={size}"));
    let path = "/api/things/shadow/ListNamedShadowsForThing/T1";
    let request = RestRequest { method: "GET", path, query: &query, body: b"" };
    let answer =
        Service::new(store, Limits::default()).answer_rest(&request, NOW).expect("the path of the list");
    let mut mismatches = Vec::new();
    let expected = vector.member("expect_accepted").expect("a list is granted");
    expectations::accepted(expected, &parsed(&answer.body), &mut mismatches);
    mismatches
}

fn delta_metadata(vector: &Vector) -> Vec<String> {
    let request = body_of(vector);
    let delta = request.get("delta").and_then(Json::as_object).expect("a delta");
    let metadata = vector.member("before").and_then(|before| at(before, "metadata.desired"));
    let section = Section::new(delta.clone(), metadata);
    let actual = Json::Object(section.metadata_of(delta));
    let mut mismatches = Vec::new();
    let expected = vector.member("expect_accepted").and_then(|expected| expected.get("metadata_equals"));
    equal("metadata", expected.expect("metadata to compare"), Some(&actual), &mut mismatches);
    mismatches
}

fn topic(vector: &Vector, kind: Kind) -> String {
    let target = vector.member("target").cloned().unwrap_or(Json::Null);
    let name = |member| target.get(member).and_then(Json::as_str);
    let thing = name("thingName").unwrap_or("T1");
    let shadow = name("shadowName").map_or(String::new(), |shadow| format!("name/{shadow}/"));
    format!("$aws/things/{thing}/shadow/{shadow}{kind}")
}

fn body_of(vector: &Vector) -> Json {
    vector.member("request").cloned().expect("every vector has a request")
}

fn payload(vector: &Vector) -> String {
    let request = body_of(vector);
    if let Some(raw) = request.get("raw").and_then(Json::as_str) {
        return raw.to_owned();
    }
    let members = request.as_object().expect("a request is an object");
    let mut sent: Object = members
        .iter()
        .filter(|(key, _)| !key.starts_with('_') && *key != "generate")
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Some(generate) = request.get("generate") {
        sent.insert("state".to_owned(), generated_state(vector, generate));
    }
    Json::Object(sent).to_string()
}

/// A state whose one string is long enough to give the (merged) section the size the vector names.
fn generated_state(vector: &Vector, generate: &Json) -> Json {
    let path: Vec<&str> = generate.get("path").and_then(Json::as_str).expect("a path").split('.').collect();
    let [_, section, key] = path.as_slice() else { panic!("a path of three levels, not {path:?}") };
    let fill = generate.get("fill").and_then(Json::as_str).expect("a filler");
    let patch = |length: usize| Object::from_iter([((*key).to_owned(), Json::from(fill.repeat(length)))]);
    let (bytes, mut whole) = match generate.get("merged_section_bytes").and_then(Json::as_u64) {
        Some(bytes) => {
            let before = vector.member("before").and_then(|before| at(before, &format!("state.{section}")));
            (bytes, before.and_then(Json::as_object).cloned().unwrap_or_default())
        }
        None => {
            (generate.get("compact_section_bytes").and_then(Json::as_u64).expect("a size"), Object::new())
        }
    };
    merge(&mut whole, &patch(0));
    let length = usize::try_from(bytes).expect("a size") - json::compact_len(&whole);
    Json::Object(Object::from_iter([((*section).to_owned(), Json::Object(patch(length)))]))
}

fn record(before: Option<&Json>, now: u64) -> Option<Record> {
    let before = before?.as_object()?;
    if before.contains_key("deleted") {
        let hours = before.get("deleted_hours_ago").and_then(Json::as_u64).unwrap_or(0);
        let version = before.get("version").and_then(Json::as_u64).unwrap_or(1);
        return Some(Record::Deleted { version, at: now - hours * 3600 });
    }
    let mut text = before.clone();
    text.entry("version".to_owned()).or_insert(Json::from(1_u64));
    Some(Record::from_text(&Json::Object(text).to_string()).expect("a record"))
}

/// `merge_state` vectors show a section that has been emptied; in a whole document it is absent.
fn without_empty_sections(state: &Json) -> Json {
    let sections = state.as_object().expect("a state");
    let kept =
        sections.iter().filter(|(_, section)| section.as_object().is_none_or(|members| !members.is_empty()));
    Json::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn parsed(text: &str) -> Json {
    json::parse(text).expect("what is published is JSON")
}
