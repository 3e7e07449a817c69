//! `stormglass compare` on the variants of a file.

use crate::stage::{command, folder, said, shipped};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn compare(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    said(command(folder, "compare").args(arguments))
}

fn data(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("out/compare.json")).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

#[test]
fn a_guarantee_is_shown_beside_what_it_costs() {
    let folder = folder("compare", "acks");
    let (code, text) = compare(&folder, &[&shipped("pairs/acks.toml"), "--seeds", "8"]);
    assert_eq!(code, Some(0), "{text}");
    let found = data(&folder);
    assert_eq!(found["sides"][0]["failing"]["count"], 8, "{text}");
    assert_eq!(found["sides"][1]["failing"]["count"], 0, "{text}");
    // Waiting for every replica costs a round trip and a poll of the followers.
    let rows = found["rows"].as_array().expect("it has rows");
    let row = rows
        .iter()
        .find(|row| row["metric"] == "publish p50")
        .expect("it is compared");
    assert_eq!(row["difference"]["answer"], "changed", "{text}");
    assert!(row["difference"]["mean"].as_f64() > Some(0.3), "{row}");
    let written =
        ["compare.html", "compare.json"].map(|name| fs::read(folder.join("out").join(name)).ok());
    let (_, other) = compare(
        &folder,
        &[&shipped("pairs/acks.toml"), "--seeds", "8", "--jobs", "1"],
    );
    assert_eq!(other, text, "whatever the workers");
    let again =
        ["compare.html", "compare.json"].map(|name| fs::read(folder.join("out").join(name)).ok());
    assert_eq!(written, again);
}

#[test]
fn a_file_against_itself_has_no_difference_and_one_alone_is_a_mistake() {
    let folder = folder("compare", "same");
    let (code, text) = compare(
        &folder,
        &[
            &shipped("pairs/acks.toml"),
            &shipped("pairs/acks.toml"),
            "--seeds",
            "5",
            "-q",
        ],
    );
    assert_eq!(code, Some(0), "{text}");
    for row in data(&folder)["rows"].as_array().expect("it has rows") {
        if let Some(mean) = row["difference"]["mean"].as_f64() {
            assert!(mean == 0.0, "{row}");
        }
    }
    let lonely = folder.join("lonely.toml");
    let text = fs::read_to_string(shipped("pairs/acks.toml")).expect("it is there");
    let alone = text.split("[[variant]]").next().expect("it has a head");
    fs::write(&lonely, alone).expect("the folder takes files");
    let (code, text) = compare(&folder, &["lonely.toml", "--seeds", "5"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("no variants") && text.contains("hint:"),
        "{text}"
    );
    let (code, text) = compare(&folder, &[&shipped("pairs/acks.toml"), "--margin", "none"]);
    assert_eq!(code, Some(2), "{text}");
}
