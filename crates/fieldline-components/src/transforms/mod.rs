//! What works on events. A transform is synchronous and pure: every event it is given leaves by one of the
//! doors of `Outputs`.

mod filter;
mod map;
mod route;
mod script;
mod window;

mod keyed;

mod timing;

use fieldline_core::Definition;

/// Every transform.
pub(crate) const ALL: &[Definition] = &[
    Definition::of::<filter::FilterConfig>(),
    Definition::of::<route::RouteConfig>(),
    Definition::of::<script::ScriptConfig>(),
    Definition::of::<map::MapConfig>(),
    Definition::of::<window::WindowConfig>(),
];
