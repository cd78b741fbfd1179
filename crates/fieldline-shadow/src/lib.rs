//! The AWS IoT device shadow as a pure library: no clock, no socket, no file.
//!
//! [`document`] is the shadow itself (state, metadata, version, merge, delta), [`service`] answers requests over
//! MQTT topics and REST paths on top of a [`service::Store`], and [`client`] is the device's side: what to report
//! and what has changed. Time is an argument everywhere; what goes out is returned as values.
//! Where AWS is silent the choice is written at the item that makes it; where Greengrass or moto do otherwise than AWS,
//! `DIFFERENCES.md` beside the manifest says so.

pub mod json;
pub mod limits;
pub mod name;
pub mod topic;

pub mod document;
pub mod rejection;

pub mod client;
pub mod service;
