//! What a gate says of failures and of points that are not reached, through the binary: which failures the base build
//! has too, and which the change brings.

use crate::stage::{folder, say};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What `init` writes, as it is with its variant's settings: it loses what it acknowledged.
fn losing(name: &str) -> PathBuf {
    let folder = scenario(name);
    edit(
        &folder,
        "producer.acks = \"all\"",
        "producer.acks = \"1\"\nproducer.enable_idempotence = false",
    );
    folder
}

/// What `init` writes, without its variant and with fewer events.
fn scenario(name: &str) -> PathBuf {
    let folder = folder("gate", name);
    assert_eq!(say(&folder, "init storm.toml").0, Some(0));
    let text = read(&folder, "storm.toml");
    let plain = text.split("[[variant]]").next().expect("it has a head");
    write(&folder, "storm.toml", &plain.replace("200/s", "50/s"));
    folder
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).expect("it was written")
}

fn write(folder: &Path, file: &str, text: &str) {
    fs::write(folder.join(file), text).expect("there is room");
}

fn edit(folder: &Path, from: &str, to: &str) {
    let text = read(folder, "storm.toml");
    assert!(text.contains(from), "{from}");
    write(folder, "storm.toml", &text.replace(from, to));
}

/// A base build as a shell script; `stormglass` in it is this binary.
fn base(folder: &Path, script: &str) {
    let binary = env!("CARGO_BIN_EXE_stormglass");
    let text = format!("#!/bin/sh\nset -e\nstormglass() {{ \"{binary}\" \"$@\"; }}\n{script}\n");
    write(folder, "base", &text);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder.join("base"), mode).expect("it is ours");
}

fn gate(folder: &Path, more: &str) -> (Option<i32>, String) {
    say(
        folder,
        &format!("gate storm.toml --seeds 4 --seed-base x {more}"),
    )
}

fn summary(folder: &Path) -> Value {
    serde_json::from_str(&read(folder, "out/summary.json")).expect("it is JSON")
}

#[test]
fn a_failure_that_the_base_build_has_too_is_not_new() {
    let folder = losing("not-new");
    base(&folder, "stormglass \"$@\"");
    let (code, text) = gate(&folder, "--base-binary ./base");
    assert_eq!(
        code,
        Some(1),
        "a promise is broken, whoever broke it: {text}"
    );
    let summary = summary(&folder);
    let failures = summary["failures"].as_array().expect("it is a list");
    assert!(!failures.is_empty());
    for group in failures {
        let standing = &group["standing"]["at-base"];
        assert_eq!(standing["showing"], group["share"]["count"], "{group}");
        assert_eq!(standing["of"], 4);
    }
    let count = &failures[0]["share"]["count"];
    let words = format!("not new: the base build shows it in {count} of 4 seeds");
    for file in ["out/report.html", "out/summary.md", "out/junit.xml"] {
        assert!(read(&folder, file).contains(&words), "{file}");
    }
    assert!(text.contains(&words), "{text}");
}

#[test]
fn a_failure_that_the_base_build_does_not_have_is_new() {
    let folder = losing("new");
    // The base still waited for all replicas.
    base(
        &folder,
        "if [ \"$1\" = run ]; then\n\
         sed 's/acks = \"1\"/acks = \"all\"/; s/idempotence = false/idempotence = true/' storm.toml >was.toml\n\
         shift 2\nstormglass run was.toml \"$@\"\nelse stormglass \"$@\"; fi",
    );
    let (code, text) = gate(&folder, "--base-binary ./base");
    assert_eq!(code, Some(1), "{text}");
    let words = "new: the base build shows it in none of 4 seeds (< 52.7 %)";
    assert!(text.contains(words), "{text}");
    assert!(!text.contains("not new"), "{text}");
}

#[test]
fn a_base_build_that_cannot_run_the_scenario_is_a_remark() {
    let folder = losing("no-answer");
    base(
        &folder,
        "if [ \"$1\" = run ]; then echo 'error: no such setting' >&2; exit 2; fi",
    );
    let (code, text) = gate(&folder, "--base-binary ./base");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("the base build was asked and did not answer: no such setting"),
        "{text}"
    );
}

#[test]
fn nothing_is_asked_where_nothing_fails() {
    let folder = scenario("green");
    base(&folder, "if [ \"$1\" = run ]; then touch asked; fi");
    let (code, text) = gate(&folder, "--base-binary ./base");
    assert_eq!(code, Some(0), "{text}");
    assert!(!folder.join("asked").exists());
}

#[test]
fn a_base_build_that_is_none_is_found_before_any_seed_is_run() {
    let folder = losing("mistakes");
    base(&folder, "exit 3");
    for (more, said) in [
        ("--base-binary ./missing", "cannot be started"),
        ("--base-binary ./base", "does not answer --version"),
        (
            "--base-binary ./base --shard 1/2",
            "when all shards are merged",
        ),
    ] {
        let (code, text) = gate(&folder, more);
        assert_eq!(code, Some(2), "{more}: {text}");
        assert!(
            text.contains(said) && text.contains("hint: "),
            "{more}: {text}"
        );
        assert!(!folder.join("out").exists(), "{more}: a seed was run");
    }
}

#[test]
fn seeds_of_a_text_are_those_of_the_gate() {
    let folder = scenario("seed-base");
    assert_eq!(gate(&folder, "").0, Some(0));
    let gated = read(&folder, "out/seeds.ndjson");
    let line = "run storm.toml --seeds 4 --seed-base x --out again";
    assert_eq!(say(&folder, line).0, Some(0));
    let again = read(&folder, "again/seeds.ndjson");
    let seeds = |list: &str| list.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(seeds(&gated), seeds(&again));
}

#[test]
fn a_point_that_too_few_seeds_reach_is_exit_4_and_alone_decides() {
    let folder = scenario("points");
    assert_eq!(gate(&folder, "").0, Some(0));
    edit(
        &folder,
        "points = [\"log.leader-changed\"]",
        "points = [\"log.leader-changed\", \"group.rewound\"]",
    );
    let (code, text) = gate(&folder, "");
    assert_eq!(code, Some(4), "nobody rewinds a group here: {text}");
    assert!(text.contains("group.rewound"), "{text}");
    let exit = &summary(&folder)["exit"];
    assert_eq!(
        (&exit["class"], exit["also"].as_array().map(Vec::len)),
        (&"coverage".into(), Some(0))
    );
    assert_eq!(gate(&folder, "--warn coverage").0, Some(0));
    assert_eq!(
        say(&folder, "run storm.toml --seeds 4").0,
        Some(0),
        "a run asks for no coverage"
    );
}
