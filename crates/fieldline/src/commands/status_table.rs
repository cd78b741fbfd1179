//! The answer of `GET /status` as `fieldline status` shows it to people.

use fieldline_api::{
    Buffer, ClockState, ClockStatus, FilesStatus, Memory, NodeStatus, ProgramStatus, ReloadOutcome,
    ReloadResult, Setting, Status, UnusedBuffer,
};
use fieldline_core::amount;

use crate::output::WAITS;

/// A line for each node, and below it what is not as it should be.
pub(super) fn table(status: &Status) -> String {
    let Status { program, files } = status;
    let mut text = heading(program, files);
    program.nodes.iter().for_each(|one| text += &node(one));
    text += &clock(&program.clock);
    program.unused_buffers.iter().for_each(|buffer| text += &unused_buffer(buffer));
    text += &trouble(files);
    text.trim_end().to_owned()
}

fn heading(program: &ProgramStatus, files: &FilesStatus) -> String {
    format!(
        "generation {}, config {} since {}, {}, {}\n\n{:<32} {:<10} {:>9} {:>9} {:>8} {:>6} {:>7} {:>5} {:>9}\n",
        program.generation,
        program.config,
        program.applied_at,
        if program.ready { "ready" } else { "not ready" },
        if files.files_differ { "the files on disk differ from what runs" } else { "as the files say" },
        "NODE",
        "STATE",
        "IN",
        "OUT",
        "FILTERED",
        "DEAD",
        "DROPPED",
        "LOST",
        "IN FLIGHT",
    )
}

fn node(node: &NodeStatus) -> String {
    let balance = &node.balance;
    let mut text = format!(
        "{:<32} {:<10} {:>9} {:>9} {:>8} {:>6} {:>7} {:>5} {:>9}\n",
        node.node,
        node.state,
        balance.received + balance.created,
        balance.delivered,
        balance.filtered + balance.absorbed,
        balance.dead_lettered,
        balance.dropped + balance.expired,
        balance.lost,
        balance.in_flight,
    );
    if let Some(error) = &node.error {
        text += &format!("    {error}\n");
    }
    node.settings.iter().for_each(|one| text += &setting(one));
    text += &node.memory.as_ref().map(memory).unwrap_or_default();
    text += &node.buffer.as_ref().map(buffer).unwrap_or_default();
    text
}

/// A setting that a command has changed.
fn setting(setting: &Setting) -> String {
    let Setting { name, value, configured, seconds_left } = setting;
    let left = seconds_left.map(|left| format!(", for {left} s more")).unwrap_or_default();
    format!("    {name}: {value} by a command, configured {configured}{left}\n")
}

/// What of a node's memory would outlive the program.
fn memory(memory: &Memory) -> String {
    let what = &memory.what;
    let saved = match &memory.saved_at {
        Some(time) => format!("on disk as of {time}"),
        None => "not on disk yet".to_owned(),
    };
    match (memory.kept, &memory.fault) {
        (true, None) => format!("    kept over a restart: {what}, {saved}\n"),
        (true, Some(fault)) => format!("    cannot be kept over a restart: {what}, {saved}: {fault}\n"),
        (false, _) => format!("    ends with the program: {what}\n"),
    }
}

/// A disk buffer that uses more than it may.
fn buffer(buffer: &Buffer) -> String {
    let Some(disk) = &buffer.disk else { return String::new() };
    let mut text = String::new();
    if disk.over_budget {
        let (written, syncs) = (disk.written_bytes_today, disk.syncs_today);
        text +=
            &format!("    over its budget: {written} bytes and {} a day\n", amount(syncs, "fsync", "fsyncs"));
    }
    if let (true, Some(free)) = (disk.card_short, disk.card_free_bytes) {
        text += &format!("    does not grow: {free} bytes are free on the card\n");
    }
    text
}

fn clock(clock: &ClockStatus) -> String {
    let mut text = String::new();
    if clock.standing == ClockState::Unset {
        text += "\nthe clock of this machine is not set yet: times are wrong, and events have `meta.clock: unset`";
    }
    if let Some(by) = clock.last_jump_seconds {
        text += &format!("\nthe clock of this machine was set by {by:+.1} s while the program ran");
    }
    text
}

