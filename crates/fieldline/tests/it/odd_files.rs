//! What is no regular file, in each place that names one: `check` and a reload say so at once, and go on.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::program::{fieldline, folder, write};
use crate::station::Station;

const PIPELINE: &str = "\
pipeline: p
sources:
  tick: { type: timer, every: 1h }
sinks:
  print: { type: stdout, inputs: tick }
";

/// A pipeline called `odd` for each kind of reference to a file, which is `ODD`.
const REFERENCES: [(&str, &str); 6] = [
    ("recording", "sources:\n  f: { type: file, path: ODD }\n"),
    (
        "script",
        "sources:\n  t: { type: timer, every: 1h }\ntransforms:\n  s: { type: script, inputs: t, file: ODD }\n",
    ),
    ("include", "include: [ODD]\nsources:\n  t: { type: timer, every: 1h }\n"),
    ("template", "use: ODD\nwith: {}\n"),
    (
        "certificate",
        "connections:\n  c: { type: mqtt, url: 'mqtts://localhost', tls: { ca: ODD } }\nsources:\n  m: { type: mqtt, connection: c, topics: [a] }\n",
    ),
    (
        "secret",
        "connections:\n  c: { type: mqtt, url: 'mqtt://localhost', username: u, password: '${secret.odd}' }\nsources:\n  m: { type: mqtt, connection: c, topics: [a] }\n",
    ),
];

fn fifo(path: &Path) {
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status().expect("`mkfifo` is everywhere");
    assert!(made.success());
}

/// Makes something odd at `path`; what is said of it.
fn odd(kind: &str, path: &Path) -> &'static str {
    match kind {
        "fifo" => {
            fifo(path);
            "FIFO"
        }
        "device" => {
            symlink("/dev/zero", path).expect("a link");
            "device"
        }
        "folder" => {
            std::fs::create_dir(path).expect("a folder");
            "folder"
        }
        "loop" => {
            symlink(path.file_name().expect("a name"), path).expect("a link");
            "symbolic link"
        }
        _ => {
            let file = std::fs::File::options().write(true).create_new(true).open(path).expect("a file");
            file.set_len(5 << 30).expect("a sparse file");
            "larger than"
        }
    }
}

#[test]
fn a_reference_to_what_is_no_regular_file_is_an_error_at_once() {
    for (reference, text) in REFERENCES {
        for kind in ["fifo", "device", "folder", "loop", "sparse"] {
            if (reference, kind) == ("secret", "device") {
                continue; // Its permissions are what is told first.
            }
            let text = format!(
                "pipeline: odd\n{}sinks:\n  o: {{ type: blackhole, inputs: '*' }}\n",
                text.replace("ODD", "odd")
            );
            let folder = folder(&[("a.yaml", &text)]);
            let said = odd(kind, &folder.path().join("odd"));
            private(&folder.path().join("odd"), kind);
            let done = fieldline(folder.path(), &["check", "a.yaml", "--secrets", "."]);
            assert!(
                done.errors.contains(said) || done.out.contains(said),
                "{reference}, {kind}: {}{}",
                done.out,
                done.errors
            );
            assert_ne!(done.code, 0);
        }
    }
}

fn private(path: &Path, kind: &str) {
    use std::os::unix::fs::PermissionsExt;
    if ["folder", "sparse"].contains(&kind) {
        let mode = if kind == "folder" { 0o700 } else { 0o600 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    }
}

#[test]
fn a_watched_folder_with_odd_files_and_link_loops_still_shows_a_new_pipeline() {
    let folder = folder(&[("p.yaml", PIPELINE)]);
    let station = Station::start(folder.path(), &["--no-watch"]);
    fifo(&folder.path().join("fifo.yaml"));
    symlink("/dev/zero", folder.path().join("zero.yaml")).expect("a link");
    for name in ["one", "two", "three"] {
        symlink(".", folder.path().join(name)).expect("a link");
    }
    let refused = station.ask("reload");
    assert_eq!(refused.code, 78, "{}{}", refused.out, refused.errors);
    std::fs::remove_file(folder.path().join("fifo.yaml")).expect("it is there");
    std::fs::remove_file(folder.path().join("zero.yaml")).expect("it is there");
    write(&folder.path().join("q.yaml"), &PIPELINE.replace("pipeline: p", "pipeline: q"));
    let applied = station.ask("reload");
    assert_eq!(applied.code, 0, "{}{}", applied.out, applied.errors);
    assert!(station.ask("status").out.contains('q'));
    station.stop();
}

#[test]
fn a_source_of_a_fifo_or_a_device_neither_hangs_nor_holds_up_the_end() {
    let folder = folder(&[(
        "p.yaml",
        "pipeline: p
sources:
  heat: { type: cpu_temperature, path: fifo, every: 10ms }
  zero: { type: cpu_temperature, path: /dev/zero, every: 10ms }
sinks:
  print: { type: stdout, inputs: [heat, zero] }
",
    )]);
    fifo(&folder.path().join("fifo"));
    let station = Station::start(folder.path(), &["--no-watch"]);
    for odd in ["FIFO", "device"] {
        station.until(|event| event["reason"].as_str().is_some_and(|reason| reason.contains(odd)));
    }
    station.stop();
}

#[test]
fn what_a_program_keeps_is_for_its_user_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder(&[(
        "p.yaml",
        "pipeline: p
sources:
  t: { type: timer, every: 10ms }
transforms:
  bad: { type: script, inputs: t, code: 'throw \"no\";' }
sinks:
  out: { type: file, inputs: bad, path: out.jsonl }
  kept: { type: blackhole, inputs: t, buffer: { type: disk, max_size: 1MiB } }
",
    )]);
    let letters = folder.path().join("fieldline-data/dead-letter/p.jsonl");
    std::fs::create_dir_all(letters.parent().expect("a folder")).expect("a folder");
    write(&letters, "");
    std::fs::set_permissions(&letters, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let data = folder.path().join("fieldline-data");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    let station = Station::start(folder.path(), &["--no-watch", "--last-good"]);
    while std::fs::metadata(&letters).expect("it is there").len() == 0 {
        station.ask("status");
    }
    station.stop();
    let data_mode = std::fs::metadata(&data).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(data_mode, 0o700);
    let mut folders = vec![data];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("it is there").permissions().mode() & 0o777;
            if entry.metadata().expect("it is there").is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                assert_eq!(mode, 0o600, "{:?}", entry.path());
            }
        }
    }
    assert!(files > 1);
}
