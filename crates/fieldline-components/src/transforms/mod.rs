//! What works on events. A transform is synchronous and pure: every event it is given leaves by one of the
//! doors of `Outputs`.

mod deadband;
mod debounce;
mod dedupe;
mod filter;
mod map;
mod on_change;
mod route;
mod sample;
mod script;
mod throttle;
mod window;

mod choice;

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
    Definition::of::<deadband::DeadbandConfig>(),
    Definition::of::<on_change::OnChangeConfig>(),
    Definition::of::<dedupe::DedupeConfig>(),
    Definition::of::<throttle::ThrottleConfig>(),
    Definition::of::<sample::SampleConfig>(),
    Definition::of::<debounce::DebounceConfig>(),
];
