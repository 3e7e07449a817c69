//! Parts that break fail their seed and no other.

use super::Claim;
use super::stage::{Said, Stage};

pub const CLAIMS: &[Claim] = &[
    (
        "a_livelock_fails_the_run_and_names_its_node",
        a_livelock_fails_the_run_and_names_its_node,
    ),
    (
        "a_panicking_service_fails_its_seeds_alone",
        a_panicking_service_fails_its_seeds_alone,
    ),
    (
        "a_panicking_operator_fails_its_seeds_alone",
        a_panicking_operator_fails_its_seeds_alone,
    ),
    (
        "an_operator_that_panics_beside_a_hosted_service_is_named_too",
        an_operator_that_panics_beside_a_hosted_service_is_named_too,
    ),
    (
        "a_service_that_blocks_is_given_up_and_named",
        a_service_that_blocks_is_given_up_and_named,
    ),
    (
        "a_seed_that_panicked_is_not_run_again_when_its_sweep_is_resumed",
        a_seed_that_panicked_is_not_run_again_when_its_sweep_is_resumed,
    ),
    (
        "a_panic_is_cut_to_the_fewest_events_that_make_it",
        a_panic_is_cut_to_the_fewest_events_that_make_it,
    ),
    (
        "a_plain_loop_refuses_to_host_a_program",
        a_plain_loop_refuses_to_host_a_program,
    ),
];

const SEEDS: usize = 8;

/// Eight seeds, of which some broke with `what` and said how to see it again, and the others passed.
fn assert_some_fail(stage: &Stage, said: &Said, what: &str) {
    assert_eq!(said.code, Some(1), "{said:?}");
    let lines = stage.seeds();
    assert_eq!(lines.len(), SEEDS, "the sweep goes on");
    let broken = lines
        .iter()
        .filter(|line| line.contains("\"panic\""))
        .count();
    assert!((1..SEEDS).contains(&broken), "{broken} of {SEEDS} broke");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("\"answer\":\"pass\"")),
        "{lines:?}"
    );
    assert!(said.stdout.contains(what), "{}", said.stdout);
    let replays = said
        .stderr
        .matches("replay: stormglass replay scenario.toml --seed ")
        .count();
    assert_eq!(replays, broken, "{}", said.stderr);
}

fn run(stage: &Stage) -> Said {
    stage.run(&["run", "scenario.toml", "--seeds", "8", "--jobs", "2"])
}

fn a_livelock_fails_the_run_and_names_its_node() {
    let stage = Stage::new("livelock", "identity", Some("restless"));
    let said = stage.run(&["run", "scenario.toml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("livelock"), "{}", said.stdout);
    assert!(said.stdout.contains("service.other.0"), "{}", said.stdout);
}

fn a_panicking_service_fails_its_seeds_alone() {
    let stage = Stage::new("nervous", "identity", Some("nervous"));
    assert_some_fail(
        &stage,
        &run(&stage),
        "service.other.0 panicked: no such key",
    );
}

fn a_panicking_operator_fails_its_seeds_alone() {
    let stage = Stage::new("fussy", "fussy", None);
    assert_some_fail(
        &stage,
        &run(&stage),
        "operator fussy panicked: what is this",
    );
}

fn an_operator_that_panics_beside_a_hosted_service_is_named_too() {
    let stage = Stage::new("fussy-hosted", "fussy", Some("quiet"));
    assert_some_fail(
        &stage,
        &run(&stage),
        "operator fussy panicked: what is this",
    );
}

fn a_service_that_blocks_is_given_up_and_named() {
    let stage = Stage::new("stubborn", "identity", Some("stubborn"));
    assert_some_fail(
        &stage,
        &run(&stage),
        "service.other.0 has the turn and never gives it back",
    );
}

fn a_seed_that_panicked_is_not_run_again_when_its_sweep_is_resumed() {
    let stage = Stage::new("fussy-resumed", "fussy", None);
    let whole = run(&stage);
    let results = ["seeds.ndjson", "summary.json", "report.html", "junit.xml"];
    let before = results.map(|file| stage.lines(file));
    let list = stage.lines("seeds.ndjson");
    let panicked = list.iter().position(|line| line.contains("\"panic\""));
    let kept = panicked.expect("one of eight does") + 1;
    let cut = list[..kept].join("\n") + "\n";
    std::fs::write(stage.folder.join("out/seeds.ndjson"), cut).expect("there is room");
    let arguments = ["run", "scenario.toml", "--seeds", "8", "--resume"];
    let said = stage.run(&arguments);
    assert_eq!(said.code, whole.code, "{said:?}");
    let (replays, panics) = (
        said.stderr.matches("replay: "),
        whole.stderr.matches("replay: "),
    );
    assert_eq!(replays.count() + 1, panics.count(), "{said:?}");
    assert_eq!(results.map(|file| stage.lines(file)), before);
}

fn a_panic_is_cut_to_the_fewest_events_that_make_it() {
    let stage = Stage::new("fussy-shrunk", "fussy", None);
    let said = run(&stage);
    let seed = said.stderr.split("scenario.toml --seed ").nth(1);
    let seed = seed.and_then(|rest| rest.split_whitespace().next());
    let seed = seed.expect("a seed of eight panics");
    let shrunk = stage.run(&["shrink", "scenario.toml", "--seed", seed]);
    assert_eq!(shrunk.code, Some(0), "{shrunk:?}");
    // What it cannot bear is the event of number 20, before which there are as many others.
    let fewest = "events 399 -> 21  faults 0 -> 0";
    assert!(shrunk.stdout.contains(fewest), "{shrunk:?}");
    let repro = shrunk
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("repro "));
    let repro = repro.expect("the file is named");
    let again = stage.run(&["run", repro, "--out", "again"]);
    assert_eq!(again.code, Some(1), "{again:?}");
    let what = "operator fussy panicked: what is this";
    assert!(again.stdout.contains(what), "{again:?}");
}

fn a_plain_loop_refuses_to_host_a_program() {
    let stage = Stage::new("bare", "identity", Some("quiet"));
    let said = stage.run(&["run", "scenario.toml", "--driver", "bare"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr
            .contains("--driver bare cannot run service.other.0"),
        "{said:?}"
    );
    assert!(!stage.folder.join("out").exists(), "nothing is begun");
}
