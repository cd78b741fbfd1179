//! Wording about commands and the settings they change.

use super::super::Diagnostics;
use super::{listed, meant};
use crate::text::files::Span;

impl Diagnostics {
    pub(crate) fn no_settings(&mut self, span: Span, kind: &str, component: &str) {
        let message = format!("the {kind} `{component}` has no settings that could be changed while it runs");
        self.error("no-settings", span, message).help(
            "take `control` out; `fieldline explain COMPONENT` lists the settings of those that have some",
        );
    }

    pub(crate) fn unknown_setting(&mut self, span: Span, name: &str, nearest: Option<&str>, all: &[&str]) {
        let all = || format!("its settings are {}", listed(all.iter().copied(), "and"));
        self.error("unknown-setting", span, format!("the node has no setting `{name}`"))
            .help(meant(nearest).unwrap_or_else(all));
    }

    pub(crate) fn answers_come_back(&mut self, span: Span, id: &str) {
        let message = format!("the answers of `{id}` would come back to it as commands, without an end");
        self.error("cycle", span, message).help(format!("let nothing that reads `{id}.response` lead here"));
    }

    pub(crate) fn command_topic(&mut self, span: Span, filter: &str, steered: &str, data: &str, at: Span) {
        let message = format!("the commands for `{steered}` come in among the data, at `{filter}`");
        self.warning("command-topic", span, message)
            .related(at, format!("data is published to `{data}`"))
            .help("keep commands in a hierarchy of their own, such as `action/…`, which can have rights of its own");
    }
}
