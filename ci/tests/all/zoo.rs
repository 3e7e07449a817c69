//! `zoo`: a pair holds if its vulnerable design is found soon, by a check that it names, and its twin is silent.

use crate::stage::{folder, say};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A pair of the zoo in a folder of its own, with a change to its text.
fn pair(name: &str, folder: &Path, change: (&str, &str)) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/zoo/prod-retry-dup.toml");
    let text = fs::read_to_string(path).expect("it is there");
    assert!(text.contains(change.0), "{text}");
    fs::write(folder.join(name), text.replacen(change.0, change.1, 1)).expect("it is writable");
}

const LINE: &str = "zoo pair.toml --blocks 2 --cap 40 --safe 5";

#[test]
fn a_pair_that_is_found_by_what_it_names_and_whose_twin_is_silent_holds_in_text_and_data_alike() {
    let folder = folder("zoo", "holds");
    pair(
        "pair.toml",
        &folder,
        ("name = \"prod-retry-dup\"", "name = \"mine\""),
    );
    let (code, text) = say(&folder, LINE);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.lines().last(), Some("zoo: 1 of 1 entries hold"));
    let data = fs::read_to_string(folder.join("out/zoo.json")).expect("it was written");
    let data: Value = serde_json::from_str(&data).expect("it is JSON");
    let entry = &data["entries"][0];
    assert_eq!(entry["name"], "mine");
    assert_eq!(entry["blocks"].as_array().map(Vec::len), Some(2));
    assert_eq!(entry["shrunk"], "1 event, reset");
    assert!(entry["calm_goodput"].as_u64() >= Some(80), "{entry:#}");
    assert!(entry["points"].as_u64() > Some(10), "{entry:#}");
    assert_eq!(
        (&entry["inside"], &entry["alarms"]),
        (&5.into(), &Value::Array(Vec::new()))
    );
    let table = fs::read_to_string(folder.join("out/zoo.md")).expect("it was written");
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("| mine | ") && line.ends_with(" holds |")),
        "{table}"
    );
}

#[test]
fn a_pair_that_is_found_by_another_check_does_not_hold_and_a_file_without_one_is_a_mistake() {
    let folder = folder("zoo", "strange");
    pair(
        "pair.toml",
        &folder,
        ("[expect]\n", "[expect]\nfound_by = [\"fencing\"]\n"),
    );
    let (code, text) = say(&folder, &format!("{LINE} --no-shrink"));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(" failed first in 2 blocks"), "{text}");
    pair("pair.toml", &folder, ("exit = 1\n", ""));
    let (code, text) = say(&folder, LINE);
    assert_eq!(code, Some(2), "{text}");
}
