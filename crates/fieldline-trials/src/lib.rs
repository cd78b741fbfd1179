//! What is measured and broken on purpose with real processes: the release binary, mosquitto, and the network
//! between them. Everything runs on loopback, on free ports, in a folder of its own, and is killed by its id.
//! It depends on none of our crates, so that nothing of ours judges itself.

pub mod chaos;

pub mod storm;

pub mod repair;

pub mod bully;

pub mod reload_time;

pub mod footprint;

pub mod bench;

pub mod hot_paths;

mod admin;

mod broker;

mod build;

mod card;

mod client;

mod engine;

mod machine;

mod page;

mod place;

mod process;

mod proxy;

mod sending;

mod spread;

mod witness;

use std::path::{Path, PathBuf};

/// The root of the workspace this tool was built in.
pub fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in `crates`");
    crates.parent().expect("`crates` lies in the root").to_owned()
}
