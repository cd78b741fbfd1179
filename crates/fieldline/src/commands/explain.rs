//! `fieldline explain`: the page of a topic or a component, as it is in the folder `schemas`, or of the code of a
//! diagnostic, as it is kept beside the code.

use anyhow::bail;
use fieldline_components::codes as component_codes;
use fieldline_core::suggest::nearest;
use fieldline_core::{Definition, Registry};
use serde::Serialize;

use crate::cli::{ExplainOptions, Format};
use crate::exit::Exit;
use crate::{disk, exit, output, reference};

/// What can be explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Topic {
    /// `topic`, `connection`, `source`, `transform`, `sink`, or `code` for a diagnostic.
    kind: &'static str,
    name: String,
    /// One sentence.
    summary: String,
    /// Markdown.
    page: String,
}

/// Prints the pages of what is asked for, or a list of everything.
pub(crate) fn explain(options: &ExplainOptions) -> anyhow::Result<Exit> {
    let topics = topics(&disk::registry());
    let found = match options.what.as_slice() {
        [] => topics,
        [name] => named(&topics, name, "nothing")?,
        [kind, name, ..] => {
            let of_kind: Vec<Topic> = topics.into_iter().filter(|topic| is_kind(topic.kind, kind)).collect();
            let Some(first) = of_kind.first() else {
                bail!(
                    "`{kind}` is no kind: write `topic`, `connection`, `source`, `transform`, `sink` or `code`"
                );
            };
            named(&of_kind, name, &format!("no {}", first.kind))?
        }
    };
    match options.format {
        Format::Json => output::print(serde_json::to_string_pretty(&found)?),
        Format::Human if options.what.is_empty() => output::print(list(&found)),
        Format::Human => {
            let pages: Vec<&str> = found.iter().map(|topic| topic.page.trim_end()).collect();
            output::print(pages.join("\n\n"));
        }
    }
    Ok(Exit::Done)
}

/// Everything there is: topics, components by kind, then codes in the order of the alphabet.
fn topics(registry: &Registry) -> Vec<Topic> {
    let mut codes: Vec<Topic> = fieldline_compiler::diagnostics::codes::CODES
        .iter()
        .filter_map(|(code, _)| Some((*code, fieldline_compiler::diagnostics::codes::explain(code)?)))
        .chain(component_codes::CODES.iter().copied())
        .map(|(code, page)| Topic {
            kind: "code",
            name: code.to_owned(),
            summary: first_sentence(page),
            page: page.to_owned(),
        })
        .collect();
    codes.sort_by(|one, other| one.name.cmp(&other.name));
    themes().into_iter().chain(registry.iter().filter_map(component)).chain(codes).collect()
}

/// What has a page and is neither a component nor a code.
fn themes() -> Vec<Topic> {
    let pages = reference::TOPICS.iter().filter_map(|page| Some(page.split_once('\n')?.1.to_owned()));
    let theme = |page: String| {
        let name = page.strip_prefix("# ")?.lines().next()?.to_owned();
        Some(Topic { kind: "topic", name, summary: first_sentence(&page), page })
    };
    let mut themes: Vec<Topic> = pages.chain([exit::page()]).filter_map(theme).collect();
    themes.sort_by(|one, other| one.name.cmp(&other.name));
    themes
}

/// The component with its page, which a test sees to.
fn component(definition: &Definition) -> Option<Topic> {
    let (kind, name) = (definition.kind.word(), definition.name);
    let heading = format!("# {kind} `{name}`\n");
    // The first line of a page is for whoever would edit the file.
    let mut shown = reference::PAGES.iter().filter_map(|page| Some(page.split_once('\n')?.1));
    let page = shown.find(|page| page.starts_with(&heading))?;
    // A terminal shows no pictures.
    let page = page.split("\n\n").filter(|part| !part.starts_with("![")).collect::<Vec<_>>().join("\n\n");
    Some(Topic { kind, name: name.to_owned(), summary: definition.summary.to_owned(), page })
}

/// The topics of this name; `nothing` is what to complain with, such as `no sink`.
fn named(topics: &[Topic], name: &str, nothing: &str) -> anyhow::Result<Vec<Topic>> {
    let found: Vec<Topic> = topics.iter().filter(|topic| topic.name == name).cloned().collect();
    if found.is_empty() {
        let meant = nearest(name, topics.iter().map(|topic| topic.name.as_str()));
        let meant = meant.map(|meant| format!("did you mean `{meant}`? ")).unwrap_or_default();
        bail!("{nothing} is called `{name}`; {meant}`fieldline explain` lists everything there is");
    }
    Ok(found)
}

/// Whether `word` means this kind: `sink` and `sinks` do.
fn is_kind(kind: &str, word: &str) -> bool {
    word == kind || word.strip_suffix('s') == Some(kind)
}

/// The first sentence of a page's prose, in one line.
fn first_sentence(page: &str) -> String {
    let prose = page.split("\n\n").nth(1).unwrap_or_default();
    let line = prose.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split_once(". ").map_or(line.clone(), |(sentence, _)| format!("{sentence}."))
}

fn list(topics: &[Topic]) -> String {
    let mut text = String::new();
    let mut section = "";
    for topic in topics {
        if topic.kind != section {
            section = topic.kind;
            text += &format!("\n{section}s\n");
        }
        text += &format!("  {:<24} {}\n", topic.name, topic.summary);
    }
    text += "\n`fieldline explain NAME` tells more; `fieldline explain sink mqtt` tells of one kind alone.";
    text.trim_start().to_owned()
}
