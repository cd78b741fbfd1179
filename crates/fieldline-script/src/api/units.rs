//! Conversion between units of measurement.

use fieldline_core::suggest::nearest;
use fieldline_signal::unit::{ALL, Conversion, UnitError};
use rhai::{Dynamic, EvalAltResult};

use super::numbers::number;
use super::{Binding, Function};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "convert",
    signature: "convert(x, from, to)",
    summary: "`x` in another unit of the same dimension; the units are those of the transform `convert`, for example \
              °C, °F, K (or degC, degF), Pa, hPa, bar, psi, m/s, km/h, l/min, g, kg, kWh, rpm, Hz, %, ppm.",
    example: r#"convert(25.0, "degC", "K") == 298.15 && convert(1013.25, "hPa", "bar") == 1.01325"#,
    binding: Binding::Shared(|library| {
        library.set_native_fn("convert", |x: Dynamic, from: &str, to: &str| convert(number(&x)?, from, to));
    }),
}];

fn convert(x: f64, from: &str, to: &str) -> Fallible<f64> {
    match Conversion::between(from, to) {
        Ok(conversion) => Ok(conversion.convert(x)),
        Err(error) => Err(explained(&error).into()),
    }
}

fn explained(error: &UnitError) -> String {
    let names = ALL.iter().flat_map(|unit| unit.names.iter().copied());
    match error {
        UnitError::Unknown(name) => match nearest(name, names) {
            Some(meant) => format!("{error}; did you mean `{meant}`?"),
            None => error.to_string(),
        },
        UnitError::Different { .. } => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_transform_is_known() {
        for name in ALL.iter().flat_map(|unit| unit.names) {
            assert!(convert(1.0, name, name).is_ok_and(|one| (one - 1.0).abs() < 1e-9), "{name}");
        }
    }

    #[test]
    fn a_unit_of_another_quantity_is_refused() {
        let error = convert(1.0, "bar", "K").map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("`K` measures temperature")));
        let error = convert(1.0, "hpa", "Pa").map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("did you mean `hPa`")));
    }
}
