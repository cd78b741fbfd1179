//! Where this crate follows AWS, or its own documented choice, and a peer does something else.

/// A vector of Greengrass or moto that we do not agree with.
#[derive(Debug)]
pub(super) struct Difference {
    name: &'static str,
    /// What differs, and nothing else may: the part of each mismatch before the colon.
    pub(super) subjects: &'static [&'static str],
    /// What we do instead; printed when the statement turns out wrong.
    #[expect(dead_code, reason = "read by Debug when the statement turns out wrong")]
    reason: &'static str,
}

const DIFFERENCES: &[Difference] = &[
    differs("ipc6-delete-other-404", TEXT, "AWS quotes the name and joins thing and shadow by a tilde"),
    differs("ipc7-delete-classic-404", TEXT, "AWS names the thing for its classic shadow"),
    differs("ipc9-list-page-size-1", &["nextToken"], "AWS gives no token on the last page, even a full one"),
    differs(
        "gg-delta-member-dropped",
        &["rejected", "delta", "after.state", "after.version"],
        "AWS refuses a delta in a request, with 400 and its name",
    ),
    differs("ipc4-version-null", &["rejected.message"], "AWS says `Invalid version`; the code agrees"),
    differs(
        "ipc12-recreate-restarts-at-1",
        &["accepted.version", "after.version"],
        "AWS continues the version for 48 hours",
    ),
    differs("gg-name-thing-bad-chars", STARTS, "our own text; the code agrees"),
    differs("gg-name-thing-missing", STARTS, "our own text; the code agrees"),
    differs("gg-name-shadow-too-long", STARTS, "our own text; the code agrees"),
    differs("gg-schema-bad-1", STARTS, "AWS names the missing state; the code agrees"),
    differs("gg-schema-bad-2", STARTS, "AWS names the missing state; the code agrees"),
    differs("gg-schema-bad-4", STARTS, "AWS names the section that is no object; the code agrees"),
    differs("gg-schema-bad-5", STARTS, "AWS names the member that is not a section; the code agrees"),
    differs("gg-schema-bad-7", STARTS, "AWS names the member that is not a section; the code agrees"),
    differs("gg-state-is-string", STARTS, "AWS says that state must be an object; the code agrees"),
    differs(
        "gg-empty-payload",
        &["rejected.message"],
        "an empty payload is no JSON, as on AWS; the code agrees",
    ),
    differs(
        "gg-null-in-first-desired-is-stored",
        &["delta", "after.state"],
        "AWS removes null members, in the first write of a section as in any other",
    ),
    differs(
        "moto-delete-answers-next-version",
        &["accepted.version"],
        "AWS answers the version that was deleted",
    ),
    differs("moto-invalid-node", &["message_moto"], "AWS quotes the member; the code agrees"),
    differs("moto-malformed", &["message_moto"], "AWS writes `Invalid JSON`; the code agrees"),
    differs("moto-empty-nested-delta", &["delta"], "AWS leaves out what is equal, so there is no delta"),
];

const TEXT: &[&str] = &["message_greengrass"];
const STARTS: &[&str] = &["message_starts"];

const fn differs(name: &'static str, subjects: &'static [&'static str], reason: &'static str) -> Difference {
    Difference { name, subjects, reason }
}

pub(super) fn stated(name: &str) -> Option<&'static Difference> {
    DIFFERENCES.iter().find(|difference| difference.name == name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    DIFFERENCES.iter().map(|difference| difference.name)
}

/// Why an operation of the vectors is not run.
pub(super) fn out_of_scope(operation: &str) -> Option<&'static str> {
    operation
        .starts_with("sync.")
        .then_some("synchronisation with a cloud is the gateway's, not the document's or the service's")
}
