//! The `convert` transform: values from one unit to another.

use std::collections::BTreeMap;

use fieldline_core::suggest::nearest;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, EventError, Example, FieldPath, Kind, Moment,
    Outputs, Transform, Value,
};
use fieldline_signal::unit::{ALL, Conversion, UnitError};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// The fields of a `convert`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConvertConfig {
    /// The fields whose values change, each with its units. Null and missing values stay as they are; an event with
    /// anything else that is no number fails.
    #[schemars(with = "BTreeMap<String, Units>")]
    fields: IndexMap<FieldPath, Units>,
}

/// From which unit to which.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Units {
    /// The unit values have: a symbol such as `°C`, `hPa`, `km/h`, `%`, or a name such as `celsius`.
    from: String,
    /// The unit values get; it must measure the same.
    to: String,
}

impl Config for ConvertConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "convert";
    const SUMMARY: &'static str = "Converts values from one unit to another that measures the same.";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Kelvin and bar for the central system",
        config: "fields:\n  temperature: { from: °C, to: K }\n  pressure: { from: hPa, to: bar }",
        input: "{\"temperature\":21.5,\"pressure\":1000}\n{\"temperature\":null}",
        output: "1s {\"temperature\":294.65,\"pressure\":1.0}\n2s {\"temperature\":null}",
    }];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if self.fields.is_empty() {
            cx.error("missing-field", "fields", "there is nothing to convert")
                .help("write for example `fields: { temperature: { from: °C, to: K } }`");
        }
        for (path, units) in &self.fields {
            let Err(error) = Conversion::between(&units.from, &units.to) else { continue };
            let (side, help) = match &error {
                UnitError::Unknown(name) if *name == units.from => ("from", known_units(name)),
                UnitError::Unknown(name) => ("to", known_units(name)),
                UnitError::Different { from_word, .. } => ("to", units_of(from_word)),
            };
            cx.error("bad-unit", &format!("fields.{path}.{side}"), error.to_string()).help(help);
        }
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let conversions = self.fields.iter().map(|(path, units)| {
            let conversion = Conversion::between(&units.from, &units.to).map_err(BuildError::new)?;
            Ok((path.clone(), conversion))
        });
        let conversions = conversions.collect::<Result<_, BuildError>>()?;
        Ok(Built::Transform(Box::new(Convert { conversions })))
    }
}

/// The unit that was meant, or all there are.
fn known_units(name: &str) -> String {
    let names = || ALL.iter().flat_map(|unit| unit.names.iter().copied());
    match nearest(name, names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let symbols: Vec<&str> = ALL.iter().map(|unit| unit.names[0]).collect();
            format!("use one of {}", symbols.join(", "))
        }
    }
}

fn units_of(word: &str) -> String {
    let units = ALL.iter().filter(|unit| unit.dimension.word() == word);
    let symbols: Vec<&str> = units.map(|unit| unit.names[0]).collect();
    format!("units of {word} are {}", symbols.join(", "))
}

struct Convert {
    conversions: Vec<(FieldPath, Conversion)>,
}

impl Transform for Convert {
    fn apply(&mut self, mut event: Event, _moment: &Moment<'_>, out: &mut Outputs) {
        for (path, conversion) in &self.conversions {
            let number = match path.get(event.body()) {
                None | Some(Value::Null) => continue,
                Some(value) => value.as_f64(),
            };
            let Some(number) = number else {
                return out.fail(event, EventError::new("not_a_number", format!("`{path}` is no number")));
            };
            path.set(event.body_mut(), Value::Float(conversion.convert(number)));
        }
        out.send(event);
    }
}
