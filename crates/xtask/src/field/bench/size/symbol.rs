//! To which crate the name of a function belongs, as tools that count bytes of Rust programs see it: the first crate that
//! the name says. Code of a generic function counts for the crate that wrote it, not for the one that uses it.

/// What the compiler or C made.
const NO_CRATE: &str = "C and assembly";

/// The crates of the standard library, as one.
const STANDARD: &[&str] = &["std", "core", "alloc", "gimli", "addr2line", "object", "miniz_oxide"];

/// The crate of a demangled name.
pub(super) fn crate_of(name: &str) -> String {
    if !name.contains("::") {
        return NO_CRATE.to_owned();
    }
    // `<&mut dyn tokio::io::Read as …>`, `<[fieldline_core::Value] as …>`: what is implemented comes first.
    let is_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut rest = name;
    while let Some(begin) = rest.find(is_name) {
        let word = &rest[begin..];
        let end = word.find(|letter| !is_name(letter)).unwrap_or(word.len());
        let (word, behind) = word.split_at(end);
        if behind.starts_with("::") {
            return if STANDARD.contains(&word) { "std".to_owned() } else { word.to_owned() };
        }
        rest = behind;
    }
    NO_CRATE.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_crate_of_a_name_owns_it() {
        for (name, owner) in [
            ("tokio::runtime::park", "tokio"),
            ("<&mut dyn tokio::io::Read as core::fmt::Debug>::fmt", "tokio"),
            ("<[fieldline_core::value::Value] as alloc::slice::ToOwned>::to_owned", "fieldline_core"),
            ("core::ptr::drop_in_place<fieldline_core::event::Event>", "std"),
            ("<i32 as core::fmt::Display>::fmt", "std"),
            ("ring_core_0_17_14__sha256_block_data_order", "C and assembly"),
        ] {
            assert_eq!(crate_of(name), owner, "{name}");
        }
    }
}
