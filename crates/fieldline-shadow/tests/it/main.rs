//! The crate's integration tests.

mod documents;
mod loopback;
mod rejections;
mod reporter;
mod rest;
mod service;
mod stores;
mod support;
mod topics;
mod tracker;
mod vectors;
