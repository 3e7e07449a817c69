//! The first minutes in an empty folder: what `init` writes runs, holds, and shows its failure; mistakes are
//! answered with what to do about them.

use crate::stage::{folder, say};
use std::fs;

#[test]
fn what_init_writes_holds_and_its_variant_fails_within_its_seeds() {
    let folder = folder("newcomer", "holds");
    assert_eq!(say(&folder, "init").0, Some(0));
    let (code, text) = say(&folder, "run scenario.toml");
    assert_eq!(code, Some(0), "{text}");
    let question = "question    Is every order that was acknowledged still there after its leader lost \
                    sight of the other brokers?\n";
    assert!(text.contains(question), "one sentence: {text}");
    let (code, text) = say(
        &folder,
        "run scenario.toml --variant acks-leader --seeds 32",
    );
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = say(&folder, "list .");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("--variant acks-leader"), "{text}");
    let (code, text) = say(&folder, "lint scenario.toml");
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("warning[acks] (variant acks-leader): scenario.toml:"),
        "{text}"
    );
    let (code, text) = say(&folder, "lint . --allow acks");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(": 0 warnings, "), "{text}");
    let (code, text) = say(&folder, "lint . --allow ack");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("the rules are acks, idempotence"), "{text}");
    let (code, text) = say(&folder, "replay scenario.toml --seed 1 --until 5s");
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("state at 5s after"), "{text}");
}

#[test]
fn an_objective_of_the_command_line_is_judged_like_one_of_the_file() {
    let folder = folder("newcomer", "objective");
    assert_eq!(say(&folder, "init").0, Some(0));
    let line = "run scenario.toml --slo backlog<1e9 --slo backlog<1 --slo lost=0";
    let (code, text) = say(&folder, line);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("ok    slo backlog<1e9 (all)"), "{text}");
    assert!(text.contains("FAIL  slo backlog<1 (all)"), "{text}");
    let summary = fs::read_to_string(folder.join("out/summary.json")).expect("it was written");
    let command = "--slo \\\"backlog<1\\\"";
    assert!(summary.contains(command), "the command is whole");
}

#[test]
fn an_objective_is_not_judged_by_runs_beyond_its_envelope_and_never_judged_is_no_pass() {
    let folder = folder("newcomer", "envelope");
    assert_eq!(say(&folder, "init").0, Some(0));
    let path = folder.join("scenario.toml");
    let scenario = fs::read_to_string(&path).expect("init wrote it");
    let scenario = scenario.split("[[variant]]").next().expect("it has a head");
    let gate = |envelope: &str| {
        let expect = format!("[expect]\nslo_envelope = {envelope}\n");
        fs::write(&path, scenario.replace("[expect]", &expect)).expect("there is room");
        say(
            &folder,
            "gate scenario.toml --seeds 6 --seed-base x --slo backlog<1",
        )
    };
    // The planned fault of every run alone leaves a backlog; no run is without a drawn one.
    let (code, text) = gate("{ lasts = \"1h\", kinds = [\"crash\", \"partition\", \"loss\"] }");
    assert_eq!(code, Some(3), "{text}");
    let (code, text) = gate("{ faults = 0 }");
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("slo backlog<1 (all)"), "{text}");
}

#[test]
fn the_schema_is_json_that_knows_the_parts_of_the_binary() {
    let (code, text) = say(&folder("newcomer", "schema"), "schema");
    assert_eq!(code, Some(0), "{text}");
    let schema: serde_json::Value =
        serde_json::from_str(&text).expect("nothing but JSON is printed");
    let draft = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(schema["$schema"], draft);
    assert!(text.contains("\"count-by-key\""), "operators are known");
}

#[test]
fn every_mistake_is_exit_2_and_says_what_to_do() {
    let folder = folder("newcomer", "mistakes");
    assert_eq!(say(&folder, "init").0, Some(0));
    let wrong = fs::read_to_string(folder.join("scenario.toml")).expect("init wrote it");
    let wrong = wrong.replace("min_insync_replicas", "min_insync_replica");
    fs::write(folder.join("wrong.toml"), wrong).expect("there is room");
    let mistakes = [
        ("init", "hint: name another file"),
        (
            "list",
            "hint: name a folder of scenarios, such as `stormglass list .`",
        ),
        ("run", "<SCENARIO>"),
        ("run missing.toml", "`stormglass init` writes one"),
        ("run .", "`stormglass list FOLDER` shows"),
        (
            "run scenario.toml --sed 3",
            "a similar argument exists: '--seed'",
        ),
        ("run scenario.toml --seeds 0", "0 is not in 1.."),
        (
            "run scenario.toml --variant x",
            "its variants are acks-leader",
        ),
        ("run wrong.toml", "did you mean `min_insync_replicas`?"),
        ("replay scenario.toml", "--seed <SEED>"),
        ("replay scenario.toml --seed 1 --until 5", "--until 12.3s"),
        ("gate missing.toml", "`stormglass init` writes one"),
        (
            "run scenario.toml --slo p99(end-to-edn)<1s",
            "--slo:1:5: unknown series `end-to-edn`",
        ),
        (
            "gate scenario.toml --slo late<0.1%",
            "--slo:1:1: nothing can be late",
        ),
    ];
    for (line, hint) in mistakes {
        let (code, text) = say(&folder, line);
        assert_eq!(code, Some(2), "{line}: {text}");
        assert!(text.contains(hint), "{line}: {text}");
    }
    assert!(!folder.join("out").exists(), "nothing was begun");
}
