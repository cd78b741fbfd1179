//! Tests of `tests:` blocks over the real components: what passes, what fails, and in which words.
mod support;
mod verdicts;