fn unused_buffer(buffer: &UnusedBuffer) -> String {
    let UnusedBuffer { node, bytes, folder, records } = buffer;
    let events = match records {
        Some(records) => format!("{} ({bytes} bytes)", amount(*records, "event", "events")),
        None => format!("{bytes} bytes that cannot be read"),
    };
    format!("\n{node} is no sink and has {events} in {folder}: bring it back, or delete the folder")
}

/// Files with errors, and why the files on disk do not run.
fn trouble(files: &FilesStatus) -> String {
    let broken = files.broken.iter().map(|file| format!("\n{file} has errors: run `fieldline check` on it"));
    let mut text: String = broken.collect();
    files.errors.iter().for_each(|error| text += &format!("\n    {error}"));
    let differing = files.last_reload.as_ref().filter(|_| files.files_differ);
    differing.iter().for_each(|last| text += &refusal(last, &files.errors));
    text
}

/// Why the last reload did not take the files over; nothing of `errors`, which are told already.
fn refusal(last: &ReloadOutcome, errors: &[String]) -> String {
    let reasons = last.reasons().iter().filter(|reason| !errors.contains(reason));
    let reasons: String = reasons.map(|reason| format!("\n    {reason}")).collect();
    let heading = match last.result() {
        _ if reasons.is_empty() => return String::new(),
        ReloadResult::RolledBack => "the last change was taken back:",
        _ if last.waits() => "the last change was refused:",
        _ => "the last change was rejected:",
    };
    let waits = if last.waits() { format!("\n{WAITS}") } else { String::new() };
    format!("\n{heading}{reasons}{waits}")
}

#[cfg(test)]
mod tests {
    use fieldline_api::{Balance, Kind, NodeState};
    use serde_json::json;

    use super::*;

    fn shown(last: ReloadOutcome, files_differ: bool, errors: &[String]) -> String {
        let last_reload = Some(last);
        trouble(&FilesStatus { files_differ, errors: errors.to_vec(), last_reload, ..FilesStatus::default() })
    }

    #[test]
    fn the_reason_why_the_files_do_not_run_is_shown_once() {
        let reasons = vec!["7 events wait in `p/o`".to_owned()];
        let waiting = [("p/o".to_owned(), 7)].into();
        let refused = ReloadOutcome::Rejected { reasons: reasons.clone(), waiting };
        let expected = format!("\nthe last change was refused:\n    {}\n{WAITS}", reasons[0]);
        assert_eq!(shown(refused.clone(), true, &[]), expected);
        assert_eq!(shown(refused, false, &[]), "", "the file was restored");
        let taken_back = ReloadOutcome::RolledBack { reasons: reasons.clone() };
        let expected = format!("\nthe last change was taken back:\n    {}", reasons[0]);
        assert_eq!(shown(taken_back, true, &[]), expected);
        let rejected = ReloadOutcome::rejected(reasons.clone());
        assert_eq!(shown(rejected.clone(), true, &reasons), format!("\n    {}", reasons[0]));
        let expected = format!("\nthe last change was rejected:\n    {}", reasons[0]);
        assert_eq!(shown(rejected, true, &[]), expected);
    }

    #[test]
    fn an_unused_buffer_is_shown_with_its_events() {
        let mut buffer =
            UnusedBuffer { node: "p/o".to_owned(), folder: "b/o".to_owned(), records: Some(12), bytes: 480 };
        assert!(unused_buffer(&buffer).contains("has 12 events (480 bytes) in b/o:"));
        buffer.records = None;
        assert!(unused_buffer(&buffer).contains("has 480 bytes that cannot be read in b/o:"));
    }

    #[test]
    fn what_a_command_has_changed_stands_below_its_node() {
        let setting = |name: &str, value, configured, seconds_left| Setting {
            name: name.to_owned(),
            value,
            configured,
            seconds_left,
        };
        let air = NodeStatus {
            node: "drying/air".to_owned(),
            kind: Kind::Source,
            component: "timer".to_owned(),
            state: NodeState::Running,
            error: None,
            restarts: 0,
            balance: Balance::default(),
            memory: None,
            buffer: None,
            settings: vec![
                setting("every", json!("1s"), json!("5s"), Some(25)),
                setting("enabled", json!(false), json!(true), None),
            ],
        };
        let shown = node(&air);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].starts_with("drying/air  "), "{shown}");
        assert_eq!(lines[1], "    every: \"1s\" by a command, configured \"5s\", for 25 s more");
        assert_eq!(lines[2], "    enabled: false by a command, configured true");
    }
}
