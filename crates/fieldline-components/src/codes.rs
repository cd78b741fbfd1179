//! Every code that a component's own check reports, with its page, which is also its test.
//!
//! Codes that the compiler reports too, such as `missing-field`, have their pages there.

/// The codes, in the order of the alphabet, each with its page in Markdown.
pub const CODES: &[(&str, &str)] = &[
    ("bad-aggregate", include_str!("../tests/diagnostics/bad-aggregate.md")),
    ("bad-bus", include_str!("../tests/diagnostics/bad-bus.md")),
    ("bad-connection", include_str!("../tests/diagnostics/bad-connection.md")),
    ("bad-listen", include_str!("../tests/diagnostics/bad-listen.md")),
    ("bad-number", include_str!("../tests/diagnostics/bad-number.md")),
    ("bad-path", include_str!("../tests/diagnostics/bad-path.md")),
    ("bad-port-name", include_str!("../tests/diagnostics/bad-port-name.md")),
    ("bad-qos", include_str!("../tests/diagnostics/bad-qos.md")),
    ("bad-schema", include_str!("../tests/diagnostics/bad-schema.md")),
    ("bad-shadow-name", include_str!("../tests/diagnostics/bad-shadow-name.md")),
    ("bad-template", include_str!("../tests/diagnostics/bad-template.md")),
    ("bad-topic", include_str!("../tests/diagnostics/bad-topic.md")),
    ("bad-unit", include_str!("../tests/diagnostics/bad-unit.md")),
    ("bad-url", include_str!("../tests/diagnostics/bad-url.md")),
    ("conflicting-fields", include_str!("../tests/diagnostics/conflicting-fields.md")),
    ("incomplete-tls", include_str!("../tests/diagnostics/incomplete-tls.md")),
    ("missing-client-id", include_str!("../tests/diagnostics/missing-client-id.md")),
    ("no-broker", include_str!("../tests/diagnostics/no-broker.md")),
    ("no-embedded-broker", include_str!("../tests/diagnostics/no-embedded-broker.md")),
    ("no-json-schema", include_str!("../tests/diagnostics/no-json-schema.md")),
    ("no-script", include_str!("../tests/diagnostics/no-script.md")),
    ("password-without-user", include_str!("../tests/diagnostics/password-without-user.md")),
    ("retain-reserved", include_str!("../tests/diagnostics/retain-reserved.md")),
    ("script-error", include_str!("../tests/diagnostics/script-error.md")),
    ("short-interval", include_str!("../tests/diagnostics/short-interval.md")),
    ("too-many", include_str!("../tests/diagnostics/too-many.md")),
    ("two-brokers", include_str!("../tests/diagnostics/two-brokers.md")),
    ("two-scripts", include_str!("../tests/diagnostics/two-scripts.md")),
    ("unused-listen", include_str!("../tests/diagnostics/unused-listen.md")),
    ("unused-shadows", include_str!("../tests/diagnostics/unused-shadows.md")),
    ("zero-period", include_str!("../tests/diagnostics/zero-period.md")),
];
