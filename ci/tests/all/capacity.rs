//! `stormglass capacity` against a station whose limit is known.

use crate::stage::{command, folder, said};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn capacity(folder: &Path, more: &[&str]) -> (Option<i32>, String) {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/capacity/station.toml");
    said(command(folder, "capacity").arg(scenario).args(more))
}

fn events_a_second(document: &Value, key: &str) -> f64 {
    let text = document[key].as_str().expect("it was found");
    let number = text.strip_suffix("/s").expect("a rate has its unit");
    number.parse().expect("a rate is a number")
}

#[test]
fn the_search_lands_within_three_per_cent_of_the_limit_of_a_known_station() {
    // One core that is busy for 1 ms with each record, and with nothing else, takes 1 / 1 ms = 1,000 a second.
    let limit = 1_000.0;
    let folder = folder("capacity", "limit");
    let slo = ["--slo", "p99(publish) < 300ms", "--seeds", "2"];
    let (code, text) = capacity(&folder, &slo);
    assert_eq!(code, Some(0), "{text}");
    let written = fs::read_to_string(folder.join("out/capacity.json")).expect("it was written");
    let document: Value = serde_json::from_str(&written).expect("it is JSON");
    let found = events_a_second(&document, "capacity");
    let fails = events_a_second(&document, "fails_at");
    assert!((found - limit).abs() <= limit * 0.03, "{found}: {text}");
    assert!(fails > found && fails <= found * 1.011, "{fails}: {text}");
    assert_eq!(document["meets_again_at"], Value::Null, "{text}");
    let (code, other) = capacity(&folder, &[&slo[..], &["--jobs", "1"]].concat());
    assert_eq!((code, other), (Some(0), text), "whatever the workers");
    let again = fs::read_to_string(folder.join("out/capacity.json")).expect("it was written");
    assert_eq!(again, written);
}

#[test]
fn a_bound_that_no_rate_meets_is_exit_1_and_a_wrong_command_line_exit_2() {
    let folder = folder("capacity", "none");
    let slo = ["--slo", "max(publish) < 1us", "--seeds", "1"];
    let (code, text) = capacity(&folder, &[&slo[..], &["--low", "200/s"]].concat());
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("not even 200/s meet"), "{text}");
    for (more, hint) in [
        (&[][..], "there is no objective to meet"),
        (&["--slo", "p99(x) < 1s"], "--slo:1:5: unknown series `x`"),
        (&["--slo", "lost = 0", "--source", "x"], "with a rate: load"),
        (&["--slo", "lost = 0", "--low", "0/s"], "such as 500/s"),
        (
            &["--slo", "lost = 0", "--low", "9/s", "--high", "1/s"],
            "exchange them",
        ),
    ] {
        let (code, text) = capacity(&folder, more);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(hint), "{text}");
    }
}
