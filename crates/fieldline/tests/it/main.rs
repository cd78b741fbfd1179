//! Tests of the program as its users meet it: the built binary, real files, real brokers.

mod admin;
mod commands;
mod component_codes;
mod generated;
mod intruders;
mod isolation;
mod memory;
mod mosquitto;
mod odd_files;
mod pages;
mod picture;
mod program;
mod programs;
mod publish;
mod refused_topics;
mod reload;
#[cfg(feature = "broker")]
mod renewal;
mod scaffold;
mod secrets;
mod service;
mod sessions;
mod shadow;
mod shared_blocks;
mod station;
mod steering;
mod testing;
mod topics;
