//! What `check`, `graph`, `explain`, `schema` and `completions` print, and with what exit code they end.

use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::program::{fieldline, files, folder, read, workspace, write};

const GOOD: &str = "\
pipeline: drying
sources:
  air: { type: timer, every: 5s, body: { temperature: 21.5 } }
transforms:
  warm: { type: filter, inputs: air, keep: { temperature: { above: 20 } } }
sinks:
  print: { type: stdout, inputs: warm }
";

#[test]
fn a_good_file_is_counted() {
    let folder = folder(&[("drying.yaml", GOOD)]);
    let done = fieldline(folder.path(), &["check", "drying.yaml"]);
    assert_eq!(done.out, "no problems; 1 pipeline with 3 nodes can run\n");
    assert_eq!((done.errors.as_str(), done.code), ("", 0));
}

#[test]
fn a_check_of_templates_alone_is_no_success() {
    let folder = folder(&[("drying.yaml", &template())]);
    for format in ["human", "json"] {
        let done = fieldline(folder.path(), &["check", "--format", format, "."]);
        let told = "error: no pipeline found: a template is checked with a station file that uses it, and nobody uses `drying.yaml`\n";
        assert!(done.errors.ends_with(told), "{}", done.errors);
        assert_eq!(done.code, 78);
    }
}

#[test]
fn a_mistake_in_a_template_beside_a_good_file_is_no_success() {
    let template = template().replace("stdout", "nonsense");
    let folder =
        folder(&[("good.yaml", &GOOD.replace("pipeline: ", "pipeline: good_")), ("drying.yaml", &template)]);
    let done = fieldline(folder.path(), &["check", "."]);
    let told = "error[unknown-component]: there is no sink of type `nonsense`\n --> drying.yaml:8:18\n";
    assert!(done.errors.contains(told), "{}", done.errors);
    assert_eq!(
        (done.out.as_str(), done.code),
        ("1 error and 1 warning; 1 pipeline with 3 nodes can run\n", 78)
    );
}

/// A file that asks for a param.
fn template() -> String {
    let template = GOOD.replace("above: 20", "above: \"${params.limit}\"");
    format!("params: {{ limit: {{ type: integer }} }}\n{template}")
}

