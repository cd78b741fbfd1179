//! Where events go. A sink writes what it is given and says truthfully what was not written.

mod blackhole;
mod stdout;

use fieldline_core::Definition;

/// Every sink.
pub(crate) const ALL: &[Definition] =
    &[Definition::of::<blackhole::BlackholeConfig>(), Definition::of::<stdout::StdoutConfig>()];
