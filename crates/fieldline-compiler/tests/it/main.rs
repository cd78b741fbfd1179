//! The compiler as its users see it.

mod changes;
mod components;
mod pages;
mod places;
mod plans;
mod safety;
mod schema;
mod support;
mod templates;
