//! Where events come from. A source opens its origin in `connect` and hands over what is there in `next`.

mod ticker;
mod timer;

use fieldline_core::Definition;

/// Every source.
pub(crate) const ALL: &[Definition] = &[Definition::of::<timer::TimerConfig>()];
