//! Any bytes as a pipeline file. The body is `fieldline_compiler::fuzz`, which a property test of the crate runs too.

#![no_main]

use fieldline_core::Registry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fieldline_compiler::fuzz::compile_bytes(bytes, &Registry::new([]));
});
