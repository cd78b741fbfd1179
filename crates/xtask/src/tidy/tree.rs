//! What lies at the top of the tree, what must be there, and what must never be committed.

use std::collections::BTreeSet;

use crate::finding::Finding;

const TOP_LEVEL: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "certs",
    "crates",
    "examples",
    "pipelines",
    "schemas",
];

const REQUIRED: [&str; 3] = ["crates/README.md", "crates/DECISIONS.md", "crates/CHANGELOG.md"];

/// So many characters of base64 in one line are a key; fewer are somebody's example.
const KEY_LINE: usize = 40;

/// Finds names at the top that are neither agreed upon nor dotfiles.
pub fn check_top_level(committed: &[String]) -> Vec<Finding> {
    let names: BTreeSet<&str> = committed.iter().filter_map(|path| path.split('/').next()).collect();
    let strays = names.iter().filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(name));
    strays.map(|name| Finding::new(*name, "does not belong to the top of the tree")).collect()
}

/// Finds pages that the project promises to keep; `exists` is asked for paths from the root.
pub fn check_required(exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let missing = REQUIRED.into_iter().filter(|path| !exists(path));
    missing.map(|path| Finding::new(path, "is missing")).collect()
}

/// Finds private keys among the committed files, by name or by content.
pub fn check_keys(committed: &[String], read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let keys = committed
        .iter()
        .filter(|path| path.ends_with(".key") || read(path).is_some_and(|text| holds_private_key(&text)));
    keys.map(|path| Finding::new(path, "is a private key: take it out of git and replace it")).collect()
}

fn holds_private_key(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.windows(2).any(|pair| {
        let begins = pair[0].contains("-----BEGIN") && pair[0].contains("PRIVATE KEY-----");
        begins
            && pair[1].chars().take_while(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c)).count()
                >= KEY_LINE
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|&path| path.to_owned()).collect()
    }

    #[test]
    fn a_stranger_at_the_top_is_found_once() {
        let committed =
            paths(&["Cargo.toml", ".ci/run", "crates/a/src/lib.rs", "scripts/a.sh", "scripts/b.sh"]);
        assert_eq!(
            check_top_level(&committed),
            [Finding::new("scripts", "does not belong to the top of the tree")]
        );
    }

    #[test]
    fn a_missing_page_is_found() {
        assert_eq!(check_required(|_| true), []);
        let wanted = [Finding::new("crates/CHANGELOG.md", "is missing")];
        assert_eq!(check_required(|path| path != "crates/CHANGELOG.md"), wanted);
    }

    #[test]
    fn a_private_key_is_found_by_its_name_and_by_its_content() {
        let kinds = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
        for kind in kinds {
            let text = format!("-----BEGIN {kind}-----\n{}\n", "A".repeat(64));
            assert_eq!(check_keys(&paths(&["a.pem"]), |_| Some(text.clone())).len(), 1, "{kind}");
        }
        assert_eq!(check_keys(&paths(&["device.key"]), |_| Some(String::new())).len(), 1);
    }

    #[test]
    fn certificates_and_sentences_about_keys_pass() {
        for text in [
            format!("-----BEGIN CERTIFICATE-----\n{}\n", "A".repeat(64)),
            "the file begins with `-----BEGIN PRIVATE KEY-----`\nand ends".to_owned(),
        ] {
            assert_eq!(check_keys(&paths(&["a.pem"]), |_| Some(text.clone())), [], "{text}");
        }
    }
}
