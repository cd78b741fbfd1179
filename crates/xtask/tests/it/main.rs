//! The rules of the tree as tests, and the scaffold at work.

mod new;
mod tidy;
