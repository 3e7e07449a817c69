//! `self-test`: what is known to be wrong is found, what cannot be found is named, and the exit code says
//! whether that is enough.

use crate::stage::{folder, say};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn read(folder: &Path, name: &str) -> (String, Value) {
    let text = fs::read_to_string(folder.join(name)).expect("it was written");
    let data = serde_json::from_str(&text).expect("it is JSON");
    (text, data)
}

#[test]
fn one_seed_finds_half_of_what_ships_and_the_rest_is_named_in_text_and_data_alike() {
    let folder = folder("self-test", "shipped");
    let line = "self-test --seeds 1 --seed-base smoke --at-least 50%";
    let (code, text) = say(&folder, line);
    assert_eq!(code, Some(0), "{text}");
    let (_, data) = read(&folder, "out/self-test.json");
    let mutants = data["mutants"].as_array().expect("it is a list");
    assert!(mutants.len() >= 45, "{}", mutants.len());
    let missed = mutants.iter().filter(|mutant| mutant["found"].is_null());
    let missed: Vec<&str> = missed
        .filter_map(|mutant| mutant["name"].as_str())
        .collect();
    assert!(
        !missed.is_empty(),
        "a vote that is forgotten shows in one of a hundred seeds"
    );
    let found = mutants.len() - missed.len();
    let score = format!(
        "this gate with 1 seed finds {found} of {}; missed: {}",
        mutants.len(),
        missed.join(", ")
    );
    assert_eq!(text.lines().last(), Some(score.as_str()));
    for mutant in mutants {
        let name = mutant["name"].as_str().expect("it has a name");
        let mut lines = text
            .lines()
            .filter(|line| line[8..].starts_with(&format!("{name} ")));
        let line = lines.next().unwrap_or_else(|| panic!("{name}: {text}"));
        match mutant["found"]["seeds_to_first_failure"].as_u64() {
            None => assert!(line.starts_with("MISSED "), "{line}"),
            Some(seeds) => {
                let check = mutant["found"]["check"].as_str().expect("it is named");
                let end = format!(" by {check}, seed {seeds} of 1");
                assert!(line.starts_with("found ") && line.ends_with(&end), "{line}");
            }
        }
    }
}

#[test]
fn flaws_are_planted_into_a_scenario_of_ones_own_and_its_faults_decide_which_are_found() {
    let folder = folder("self-test", "own");
    assert_eq!(say(&folder, "init").0, Some(0));
    let text = fs::read_to_string(folder.join("scenario.toml")).expect("init wrote it");
    let text = text.replace("200/s", "50/s");
    let calm = text.replace("swarm = [\"crash\", \"partition\", \"loss\"]", "swarm = []");
    let calm = calm.replace("max = 3", "max = 0");
    let (calm, planned) = (
        calm.split("[[faults.planned]]").next(),
        calm.split("[expect]").nth(1),
    );
    let calm = format!(
        "{}\n[expect]{}",
        calm.expect("it is split"),
        planned.expect("it is split")
    );
    let calm = calm
        .replace("points = [\"log.leader-changed\"]", "")
        .replace("my-first", "no");
    fs::write(folder.join("storm.toml"), text).expect("there is room");
    fs::write(folder.join("calm.toml"), calm).expect("there is room");
    let found = |file: &str| {
        let line =
            format!("self-test {file} --seeds 2 --seed-base x --at-least 0% --out {file}.out");
        let (code, text) = say(&folder, &line);
        assert_eq!(code, Some(0), "{text}");
        read(&folder, &format!("{file}.out/self-test.json")).1
    };
    let (storm, calm) = (found("storm.toml"), found("calm.toml"));
    // Whatever the threads, and with a bar that is not reached.
    let line = "self-test calm.toml --seeds 2 --seed-base x --jobs 1 -q --out alone";
    let (code, text) = say(&folder, line);
    assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
    let (alone, beside) = ("alone/self-test.json", "calm.toml.out/self-test.json");
    let same = read(&folder, beside)
        .0
        .replacen("\"at_least\": 0", "\"at_least\": 100", 1);
    assert_eq!(read(&folder, alone).0, same);
    assert_eq!(storm["of"], calm["of"], "the same flaws in the same parts");
    assert!(
        storm["found"].as_u64() > calm["found"].as_u64(),
        "{storm:#} {calm:#}"
    );
    let row = |data: &Value, flaw: &str| {
        let mut rows = data["mutants"].as_array().expect("it is a list").iter();
        rows.find(|row| row["flaw"] == flaw)
            .expect("it was planted")
            .clone()
    };
    assert_eq!(row(&storm, "ack-before-replicate")["part"], "broker.main");
    assert!(row(&storm, "ack-before-replicate")["found"]["check"].is_string());
    assert!(
        row(&calm, "ack-before-replicate")["found"].is_null(),
        "no leader is lost in a calm"
    );
    assert_eq!(
        row(&calm, "lie-in-facts")["found"]["check"],
        "facts",
        "and no fault is needed here"
    );
}

#[test]
fn mistakes_are_exit_2() {
    let folder = folder("self-test", "mistakes");
    fs::create_dir_all(folder.join("empty")).expect("there is room");
    let mistakes = [
        ("self-test --at-least 101%", "give whole percent"),
        ("self-test --at-least most", "give whole percent"),
        ("self-test --seeds 0", "0 is not in 1.."),
        ("self-test empty", "there is nothing to find"),
        ("self-test missing.toml", "`stormglass init` writes one"),
    ];
    for (line, hint) in mistakes {
        let (code, text) = say(&folder, line);
        assert_eq!(code, Some(2), "{line}: {text}");
        assert!(text.contains(hint), "{line}: {text}");
    }
}
