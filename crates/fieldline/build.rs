//! Asks the linker for packed relocations: the 19,000 of them in the program's tables take 10 KB instead of 440 KB, in
//! the file and in memory. GNU's linker ignores the option with a warning where it cannot do that. Zig's refuses it; it is
//! what builds for systems with a glibc before 2.36, which could not load such a program anyway.
#![expect(clippy::disallowed_methods, reason = "cargo tells a build script its target in the environment")]

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |name: &str| var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let triple = var("TARGET").unwrap_or_default().to_uppercase().replace('-', "_");
    let linker = format!("CARGO_TARGET_{triple}_LINKER");
    println!("cargo::rerun-if-env-changed={linker}");
    let zig = var(linker).unwrap_or_default().contains("zigcc");
    if target("OS") == "linux" && target("ENV") == "gnu" && !zig {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
