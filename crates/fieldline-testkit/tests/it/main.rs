//! Tests of `tests:` blocks over the real components: what passes, what fails, and in which words.

mod beside;
mod conservation;
mod failing_words;
mod files;
mod join;
mod outages;
mod stage;
mod support;
mod time;
