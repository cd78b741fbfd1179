//! Tests of the runtime over plans made by hand: no YAML, no network, components that fail on purpose.

mod bench_plan;
mod conservation;
mod crash;
mod delivery;
mod disk;
mod reload;
