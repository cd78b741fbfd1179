//! Every code of this crate with its page, which is also its test: `fieldline explain CODE` prints it.
//!
//! Components have codes of their own, such as `bad-topic`; they are told by whoever defines them.

/// The codes, in the order of the alphabet, each with its page in Markdown.
pub const CODES: &[(&str, &str)] = &[
    ("bad-condition", include_str!("../../tests/diagnostics/bad-condition.md")),
    ("bad-dead-letter", include_str!("../../tests/diagnostics/bad-dead-letter.md")),
    ("bad-name", include_str!("../../tests/diagnostics/bad-name.md")),
    ("bad-param", include_str!("../../tests/diagnostics/bad-param.md")),
    ("bad-substitution", include_str!("../../tests/diagnostics/bad-substitution.md")),
    ("bad-value", include_str!("../../tests/diagnostics/bad-value.md")),
    ("buffer-too-small", include_str!("../../tests/diagnostics/buffer-too-small.md")),
    ("clean-session", include_str!("../../tests/diagnostics/clean-session.md")),
    ("command-topic", include_str!("../../tests/diagnostics/command-topic.md")),
    ("cycle", include_str!("../../tests/diagnostics/cycle.md")),
    ("duplicate-id", include_str!("../../tests/diagnostics/duplicate-id.md")),
    ("duplicate-key", include_str!("../../tests/diagnostics/duplicate-key.md")),
    ("duplicate-pipeline", include_str!("../../tests/diagnostics/duplicate-pipeline.md")),
    ("include-cycle", include_str!("../../tests/diagnostics/include-cycle.md")),
    ("missing-field", include_str!("../../tests/diagnostics/missing-field.md")),
    ("missing-param", include_str!("../../tests/diagnostics/missing-param.md")),
    ("missing-secret", include_str!("../../tests/diagnostics/missing-secret.md")),
    ("missing-variable", include_str!("../../tests/diagnostics/missing-variable.md")),
    ("no-settings", include_str!("../../tests/diagnostics/no-settings.md")),
    ("no-sink", include_str!("../../tests/diagnostics/no-sink.md")),
    ("no-source", include_str!("../../tests/diagnostics/no-source.md")),
    ("not-utf8", include_str!("../../tests/diagnostics/not-utf8.md")),
    ("resource-clash", include_str!("../../tests/diagnostics/resource-clash.md")),
    ("self-feeding-topic", include_str!("../../tests/diagnostics/self-feeding-topic.md")),
    ("too-large", include_str!("../../tests/diagnostics/too-large.md")),
    ("unbounded-disk-buffer", include_str!("../../tests/diagnostics/unbounded-disk-buffer.md")),
    ("unknown-component", include_str!("../../tests/diagnostics/unknown-component.md")),
    ("unknown-connection", include_str!("../../tests/diagnostics/unknown-connection.md")),
    ("unknown-field", include_str!("../../tests/diagnostics/unknown-field.md")),
    ("unknown-input", include_str!("../../tests/diagnostics/unknown-input.md")),
    ("unknown-param", include_str!("../../tests/diagnostics/unknown-param.md")),
    ("unknown-port", include_str!("../../tests/diagnostics/unknown-port.md")),
    ("unknown-setting", include_str!("../../tests/diagnostics/unknown-setting.md")),
    ("unknown-variable", include_str!("../../tests/diagnostics/unknown-variable.md")),
    ("unreachable", include_str!("../../tests/diagnostics/unreachable.md")),
    ("unreadable-file", include_str!("../../tests/diagnostics/unreadable-file.md")),
    ("unused", include_str!("../../tests/diagnostics/unused.md")),
    ("unused-param", include_str!("../../tests/diagnostics/unused-param.md")),
    ("use-cycle", include_str!("../../tests/diagnostics/use-cycle.md")),
    ("wrong-connection", include_str!("../../tests/diagnostics/wrong-connection.md")),
    ("wrong-type", include_str!("../../tests/diagnostics/wrong-type.md")),
    ("yaml-syntax", include_str!("../../tests/diagnostics/yaml-syntax.md")),
];

/// The page of a code.
pub fn page(code: &str) -> Option<&'static str> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

/// What a user needs of a page: the title, the prose and the first case.
pub fn explain(code: &str) -> Option<&'static str> {
    let page = page(code)?;
    let shown = page.find("```text\n")? + 8;
    let end = page[shown..].find("\n```").map_or(page.len(), |at| shown + at + 4);
    Some(&page[..end])
}
