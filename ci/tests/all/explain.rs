//! `stormglass shrink` and `stormglass explain` on a failure whose cause is known.

use crate::stage::{command, folder, said, shipped};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn stormglass(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    said(command(folder, "").args(arguments))
}

const FAILURE: &str = "out/failures/no-loss-lost-write-broker-log-partition";

/// Puts the pair `acks.toml` there with a fifth of its events: it fails as the whole does, and is shrunk sooner.
fn fewer_events(folder: &Path) {
    let text = fs::read_to_string(shipped("pairs/acks.toml")).expect("the pair is there");
    fs::write(folder.join("acks.toml"), text.replace("300/s", "60/s"))
        .expect("the folder takes files");
}

#[test]
fn a_shrunk_failure_fails_on_its_own_and_its_explanation_names_the_setting_that_mends_it() {
    let folder = folder("explain", "acks");
    fewer_events(&folder);
    let (code, text) = stormglass(&folder, &["shrink", "acks.toml", "--seed", "1"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("events 1354 -> 1"), "{text}");
    let repro = format!("{FAILURE}/repro.toml");
    let (code, text) = stormglass(&folder, &["run", &repro, "-q"]);
    assert_eq!(code, Some(1), "{text}");

    let explain = ["explain", "acks.toml", "--seed", "1", "--seeds", "10"];
    let (code, text) = stormglass(&folder, &explain);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("`broker.main.producer.acks = \"all\"` mends it"),
        "{text}"
    );
    assert!(text.contains("truncates it away"), "{text}");
    let written = fs::read_to_string(folder.join(FAILURE).join("explain.json"));
    let data: Value = serde_json::from_str(&written.expect("it was written")).expect("it is JSON");
    let rows = data["counterfactuals"]["rows"]
        .as_array()
        .expect("it has rows");
    assert_eq!(data["mends"][0]["search"]["is_fix"], true, "{data:#}");
    let row = |label: &str| {
        let found = rows.iter().find(|row| {
            row["label"]
                .as_str()
                .is_some_and(|text| text.contains(label))
        });
        found.unwrap_or_else(|| panic!("{label} is not among {rows:#?}"))["rate"]["fails"].clone()
    };
    assert_eq!(row("without 'isolated leader'"), 0);
    assert_eq!(row("producer.acks"), 0);
    // Syncing the disk of the leader does not bring its records to the others.
    assert!(
        row("flush_interval_batches").as_u64() > Some(40),
        "{rows:#?}"
    );
}

#[test]
fn a_sweep_explains_each_signature_once() {
    let folder = folder("explain", "sweep");
    fewer_events(&folder);
    let sweep = ["run", "acks.toml", "--seeds", "2", "--explain"];
    let (code, text) = stormglass(&folder, &sweep);
    assert_eq!(code, Some(1), "{text}");
    // Two seeds under different faults break in two ways, and need one schedule for both.
    assert!(
        text.contains("1 event and 1 fault (was 1,354 and 1)"),
        "{text}"
    );
    assert!(
        text.contains("shrunk:  to the schedule of no-loss"),
        "{text}"
    );
    assert!(text.contains("it fails 0/50 with broker.main.producer.acks = \"all\""));
    let run = format!("stormglass run {FAILURE}/repro.toml");
    assert!(text.contains(&run), "{text}");
    assert_eq!(
        fs::read_dir(folder.join("out/failures"))
            .expect("it is there")
            .count(),
        1
    );
    let summary = fs::read_to_string(folder.join("out/summary.json")).expect("it was written");
    let data: Value = serde_json::from_str(&summary).expect("it is JSON");
    let story = &data["failures"][0]["explained"];
    assert_eq!(story["life"].as_array().map(Vec::len), Some(8), "{story:#}");
    assert_eq!(
        story["mends"][0]["search"],
        Value::Null,
        "no search in a sweep"
    );
}

#[test]
fn a_seed_that_passes_is_a_mistake_of_the_command_line() {
    let folder = folder("explain", "passes");
    for command in ["shrink", "explain"] {
        let arguments = [
            command,
            &shipped("pairs/acks.toml"),
            "--variant",
            "acks-all",
            "--seed",
            "1",
        ];
        let (code, text) = stormglass(&folder, &arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("hint:"), "{text}");
    }
}

