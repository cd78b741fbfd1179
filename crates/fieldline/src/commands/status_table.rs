//! The answer of `GET /status` as `fieldline status` shows it to people.

use serde_json::Value;

/// A line for each node, and below it what is not as it should be.
pub(super) fn table(status: &Value) -> String {
    let word = |value: &Value, yes: &'static str, no| if value.as_bool() == Some(true) { yes } else { no };
    let text_of = |field: &str| status[field].as_str().unwrap_or("unknown");
    let mut text = format!(
        "generation {}, config {} since {}, {}, {}\n\n{:<32} {:<10} {:>9} {:>9} {:>8} {:>6} {:>7} {:>5} {:>9}\n",
        status["generation"],
        text_of("config"),
        text_of("applied_at"),
        word(&status["ready"], "ready", "not ready"),
        word(&status["files_differ"], "the files on disk differ from what runs", "as the files say"),
        "NODE",
        "STATE",
        "IN",
        "OUT",
        "FILTERED",
        "DEAD",
        "DROPPED",
        "LOST",
        "IN FLIGHT",
    );
    for node in status["nodes"].as_array().into_iter().flatten() {
        let number = |field: &str| node[field].as_i64().unwrap_or_default();
        text += &format!(
            "{:<32} {:<10} {:>9} {:>9} {:>8} {:>6} {:>7} {:>5} {:>9}\n",
            node["node"].as_str().unwrap_or_default(),
            node["state"].as_str().unwrap_or_default(),
            number("received") + number("created"),
            number("delivered"),
            number("filtered") + number("absorbed"),
            number("dead_lettered"),
            number("dropped") + number("expired"),
            number("lost"),
            number("in_flight"),
        );
        if let Some(error) = node["error"].as_str() {
            text += &format!("    {error}\n");
        }
        for setting in node["settings"].as_array().into_iter().flatten() {
            let name = setting["name"].as_str().unwrap_or_default();
            text += &format!(
                "    {name}: {} by a command, configured {}",
                setting["value"], setting["configured"]
            );
            if let Some(left) = setting["seconds_left"].as_u64() {
                text += &format!(", for {left} s more");
            }
            text += "\n";
        }
        text += &memory(&node["memory"]);
        let disk = &node["buffer"]["disk"];
        if disk["over_budget"] == true {
            let (written, syncs) = (&disk["written_bytes_today"], &disk["syncs_today"]);
            text += &format!("    over its budget: {written} bytes and {syncs} fsyncs a day\n");
        }
        if disk["card_short"] == true {
            text += &format!("    does not grow: {} bytes are free on the card\n", disk["card_free_bytes"]);
        }
    }
    if status["clock"]["standing"] == "unset" {
        text += "\nthe clock of this machine is not set yet: times are wrong, and events have `meta.clock: unset`";
    }
    if let Some(by) = status["clock"]["last_jump_seconds"].as_f64() {
        text += &format!("\nthe clock of this machine was set by {by:+.1} s while the program ran");
    }
    for buffer in status["unused_buffers"].as_array().into_iter().flatten() {
        text += &format!(
            "\n{} is no sink and has {} bytes of events in {}: bring it back, or delete the folder",
            buffer["node"].as_str().unwrap_or_default(),
            buffer["bytes"],
            buffer["folder"].as_str().unwrap_or_default(),
        );
    }
    let list = |field: &str| status[field].as_array().into_iter().flatten().filter_map(|one| one.as_str());
    for broken in list("broken") {
        text += &format!("\n{broken} has errors: run `fieldline check` on it");
    }
    for error in list("errors") {
        text += &format!("\n    {error}");
    }
    if status["last_reload"]["result"] == "rolled_back" {
        let reason = status["last_reload"]["reasons"][0].as_str().unwrap_or_default();
        text += &format!("\nthe last change was taken back: {reason}");
    }
    text.trim_end().to_owned()
}

/// What of a node's memory would outlive the program; nothing for a node without any.
fn memory(memory: &Value) -> String {
    let what = memory["what"].as_str().unwrap_or_default();
    let saved = match memory["saved_at"].as_str() {
        Some(time) => format!("on disk as of {time}"),
        None => "not on disk yet".to_owned(),
    };
    match (memory["kept"].as_bool(), memory["fault"].as_str()) {
        (Some(true), None) => format!("    kept over a restart: {what}, {saved}\n"),
        (Some(true), Some(fault)) => format!("    cannot be kept over a restart: {what}, {saved}: {fault}\n"),
        (Some(false), _) => format!("    ends with the program: {what}\n"),
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_command_has_changed_stands_below_its_node() {
        let every = json!({ "name": "every", "value": "1s", "configured": "5s", "seconds_left": 25 });
        let read = json!({ "name": "enabled", "value": false, "configured": true, "seconds_left": null });
        let node = json!({ "node": "drying/air", "state": "running", "settings": [every, read] });
        let shown = table(&json!({ "nodes": [node] }));
        let lines: Vec<&str> = shown.lines().skip(3).collect();
        assert!(lines[0].starts_with("drying/air  "), "{shown}");
        assert_eq!(lines[1], "    every: \"1s\" by a command, configured \"5s\", for 25 s more");
        assert_eq!(lines[2], "    enabled: false by a command, configured true");
    }
}
