//! Any bytes as a pipeline file.

#![no_main]

#[path = "../src/compile_bytes.rs"]
mod compile_bytes;

use fieldline_core::Registry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    compile_bytes::compile_bytes(bytes, &Registry::new([]));
});
