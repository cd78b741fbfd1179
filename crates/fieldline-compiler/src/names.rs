//! What names may look like.

/// Words that cannot name a node, because they mean something where nodes are named.
pub(crate) const RESERVED: [&str; 4] = ["dead_letter", "main", "params", "this"];

/// The most characters of a name.
const MAX_LENGTH: usize = 64;

/// `[a-z][a-z0-9_]*`, up to 64 characters: names of nodes, params and values beside events.
pub(crate) fn is_id(name: &str) -> bool {
    name.len() <= MAX_LENGTH
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Letters, digits, `_`, `-` and `.`, beginning with a letter or digit, up to 64 characters: names of pipelines.
pub(crate) fn is_pipeline(name: &str) -> bool {
    name.len() <= MAX_LENGTH
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

/// `name` made into an id, for a suggestion.
pub(crate) fn suggest_id(name: &str) -> String {
    let mut id = String::new();
    for c in name.chars() {
        match c {
            'A'..='Z' if id.ends_with(|last: char| last.is_ascii_lowercase()) => {
                id.push('_');
                id.push(c.to_ascii_lowercase());
            }
            'a'..='z' | '0'..='9' | 'A'..='Z' => id.push(c.to_ascii_lowercase()),
            _ if !id.is_empty() && !id.ends_with('_') => id.push('_'),
            _ => {}
        }
    }
    let id = id.trim_matches('_').to_owned();
    if id.starts_with(|c: char| c.is_ascii_lowercase()) { id } else { format!("n{id}") }
}
