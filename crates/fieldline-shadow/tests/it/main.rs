//! The crate's integration tests.

mod documents;
mod json_text;
mod loopback;
mod model;
mod properties;
mod question;
mod rejections;
mod reporter;
mod rest;
mod service;
mod stores;
mod support;
mod topics;
mod tracker;
mod vectors;
