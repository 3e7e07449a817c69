//! A folder that takes no results: one clear error, and exit 2.

use super::Claim;
use super::stage::{Said, Stage};
use std::fs;
use std::os::unix::fs::symlink;

pub const CLAIMS: &[Claim] = &[
    (
        "a_file_in_the_way_of_the_folder_is_an_error",
        a_file_in_the_way_of_the_folder_is_an_error,
    ),
    (
        "a_full_disk_ends_the_sweep_with_an_error",
        a_full_disk_ends_the_sweep_with_an_error,
    ),
    (
        "a_full_disk_at_the_report_is_an_error_too",
        a_full_disk_at_the_report_is_an_error_too,
    ),
];

fn assert_one_error(said: &Said, what: &str) {
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_eq!(said.stderr.matches("error:").count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains(what), "{}", said.stderr);
    assert!(
        said.stderr
            .contains("hint: choose another folder with --out"),
        "{}",
        said.stderr
    );
    assert!(!said.stdout.contains("PASS"), "{}", said.stdout);
}

fn a_file_in_the_way_of_the_folder_is_an_error() {
    let stage = Stage::new("in-the-way", "identity", None);
    let said = stage.run(&["run", "scenario.toml", "--out", "scenario.toml/below"]);
    assert_one_error(&said, "cannot write scenario.toml/below");
    let said = stage.run(&["run", "scenario.toml", "--out", "/dev/full/x"]);
    assert_one_error(&said, "cannot write /dev/full/x");
}

fn full(name: &str, file: &str) -> Said {
    let stage = Stage::new(name, "identity", None);
    fs::create_dir_all(stage.folder.join("out")).expect("there is room");
    symlink("/dev/full", stage.folder.join("out").join(file)).expect("the folder is ours");
    stage.run(&["run", "scenario.toml", "--seeds", "4"])
}

fn a_full_disk_ends_the_sweep_with_an_error() {
    assert_one_error(
        &full("full-seeds", "seeds.ndjson"),
        "cannot write out/seeds.ndjson: No space left",
    );
}

fn a_full_disk_at_the_report_is_an_error_too() {
    assert_one_error(
        &full("full-report", "report.html"),
        "cannot write out/report.html: No space left",
    );
}
