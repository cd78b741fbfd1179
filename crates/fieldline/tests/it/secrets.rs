//! Secrets that a running program knows are in nothing that it says, whoever says it.

use std::os::unix::fs::PermissionsExt;

use crate::program::{fieldline, files, folder, read, write};
use crate::station::Station;

const SECRET: &str = "hunter2-is-long";

/// A pipeline whose events carry the secret and fail with it, and whose connection knows it.
fn leaking(password: &str, topic: &str) -> String {
    format!(
        "pipeline: p\nconnections:\n  c: {{ type: mqtt, url: 'mqtt://127.0.0.1:1', client_id: a, user: b, password: {password} }}\n\
         sources:\n  t: {{ type: timer, every: 20ms, body: {{ n: 1 }} }}\n\
         transforms:\n  carry: {{ type: script, inputs: t, code: 'this.key = \"is {SECRET}\"' }}\n  \
         fail: {{ type: script, inputs: carry, code: 'throw \"refused: {SECRET}\"' }}\n\
         sinks:\n  o: {{ type: mqtt, inputs: fail, connection: c, topic: {topic} }}\n"
    )
}

#[test]
fn letters_logs_status_and_plan_hold_no_secret_wherever_it_comes_from() {
    for password in [SECRET, "'${secret.plant}'"] {
        let folder = folder(&[("p.yaml", &leaking(password, "t")), ("credentials/plant", SECRET)]);
        let credential = folder.path().join("credentials/plant");
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(credential, owner).expect("it is ours");
        let station = Station::start(folder.path(), &["--no-watch", "--secrets", "credentials"]);
        let logged = station.logs(|line| line["node"] == "p/fail" && line["error"].is_string());
        let error = logged["error"].as_str().expect("just looked at");
        assert!(error.contains("refused: ***") && !logged.to_string().contains(SECRET), "{logged}");
        let status = station.ask_data("status").to_string();
        assert!(!status.contains(SECRET), "{status}");
        write(&folder.path().join("p.yaml"), &leaking(password, &format!("t/{SECRET}")));
        let plan = station.ask("plan");
        assert!(plan.out.contains("topic `t/***` is new") && !plan.out.contains(SECRET), "{}", plan.out);
        let letters = folder.path().join("fieldline-data/dead-letter");
        let letters: String = files(&letters, "jsonl").iter().map(|file| read(file)).collect();
        assert!(letters.contains("\"key\":\"is ***\"") && !letters.contains(SECRET), "{letters}");
    }
}

#[test]
fn the_password_of_a_url_is_shown_by_no_check() {
    let url = format!("mqtt://user:{SECRET}@broker:1883");
    let text = leaking(SECRET, "t")
        .replace("mqtt://127.0.0.1:1", &url)
        .replace(&format!(", user: b, password: {SECRET}"), "");
    let folder = folder(&[("p.yaml", &text)]);
    for arguments in [
        &["check", "p.yaml"][..],
        &["check", "--format", "json", "p.yaml"],
        &["check", "--resolved", "p.yaml"],
    ] {
        let done = fieldline(folder.path(), arguments);
        assert!(!done.out.contains(SECRET) && !done.errors.contains(SECRET), "{}{}", done.out, done.errors);
    }
    write(&folder.path().join("p.yaml"), &text.replace(&url, "mqtt://user:pw@broker:1883"));
    let done = fieldline(folder.path(), &["check", "p.yaml"]);
    assert!(!done.errors.contains("pw"), "{}", done.errors);
}
