//! Any text as a dead letter file: a line is a letter or an error, and a letter can be shown again.

#![no_main]

use fieldline_runtime::dead_letter::Letter;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for line in text.lines() {
        match Letter::read(line) {
            Ok(letter) => drop(format!("{letter:?}")),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
