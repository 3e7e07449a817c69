//! A guided search finds a planted flaw, whatever the number of workers, and what it writes down fails alone.

use crate::stage::{folder, say, shipped};
use std::fs;
use std::path::Path;

#[test]
fn what_a_search_finds_is_a_file_that_fails_alone_whatever_the_workers() {
    let flawed = shipped("flaws/queue.toml");
    let search = |jobs: u32| {
        let folder = folder("hunt", &format!("jobs-{jobs}"));
        let line = format!(
            "hunt {flawed} --variant ack-before-sync --size 12 --generations 4 --seed-base a --jobs {jobs}"
        );
        let (code, text) = say(&folder, &line);
        assert_eq!(code, Some(1), "{text}");
        (folder, text)
    };
    let (one, text) = search(1);
    let (two, same) = search(2);
    assert_eq!(text, same);
    assert!(text.contains("[[faults.planned]]"), "{text}");
    let told = |word: &str| {
        let line = text.lines().find(|line| line.starts_with(word));
        line.unwrap_or_else(|| panic!("no {word:?} in {text}"))
            .to_owned()
    };
    let path = told("found  ").replace("found  ", "");
    let read = |folder: &Path| fs::read_to_string(folder.join(&path)).expect("it was written");
    assert_eq!(read(&one), read(&two));
    let run = told("run    ").replace("run    stormglass ", "");
    let (code, text) = say(&one, &run);
    assert_eq!(code, Some(1), "{text}");
    assert!(told("shrink ").contains(&path), "{text}");
}

#[test]
fn a_sound_scenario_yields_nothing_and_one_without_faults_is_refused() {
    let folder = folder("hunt", "sound");
    let line = format!(
        "hunt {} --size 4 --generations 2",
        shipped("flaws/queue.toml")
    );
    let (code, text) = say(&folder, &line);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("nothing found in 8 runs"), "{text}");
    let whole = fs::read_to_string(shipped("flaws/queue.toml")).expect("it is there");
    let faultless: Vec<&str> = whole
        .lines()
        .filter(|line| !line.starts_with("swarm"))
        .collect();
    fs::write(folder.join("faultless.toml"), faultless.join("\n")).expect("there is room");
    assert_eq!(say(&folder, "hunt faultless.toml").0, Some(2));
}
