//! Conversion between units of measurement.

use fieldline_core::suggest::nearest;
use rhai::{Dynamic, EvalAltResult};

use super::numbers::number;
use super::{Binding, Function};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "convert",
    signature: "convert(x, from, to)",
    summary: "`x` in another unit of the same quantity. Temperature: degC, degF, K. Pressure: Pa, hPa, kPa, mbar, \
              bar, psi, mmHg, atm. Length: mm, cm, m, km, in, ft. Mass: g, kg, t, lb. Speed: m/s, km/h, mph, kn. \
              Volume: ml, l, m3. Flow: l/min, l/s, m3/h. Time: ms, s, min, h, d. Voltage: mV, V, kV. \
              Current: mA, A. Power: W, kW, MW. Energy: J, kJ, Wh, kWh. Angle: deg, rad. Ratio: 1, %, ppm.",
    example: r#"convert(25.0, "degC", "K") == 298.15 && convert(1013.25, "hPa", "bar") == 1.01325"#,
    binding: Binding::Shared(|library| {
        library.set_native_fn("convert", |x: Dynamic, from: &str, to: &str| convert(number(&x)?, from, to));
    }),
}];

/// A unit: its value in the base unit of its quantity is `(x + offset) * factor`.
struct Unit {
    name: &'static str,
    quantity: &'static str,
    factor: f64,
    offset: f64,
}

const fn unit(quantity: &'static str, name: &'static str, factor: f64) -> Unit {
    Unit { name, quantity, factor, offset: 0.0 }
}

/// Factors are exact by definition (SI; international yard and pound; nautical mile), but for mmHg (ISO 80000-4).
const UNITS: &[Unit] = &[
    unit("temperature", "K", 1.0),
    Unit { name: "degC", quantity: "temperature", factor: 1.0, offset: 273.15 },
    Unit { name: "degF", quantity: "temperature", factor: 5.0 / 9.0, offset: 459.67 },
    unit("pressure", "Pa", 1.0),
    unit("pressure", "hPa", 100.0),
    unit("pressure", "kPa", 1e3),
    unit("pressure", "mbar", 100.0),
    unit("pressure", "bar", 1e5),
    unit("pressure", "psi", 6_894.757_293_168_361),
    unit("pressure", "mmHg", 133.322_387_415),
    unit("pressure", "atm", 101_325.0),
    unit("length", "mm", 1e-3),
    unit("length", "cm", 1e-2),
    unit("length", "m", 1.0),
    unit("length", "km", 1e3),
    unit("length", "in", 0.0254),
    unit("length", "ft", 0.3048),
    unit("mass", "g", 1e-3),
    unit("mass", "kg", 1.0),
    unit("mass", "t", 1e3),
    unit("mass", "lb", 0.453_592_37),
    unit("speed", "m/s", 1.0),
    unit("speed", "km/h", 1.0 / 3.6),
    unit("speed", "mph", 0.447_04),
    unit("speed", "kn", 1852.0 / 3600.0),
    unit("volume", "ml", 1e-6),
    unit("volume", "l", 1e-3),
    unit("volume", "m3", 1.0),
    unit("flow", "l/min", 1e-3 / 60.0),
    unit("flow", "l/s", 1e-3),
    unit("flow", "m3/h", 1.0 / 3600.0),
    unit("time", "ms", 1e-3),
    unit("time", "s", 1.0),
    unit("time", "min", 60.0),
    unit("time", "h", 3600.0),
    unit("time", "d", 86_400.0),
    unit("voltage", "mV", 1e-3),
    unit("voltage", "V", 1.0),
    unit("voltage", "kV", 1e3),
    unit("current", "mA", 1e-3),
    unit("current", "A", 1.0),
    unit("power", "W", 1.0),
    unit("power", "kW", 1e3),
    unit("power", "MW", 1e6),
    unit("energy", "J", 1.0),
    unit("energy", "kJ", 1e3),
    unit("energy", "Wh", 3600.0),
    unit("energy", "kWh", 3.6e6),
    unit("angle", "rad", 1.0),
    unit("angle", "deg", std::f64::consts::PI / 180.0),
    unit("ratio", "1", 1.0),
    unit("ratio", "%", 1e-2),
    unit("ratio", "ppm", 1e-6),
];

fn convert(x: f64, from: &str, to: &str) -> Fallible<f64> {
    let (from, to) = (find(from)?, find(to)?);
    if from.quantity != to.quantity {
        let message = format!(
            "`{}` is a unit of {}, and `{}` one of {}",
            from.name, from.quantity, to.name, to.quantity
        );
        return Err(message.into());
    }
    // One division of the two factors, so that hPa to bar is exact where it can be.
    Ok((x + from.offset) * from.factor / to.factor - to.offset)
}

fn find(name: &str) -> Fallible<&'static Unit> {
    UNITS.iter().find(|unit| unit.name == name).ok_or_else(|| {
        match nearest(name, UNITS.iter().map(|unit| unit.name)) {
            Some(meant) => format!("there is no unit `{name}`; did you mean `{meant}`?").into(),
            None => format!("there is no unit `{name}`").into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_agree_with_published_conversions() {
        let near = |x: f64, from, to, expected: f64| {
            let result = convert(x, from, to).expect("known units");
            assert!((result - expected).abs() < 1e-9 * expected.abs().max(1.0), "{x} {from} = {result} {to}");
        };
        near(-40.0, "degF", "degC", -40.0);
        near(212.0, "degF", "degC", 100.0);
        near(1.0, "atm", "mmHg", 759.999_891_726);
        near(14.503_773_773_02, "psi", "bar", 1.0);
        near(36.0, "km/h", "m/s", 10.0);
        near(180.0, "deg", "rad", std::f64::consts::PI);
        near(60.0, "l/min", "m3/h", 3.6);
    }

    #[test]
    fn a_unit_of_another_quantity_is_refused() {
        let error = convert(1.0, "bar", "K").map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("unit of pressure")));
        let error = convert(1.0, "hpa", "Pa").map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("did you mean `hPa`")));
    }
}
