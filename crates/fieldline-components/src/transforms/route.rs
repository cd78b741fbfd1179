//! The `route` transform: sends each event to the named outputs whose conditions hold.

use std::collections::BTreeMap;

use fieldline_core::condition::Condition;
use fieldline_core::{
    BuildCx, BuildError, Built, CheckCx, Config, Event, Example, Facts, Kind, Moment, Outputs, Port,
    Transform,
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The output for events that no route wants.
const OTHERWISE: &str = "otherwise";

/// The most routes one node can have; far below what a port can count.
const MOST_ROUTES: usize = 256;

/// The fields of a `route`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteConfig {
    /// A condition for each output, asked in the order in which they are written. Another node reads an output
    /// with `inputs: [node.name]`; events that no condition wants are at `node.otherwise`.
    #[schemars(with = "BTreeMap<String, Condition>")]
    routes: IndexMap<String, Condition>,
    /// `first` sends an event to the first output whose condition holds, `all` sends a copy to each of them.
    #[serde(default)]
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Only the first output whose condition holds.
    #[default]
    First,
    /// Every output whose condition holds.
    All,
}

impl Config for RouteConfig {
    const KIND: Kind = Kind::Transform;
    const NAME: &'static str = "route";
    const SUMMARY: &'static str = "Sends events to named outputs, by conditions on the body.";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Alarms one way, readings another",
            config: "routes:\n  alarm: { temperature: { above: 30 } }\n  failure: { status: fail }",
            input: "{\"temperature\":31}\n{\"temperature\":null,\"status\":\"fail\"}\n{\"temperature\":21}",
            output: "1s alarm: {\"temperature\":31}\n2s failure: {\"temperature\":null,\"status\":\"fail\"}\n3s otherwise: {\"temperature\":21}",
        },
        Example {
            title: "A copy for each output that wants one",
            config: "mode: all\nroutes:\n  warm: { temperature: { above: 20 } }\n  hot: { temperature: { above: 30 } }",
            input: "{\"temperature\":31}\n{\"temperature\":21}",
            output: "1s warm: {\"temperature\":31}\n1s hot: {\"temperature\":31}\n2s warm: {\"temperature\":21}",
        },
    ];

    fn check(&self, cx: &mut CheckCx<'_>) {
        if self.routes.is_empty() {
            cx.error("missing-field", "routes", "there is no route")
                .help("write for example `routes: { alarm: { temperature: { above: 30 } } }`");
        }
        if self.routes.len() > MOST_ROUTES {
            let message = format!("{} routes are more than the {MOST_ROUTES} allowed", self.routes.len());
            cx.error("too-many", "routes", message).help("put a second `route` behind `otherwise`");
        }
        for name in self.routes.keys() {
            if name == OTHERWISE {
                cx.error(
                    "bad-port-name",
                    "routes",
                    "`otherwise` is the output for events that no route wants",
                )
                .help("leave it out and read it with `inputs: [node.otherwise]`");
            } else if !is_identifier(name) {
                cx.error("bad-port-name", "routes", format!("`{name}` cannot be the name of an output"))
                    .help("use small letters, digits and `_`, and begin with a letter");
            }
        }
    }

    fn facts(&self) -> Facts {
        let names = self.routes.keys().map(String::as_str).chain([OTHERWISE]);
        Facts { outputs: names.map(str::to_owned).collect(), ..Facts::default() }
    }

    fn build(&self, _cx: &BuildCx<'_>) -> Result<Built, BuildError> {
        let otherwise = Port::try_from(self.routes.len()).map_err(|_| BuildError::new("too many routes"))?;
        let routes = (0..otherwise).zip(self.routes.values().cloned()).collect();
        Ok(Built::Transform(Box::new(Route { routes, otherwise, mode: self.mode })))
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

struct Route {
    routes: Vec<(Port, Condition)>,
    otherwise: Port,
    mode: Mode,
}

impl Transform for Route {
    fn apply(&mut self, event: Event, _moment: &Moment<'_>, out: &mut Outputs) {
        let wanting = self.routes.iter().filter(|(_, condition)| condition.holds(event.body()));
        let mut ports = wanting.map(|(port, _)| *port);
        let Some(mut last) = ports.next() else { return out.send_to(self.otherwise, event) };
        if self.mode == Mode::All {
            for port in ports {
                out.send_to(last, event.derive(event.body().clone()));
                last = port;
            }
        }
        out.send_to(last, event);
    }
}
