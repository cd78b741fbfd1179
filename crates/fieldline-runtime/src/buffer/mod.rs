//! Where events wait for a sink.

mod memory;

pub(crate) use memory::MemoryBuffer as Buffer;
