//! `stormglass shrink` and `stormglass explain` on a failure whose cause is known.

#![allow(missing_docs, reason = "a test has no readers of its items")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("explain-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the folder for tests takes folders");
    folder
}

fn stormglass(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_stormglass"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.code(), text)
}

fn acks() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/pairs/acks.toml");
    path.display().to_string()
}

const FAILURE: &str = "out/failures/no-loss-lost-write-broker-log-partition";

#[test]
fn a_shrunk_failure_fails_on_its_own_and_its_explanation_names_the_setting_that_mends_it() {
    let folder = folder("acks");
    let (code, text) = stormglass(&folder, &["shrink", &acks(), "--seed", "1"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("events 6708 -> 1"), "{text}");
    let repro = format!("{FAILURE}/repro.toml");
    let (code, text) = stormglass(&folder, &["run", &repro, "-q"]);
    assert_eq!(code, Some(1), "{text}");

    let explain = ["explain", &acks(), "--seed", "1", "--seeds", "10"];
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
    let (_, other) = stormglass(&folder, &[&explain[..], &["--jobs", "1"]].concat());
    assert_eq!(other, text, "whatever the workers");
}

#[test]
fn a_seed_that_passes_is_a_mistake_of_the_command_line() {
    let folder = folder("passes");
    for command in ["shrink", "explain"] {
        let arguments = [command, &acks(), "--variant", "acks-all", "--seed", "1"];
        let (code, text) = stormglass(&folder, &arguments);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("hint:"), "{text}");
    }
}