#[test]
fn a_mistake_is_shown_where_it_is_with_what_to_do() {
    let folder = folder(&[("drying.yaml", &GOOD.replace("inputs: warm", "inputs: worm"))]);
    let done = fieldline(folder.path(), &["check", "drying.yaml"]);
    insta::assert_snapshot!(done.errors, @r#"
    error[unknown-input]: there is no source or transform `worm`
     --> drying.yaml:7:34
      |
    5 |   warm: { type: filter, inputs: air, keep: { temperature: { above: 20 } } }
      |   ---- a node with a similar name
    6 | sinks:
    7 |   print: { type: stdout, inputs: worm }
      |                                  ^^^^ no node has this name
      |
    help: did you mean `warm`?
    "#);
    assert_eq!(done.code, 78);
}

#[test]
fn however_a_path_is_written_one_of_a_program_has_it() {
    let folder = folder(&[("real/dev/i2c-1", ""), ("one.yaml", "pipeline: one")]);
    let root = folder.path().canonicalize().expect("it is there");
    for (target, link) in [("real", "link"), ("real/dev/i2c-1", "sensors"), ("real/new.jsonl", "ahead.jsonl")]
    {
        symlink(target, root.join(link)).expect("a link");
    }
    let bus = |path: &str| {
        format!(
            "sources: {{ s: {{ type: bme680, bus: {path} }} }}\nsinks: {{ o: {{ type: blackhole, inputs: s }} }}"
        )
    };
    let rest = "sources: { s: { type: timer, every: 5s } }";
    let sink = |path: &str| format!("{rest}\nsinks: {{ o: {{ type: file, inputs: s, path: '{path}' }} }}");
    let letters = |path: &str| {
        format!("{rest}\nsinks: {{ o: {{ type: blackhole, inputs: s }} }}\ndead_letter: {{ folder: {path} }}")
    };
    for (one, two) in [
        (bus("ROOT/real/dev/i2c-1"), bus("ROOT/real/dev/../dev/i2c-1")),
        (bus("ROOT/real/dev/i2c-1"), bus("ROOT/real//dev/./i2c-1")),
        (bus("ROOT/real/dev/i2c-1"), bus("ROOT/link/dev/i2c-1")),
        (bus("ROOT/real/dev/i2c-1"), bus("ROOT/sensors")),
        (bus("ROOT/none/i2c-1"), bus("ROOT/none/../none/i2c-1")),
        (sink("x.jsonl"), sink("./x.jsonl")),
        (sink("real/new.jsonl"), sink("link/new.jsonl")),
        (sink("real/new.jsonl"), sink("ahead.jsonl")),
        (sink("real/new.jsonl"), sink("ROOT/real/new.jsonl")),
        (sink("real/{{event.a}}.jsonl"), sink("link/{{ event.a }}.jsonl")),
        (sink("real/two.jsonl"), letters("ROOT/link")),
        (letters("ROOT/real"), sink("real/dev/../one.jsonl")),
    ] {
        for (name, text) in [("one", &one), ("two", &two)] {
            let text = text.replace("ROOT", &root.display().to_string());
            write(&root.join(format!("{name}.yaml")), &format!("pipeline: {name}\n{text}\n"));
        }
        let done = fieldline(&root, &["check", "--format", "json", "."]);
        let list: Value = serde_json::from_str(&done.out).expect("JSON");
        assert_eq!(list[0]["code"], "resource-clash", "{one}\n{two}\n{list}");
    }
}

#[test]
fn a_mistake_is_data_for_programs() {
    let folder = folder(&[("drying.yaml", &GOOD.replace("every: 5s", "every: 5"))]);
    let done = fieldline(folder.path(), &["check", "--format", "json", "drying.yaml"]);
    let list: Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!(list[0]["code"], "bad-value");
    assert_eq!(
        (&list[0]["file"], &list[0]["line"], &list[0]["column"]),
        (&"drying.yaml".into(), &3.into(), &30.into())
    );
    assert_eq!((done.errors.as_str(), done.code), ("", 78));
}

#[test]
fn a_field_of_secret_type_is_masked_wherever_its_value_comes_from() {
    for password in ["hunter2", "\"hunter2\"", "'${env.PW:-hunter2}'"] {
        let text = format!(
            "pipeline: p\nconnections:\n  c: {{ type: mqtt, url: 'mqtt://broker', client_id: a, user: b, password: {password} }}\n\
             sources:\n  t: {{ type: timer, every: 5s }}\nsinks:\n  o: {{ type: mqtt, inputs: t, connection: c, topic: hunter }}\n"
        );
        let folder = folder(&[("p.yaml", &text)]);
        let done = fieldline(folder.path(), &["check", "--resolved", "p.yaml"]);
        assert_eq!(done.code, 0, "{}", done.errors);
        assert!(done.out.contains("password: '***'") && !done.out.contains("hunter2"), "{}", done.out);
        write(&folder.path().join("p.yaml"), &text.replace("user: b,", "usr: b,"));
        let wrong = fieldline(folder.path(), &["check", "p.yaml"]);
        assert_ne!(wrong.code, 0);
        let is_written_out = !password.contains('$');
        assert!(!is_written_out || !wrong.errors.contains("hunter2"), "{}", wrong.errors);
    }
}

#[test]
fn a_station_file_can_be_seen_as_it_becomes_without_its_secrets() {
    let template = "pipeline: ${params.station}\nparams:\n  station: { type: string }\n  password: { type: string, secret: true }\nconnections:\n  plant: { type: mqtt, url: \"mqtt://broker\", client_id: a, user: b, password: \"${params.password}\" }\nsources:\n  air: { type: timer, every: 5s }\nsinks:\n  out: { type: mqtt, inputs: air, connection: plant, topic: \"t/${params.station}\" }\n";
    let folder = folder(&[
        ("template.yaml", template),
        ("drying.yaml", "use: template.yaml\nparams: { station: drying, password: hunter2 }\n"),
    ]);
    let done = fieldline(folder.path(), &["check", "--resolved", "drying.yaml"]);
    insta::assert_snapshot!(done.out, @r#"
    pipeline: drying
    connections:
      plant:
        type: mqtt
        url: mqtt://broker
        client_id: a
        user: b
        password: '***'
    sources:
      air:
        type: timer
        every: 5s
    sinks:
      out:
        type: mqtt
        inputs: air
        connection: plant
        topic: t/drying
    "#);
    assert_eq!(done.code, 0);
    assert!(!done.out.contains("hunter2") && !done.errors.contains("hunter2"));
}

#[test]
fn a_folder_resolves_to_one_document_for_each_pipeline() {
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", &GOOD.replace("drying", "cooling"))]);
    let done = fieldline(folder.path(), &["check", "--resolved", "."]);
    let names: Vec<&str> =
        done.out.lines().filter(|line| line.starts_with("pipeline:") || *line == "---").collect();
    assert_eq!(names, ["pipeline: cooling", "---", "pipeline: drying"]);
}

#[test]
fn a_graph_is_drawn_for_documents_and_for_graphviz() {
    let folder = folder(&[("drying.yaml", GOOD)]);
    let mermaid = fieldline(folder.path(), &["graph", "drying.yaml"]);
    insta::assert_snapshot!(mermaid.out, @r#"
    flowchart LR
      subgraph p0["drying"]
        n0(["air<br/><i>timer</i>"])
        n1["warm<br/><i>filter</i>"]
        n2[/"print<br/><i>stdout</i>"/]
      end
      n0 --> n1
      n1 --> n2
    "#);
    let dot = fieldline(folder.path(), &["graph", "--format", "dot", "drying.yaml"]);
    insta::assert_snapshot!(dot.out, @r#"
    digraph fieldline {
      rankdir=LR;
      node [fontname="sans-serif"];
      subgraph cluster_0 {
        label="drying";
        n0 [shape=cds, label="air\ntimer"];
        n1 [shape=box, label="warm\nfilter"];
        n2 [shape=house, label="print\nstdout"];
      }
      n0 -> n1 [label=""];
      n1 -> n2 [label=""];
    }
    "#);
    assert_eq!((mermaid.code, dot.code), (0, 0));
}

#[test]
fn a_component_is_explained_by_its_page() {
    let done = fieldline(&workspace(), &["explain", "timer"]);
    assert!(
        done.out.starts_with("# source `timer`\n\nMakes the same event at an interval.\n"),
        "{}",
        done.out
    );
    assert!(done.out.contains("| `every` | duration | required |"), "{}", done.out);
    assert_eq!((done.errors.as_str(), done.code), ("", 0));
}

#[test]
fn a_name_of_several_kinds_shows_all_or_the_one_that_is_asked_for() {
    let headings = |arguments: &[&str]| {
        let done = fieldline(&workspace(), arguments);
        let headings = done.out.lines().filter(|line| line.starts_with("# ")).map(str::to_owned);
        headings.collect::<Vec<_>>()
    };
    assert_eq!(headings(&["explain", "mqtt"]), ["# connection `mqtt`", "# source `mqtt`", "# sink `mqtt`"]);
    assert_eq!(headings(&["explain", "sink", "mqtt"]), ["# sink `mqtt`"]);
    assert_eq!(headings(&["explain", "sinks", "mqtt"]), ["# sink `mqtt`"]);
}

#[test]
fn the_codes_of_the_compiler_and_of_components_are_explained() {
    for code in ["unknown-input", "bad-topic"] {
        let done = fieldline(&workspace(), &["explain", code]);
        assert!(done.out.starts_with(&format!("# {code}\n\n")), "{}", done.out);
        assert!(done.out.contains(&format!("error[{code}]: ")), "{}", done.out);
        assert_eq!(done.code, 0);
    }
}

#[test]
fn every_code_that_is_reported_can_be_explained_as_data() {
    let done = fieldline(&workspace(), &["explain", "--format", "json", "code", "bad-qos"]);
    let list: Value = serde_json::from_str(&done.out).expect("JSON");
    assert_eq!((&list[0]["kind"], &list[0]["name"]), (&"code".into(), &"bad-qos".into()));
    assert_eq!(
        list[0]["summary"],
        "A quality of service is asked for that is not offered: it is 0 (at most once) or 1 (at least once)."
    );
}

#[test]
fn a_slip_is_answered_with_the_nearest_name() {
    let done = fieldline(&workspace(), &["explain", "unknown-imput"]);
    assert_eq!(
        done.errors,
        "error: nothing is called `unknown-imput`; did you mean `unknown-input`? `fieldline explain` lists everything there is\n"
    );
    assert_eq!((done.out.as_str(), done.code), ("", 1));
    let done = fieldline(&workspace(), &["explain", "sink", "mqqt"]);
    assert!(done.errors.contains("no sink is called `mqqt`; did you mean `mqtt`?"), "{}", done.errors);
    let done = fieldline(&workspace(), &["explain", "sinc", "mqtt"]);
    assert!(done.errors.contains("`sinc` is no kind"), "{}", done.errors);
}

#[test]
fn everything_is_listed_with_one_sentence() {
    let done = fieldline(&workspace(), &["explain"]);
    for line in [
        "connections\n  mqtt ",
        "\nsources\n",
        "  timer                    Makes the same event at an interval.\n",
        "\ncodes\n",
        "  zero-period              A span of time is zero and must be longer:",
    ] {
        assert!(done.out.contains(line), "{line} is not in\n{}", done.out);
    }
    assert_eq!(done.code, 0);
}

#[test]
fn the_schema_is_written_to_a_file() {
    let folder = folder(&[]);
    let done = fieldline(folder.path(), &["schema", "--out", "pipeline.schema.json"]);
    assert_eq!((done.out.as_str(), done.code), ("wrote pipeline.schema.json\n", 0));
    let written = crate::program::read(&folder.path().join("pipeline.schema.json"));
    assert_eq!(written, fieldline(folder.path(), &["schema"]).out);
    let done = fieldline(folder.path(), &["schema", "--out", "no/folder/here.json"]);
    assert!(done.errors.starts_with("error: cannot write `no/folder/here.json`: "), "{}", done.errors);
    assert_eq!(done.code, 1);
}

#[test]
fn shells_are_told_the_commands() {
    for (shell, word) in
        [("bash", "complete -F _fieldline"), ("zsh", "#compdef fieldline"), ("fish", "complete -c fieldline")]
    {
        let done = fieldline(&workspace(), &["completions", shell]);
        assert!(done.out.contains(word) && done.out.contains("explain"), "{shell}");
        assert_eq!(done.code, 0);
    }
}

#[test]
fn a_wrong_use_ends_with_two() {
    for arguments in [
        &["check"][..],
        &["chek"],
        &["completions", "cmd"],
        &["check", "--resolved", "--format", "json", "a"],
    ] {
        assert_eq!(fieldline(&workspace(), arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_stop_that_loses_events_says_how_many_and_exits_with_3() {
    let folder = folder(&[(
        "p.yaml",
        "\
pipeline: p
connections:
  nowhere: { type: mqtt, url: \"mqtt://127.0.0.1:1\", client_id: x }
sources:
  tick: { type: timer, every: 1ms, count: 5 }
sinks:
  out: { type: mqtt, connection: nowhere, topic: t, inputs: tick }
",
    )]);
    let done = fieldline(folder.path(), &["run", "p.yaml", "--grace", "0", "--no-admin", "--no-watch"]);
    assert_eq!(done.code, 3, "{}", done.errors);
    assert!(done.errors.contains(r#""node":"p/out","events":5"#), "{}", done.errors);
}

#[test]
fn a_run_that_ends_with_events_in_the_dead_letter_says_how_many_and_exits_with_3() {
    for (code, exit) in [("throw 1;", 3), ("this.n = 1;", 0)] {
        let text = format!(
            "pipeline: p\nsources:\n  t: {{ type: timer, every: 1ms, count: 7 }}\ntransforms:\n  work: {{ type: script, inputs: t, code: \"{code}\" }}\nsinks:\n  out: {{ type: blackhole, inputs: work }}\n"
        );
        let folder = folder(&[("p.yaml", &text)]);
        let done = fieldline(folder.path(), &["run", "--no-admin", "p.yaml"]);
        assert_eq!((done.code, done.errors.contains("\"events\":7")), (exit, exit == 3), "{}", done.errors);
    }
}

#[test]
fn every_crate_that_logs_can_be_named_in_a_filter() {
    let crates = workspace().join("crates");
    let sources = files(&crates, "rs").into_iter().filter(|path| read(path).contains("tracing::"));
    let names = sources.filter_map(|path| {
        let below = path.strip_prefix(&crates).ok()?.to_str()?;
        below.split_once("/src/").map(|(name, _)| name.replace('-', "_"))
    });
    let names: std::collections::BTreeSet<String> =
        names.filter(|name| name.starts_with("fieldline")).collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let done = fieldline(
            &crates,
            &["run", "--log", &format!("{name}=debug"), "--no-admin", "no-such-file.yaml"],
        );
        assert_eq!(done.code, 78, "{name}: {}", done.errors);
    }
}
