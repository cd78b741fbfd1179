//! The compiler as its users see it.

mod components;
mod pages;
mod plans;
mod support;
