//! What works on events. A transform is synchronous and pure: every event it is given leaves by one of the
//! doors of `Outputs`.

mod adaptive;
mod air_quality;
mod convert;
mod deadband;
mod debounce;
mod dedupe;
mod features;
mod fill;
mod filter;
mod join;
mod map;
mod on_change;
mod outlier;
mod route;
mod sample;
mod script;
mod smooth;
mod throttle;
mod twin;
mod validate;
mod window;

mod checks;

mod keyed;

mod numbers;

mod timing;

use fieldline_core::Definition;

/// Every transform.
pub(crate) const ALL: &[Definition] = &[
    Definition::of::<filter::FilterConfig>(),
    Definition::of::<route::RouteConfig>(),
    Definition::of::<script::ScriptConfig>(),
    Definition::of::<map::MapConfig>(),
    Definition::of::<twin::TwinConfig>(),
    Definition::of::<window::WindowConfig>(),
    Definition::of::<join::JoinConfig>(),
    Definition::of::<deadband::DeadbandConfig>(),
    Definition::of::<on_change::OnChangeConfig>(),
    Definition::of::<dedupe::DedupeConfig>(),
    Definition::of::<throttle::ThrottleConfig>(),
    Definition::of::<sample::SampleConfig>(),
    Definition::of::<adaptive::AdaptiveConfig>(),
    Definition::of::<debounce::DebounceConfig>(),
    Definition::of::<validate::ValidateConfig>(),
    Definition::of::<outlier::OutlierConfig>(),
    Definition::of::<fill::FillConfig>(),
    Definition::of::<smooth::SmoothConfig>(),
    Definition::of::<convert::ConvertConfig>(),
    Definition::of::<features::FeaturesConfig>(),
    Definition::of::<air_quality::AirQualityConfig>(),
];