#[test]
fn replay_follows_an_event_and_the_events_of_a_key() {
    let folder = folder("explain", "follow");
    let replay = |whom: &str| {
        let arguments = [
            "replay",
            &shipped("pairs/acks.toml"),
            "--seed",
            "1",
            "--follow",
            whom,
        ];
        stormglass(&folder, &arguments)
    };
    // The event that the failure of seed 1 names: acknowledged behind the cut, truncated after the heal.
    let (code, text) = replay("0:896");
    assert_eq!(code, Some(0), "{text}");
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(place("begins") < place("is told that it is stored"));
    assert!(place("is healed") < place("truncates it away"));
    let (code, text) = replay("key=7");
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.matches("owes it").count(), 20, "{text}");
    assert!(text.contains("the first 20 events of key 7"), "{text}");
    assert_eq!(text.matches(" begins").count(), 1, "faults are told once");
    for wrong in ["0:99999999", "key=99999999", "everything"] {
        let (code, text) = replay(wrong);
        assert_eq!(code, Some(2), "{wrong}: {text}");
    }
}

#[test]
fn a_missed_objective_is_cut_to_a_schedule_that_misses_it_alone() {
    let folder = folder("explain", "objective");
    let text = fs::read_to_string(shipped("pairs/acks.toml")).expect("the pair is there");
    let (head, _) = text.split_once("[[variant]]").expect("it has a variant");
    let text = head
        .replace("300/s", "60/s")
        .replace("acks = \"1\", enable_idempotence = false", "acks = \"all\"")
        .replace("exit = 1\n", "slo = [\"max(end-to-end) < 300ms\"]\n");
    fs::write(folder.join("slow.toml"), text).expect("there is room");
    let (code, text) = stormglass(&folder, &["shrink", "slow.toml", "--seed", "1"]);
    assert_eq!(code, Some(0), "{text}");
    let events = text.split(" -> ").nth(1);
    let events = events.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    assert!(events.is_some_and(|events: u32| events <= 10), "{text}");
    let repro = text.lines().find_map(|line| line.strip_prefix("repro "));
    let repro = repro.expect("the file is named");
    let (code, text) = stormglass(&folder, &["run", repro, "-q"]);
    assert_eq!(code, Some(3), "{text}");
}

#[test]
fn two_flaws_are_two_stories_each_cut_down_to_its_own_flaw_however_many_signatures_they_show() {
    let folder = folder("explain", "two-flaws");
    let text = fs::read_to_string(shipped("flaws/queue.toml")).expect("it ships");
    let (head, _) = text.split_once("[[variant]]").expect("it has variants");
    let planted = ["ack-before-sync", "drop-dead-letters"];
    let both = format!("flaws = {planted:?}\ntopics.work =");
    // Half of the events meets both flaws as the whole does, and is shrunk sooner.
    let text = head
        .replacen("topics.work =", &both, 1)
        .replace("200/s", "100/s");
    fs::write(folder.join("two.toml"), text).expect("there is room");
    let (code, text) = stormglass(&folder, &["run", "two.toml", "--seeds", "20", "--explain"]);
    assert_eq!(code, Some(1), "{text}");
    let summary = fs::read_to_string(folder.join("out/summary.json")).expect("it was written");
    let summary: Value = serde_json::from_str(&summary).expect("it is JSON");
    let groups = summary["failures"].as_array().expect("it is a list");
    let (told, others): (Vec<&Value>, Vec<&Value>) = groups
        .iter()
        .partition(|group| group["explained"].is_object());
    assert_eq!(told.len(), planted.len(), "{text}");
    assert!(others.len() > told.len(), "{text}");
    for group in others {
        let cause = group["same_cause"].as_str().or(group["same_as"].as_str());
        let is_told = |one: &&Value| one["signature"].as_str() == cause;
        assert!(told.iter().any(is_told), "{group:#}");
    }
    let mut mended: Vec<&str> = Vec::new();
    for group in told {
        let mends = &group["explained"]["mends"];
        mended.extend(mends[0]["label"].as_str());
        assert_eq!(mends.as_array().map(Vec::len), Some(1), "{mends:#}");
        let repro = group["explained"]["repro"].as_str().expect("it has a file");
        let repro = fs::read_to_string(folder.join("out").join(repro)).expect("it was written");
        let kept = planted.iter().filter(|flaw| repro.contains(**flaw));
        assert_eq!(kept.count(), 1, "{repro}");
    }
    mended.sort_unstable();
    let expected = planted.map(|flaw| format!("broker.jobs.flaws without {flaw:?}"));
    assert_eq!(mended, expected);
}
