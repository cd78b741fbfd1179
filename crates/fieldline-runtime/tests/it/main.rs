//! Tests of the runtime over plans made by hand: no YAML, no network, components that fail on purpose.

mod batch;
mod bench_plan;
mod beside;
mod blocking;
mod bounds;
mod card;
mod card_limits;
mod clock;
mod connect;
mod conservation;
mod control;
mod crash;
mod damage;
mod dead_letter;
mod delivery;
mod disk;
mod disk_faults;
mod forecast;
mod handover;
mod idle;
mod memory;
mod rate;
mod reload;
mod remote;
mod sequence;
