//! To which crate the name of a function belongs: the first that the name says. Where that is the standard library, what it
//! was made for comes first: `drop_in_place<rhai::Dynamic>` is rhai's. A name does not always say it.

/// What the compiler or C made.
const NO_CRATE: &str = "C and assembly";

/// The crates of the standard library, as one.
const STANDARD: &[&str] = &["std", "core", "alloc", "gimli", "addr2line", "object", "miniz_oxide"];

/// The crate of a demangled name.
pub(super) fn crate_of(name: &str) -> String {
    let owner = crates(name).find(|word| !STANDARD.contains(word));
    let is_standard = crates(name).next().is_some();
    owner.unwrap_or(if is_standard { "std" } else { NO_CRATE }).to_owned()
}

/// The first word of each path in a name, in order.
fn crates(name: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let paths = name.split(move |letter| !is_part(letter));
    paths.filter_map(|path| path.split_once("::")).map(|(word, _)| word).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_crate_of_a_name_that_is_not_the_standard_library_owns_it() {
        for (name, owner) in [
            ("tokio::runtime::park", "tokio"),
            ("<&mut dyn tokio::io::Read as core::fmt::Debug>::fmt", "tokio"),
            ("<[fieldline_core::value::Value] as alloc::slice::ToOwned>::to_owned", "fieldline_core"),
            ("core::ptr::drop_in_place<fieldline_core::event::Event>", "fieldline_core"),
            ("<alloc::vec::Vec<T> as rhai::Indexers>::get::{{closure}}", "rhai"),
            ("<i32 as core::fmt::Display>::fmt", "std"),
            ("ring_core_0_17_14__sha256_block_data_order", "C and assembly"),
        ] {
            assert_eq!(crate_of(name), owner, "{name}");
        }
    }
}
