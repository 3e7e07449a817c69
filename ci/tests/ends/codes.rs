//! Each exit code through the binary, and which one decides where several apply. 6 is in `baseline.rs` beside
//! this folder, 130 and 143 in `signalled.rs`.

use super::Claim;
use super::stage::Stage;
use std::fs;
use std::process::Stdio;

pub const CLAIMS: &[Claim] = &[
    (
        "each_code_has_a_run_that_ends_with_it",
        each_code_has_a_run_that_ends_with_it,
    ),
    (
        "a_class_that_is_warned_of_decides_nothing",
        a_class_that_is_warned_of_decides_nothing,
    ),
    (
        "the_first_in_precedence_decides",
        the_first_in_precedence_decides,
    ),
    (
        "a_console_that_is_full_is_exit_70",
        a_console_that_is_full_is_exit_70,
    ),
    (
        "a_known_failure_is_green_until_it_expires",
        a_known_failure_is_green_until_it_expires,
    ),
    (
        "an_entry_that_nothing_shows_is_exit_2",
        an_entry_that_nothing_shows_is_exit_2,
    ),
    (
        "what_is_saved_runs_first_in_one_line",
        what_is_saved_runs_first_in_one_line,
    ),
];

const MISSED: [&str; 2] = ["--slo", "p50(end-to-end) < 1us"];
const LIMITED: (&str, &str) = (
    "time_scale = 20\n",
    "time_scale = 20\nlimits = { steps = 500 }\n",
);

fn code(stage: &Stage, arguments: &[&str]) -> i32 {
    let said = stage.run(arguments);
    said.code.unwrap_or_else(|| panic!("{said:?}"))
}

fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "scenario.toml", "-q"], more].concat()
}

fn gate<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [
        &[
            "gate",
            "scenario.toml",
            "--seeds",
            "4",
            "--seed-base",
            "x",
            "-q",
        ],
        more,
    ]
    .concat()
}

fn each_code_has_a_run_that_ends_with_it() {
    let stage = Stage::new("codes", "identity", None);
    assert_eq!(code(&stage, &run(&[])), 0);
    assert_eq!(code(&stage, &run(&["--variant", "none"])), 2);
    assert_eq!(code(&stage, &run(&MISSED)), 3);
    assert_eq!(
        code(&stage, &gate(&[])),
        4,
        "no fault: nothing is exercised"
    );
    stage.edit(LIMITED.0, LIMITED.1);
    assert_eq!(code(&stage, &run(&[])), 5);
    let stage = Stage::new("codes-1", "identity", Some("restless"));
    assert_eq!(code(&stage, &run(&[])), 1);
    let stage = Stage::new("codes-7", "fickle", None);
    assert_eq!(code(&stage, &run(&["--twice", "--jobs", "1"])), 7);
}

fn a_class_that_is_warned_of_decides_nothing() {
    let stage = Stage::new("warned", "identity", None);
    assert_eq!(
        code(
            &stage,
            &run(&[&MISSED[..], &["--warn", "slo,regression"]].concat())
        ),
        0
    );
    let summary =
        fs::read_to_string(stage.folder.join("out/summary.json")).expect("it was written");
    assert!(
        summary.contains("\"warned\": [\n      \"slo\"\n    ]"),
        "the report keeps it"
    );
    assert_eq!(code(&stage, &gate(&["--warn", "coverage"])), 0);
    assert_eq!(
        code(&stage, &run(&["--warn", "usage"])),
        2,
        "what no result can be trusted with"
    );
    let stage = Stage::new("warned-1", "identity", Some("restless"));
    assert_eq!(
        code(&stage, &run(&["--warn", "correctness,inconclusive"])),
        0
    );
}

fn the_first_in_precedence_decides() {
    let stage = Stage::new("precedence", "identity", None);
    assert_eq!(code(&stage, &gate(&MISSED)), 3, "over 4");
    stage.edit(LIMITED.0, LIMITED.1);
    assert_eq!(code(&stage, &gate(&[])), 4, "over 5");
    let stage = Stage::new("precedence-1", "identity", Some("restless"));
    assert_eq!(code(&stage, &gate(&[])), 1, "over 4 and 5");
    let stage = Stage::new("precedence-7", "fickle", None);
    let more = [&MISSED[..], &["--twice", "--jobs", "1"]].concat();
    assert_eq!(code(&stage, &gate(&more)), 7, "over 1, 3 and 4");
}

fn a_console_that_is_full_is_exit_70() {
    let stage = Stage::new("full-console", "identity", None);
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let mut command = stage.command(&["schema"]);
    let status = command
        .stdout(Stdio::from(full))
        .status()
        .expect("the binary runs");
    assert_eq!(status.code(), Some(70));
}

/// A gate on an operator that panics under some seeds, with a list of known failures.
fn listed(name: &str, entry: &str) -> Stage {
    let stage = Stage::new(name, "fussy", None);
    fs::write(stage.folder.join("known-failures.toml"), entry).expect("there is room");
    stage
}

const ENTRY: &str = "[[known]]\nscenario = \"ends\"\nsignature = \"no-panic · panic · operator fussy\"\n\
                     reason = \"ticket <7>\"\nuntil_version = \"9.0\"\n";

fn a_known_failure_is_green_until_it_expires() {
    let stage = listed("known", ENTRY);
    let warn = ["--warn", "coverage"];
    let arguments: Vec<&str> = gate(&warn)
        .into_iter()
        .filter(|word| *word != "-q")
        .collect();
    let said = stage.run(&arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("KNOWN  no-panic · panic"),
        "{}",
        said.stdout
    );
    assert!(
        said.stdout.contains("known until 9.0.0: ticket <7>"),
        "{}",
        said.stdout
    );
    let page = fs::read_to_string(stage.folder.join("out/report.html")).expect("it was written");
    assert!(page.contains("known until 9.0.0: ticket &lt;7&gt;"));
    let junit = fs::read_to_string(stage.folder.join("out/junit.xml")).expect("it was written");
    assert!(
        !junit.contains("<failure"),
        "a job is not red for it: {junit}"
    );
    let said = stage.run(&gate(&["--release", "9.0.0"]));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr
            .contains("known-failures.toml:5:17: it was to be mended by 9.0.0"),
        "{said:?}"
    );
    fs::write(stage.folder.join("known-failures.toml"), "").expect("there is room");
    let said = stage.run(&arguments);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("list:    new"), "{}", said.stdout);
}

fn an_entry_that_nothing_shows_is_exit_2() {
    let other = ENTRY.replace("operator fussy", "operator other");
    let stage = listed("stale", &format!("{ENTRY}{other}"));
    let said = stage.run(&gate(&[]));
    assert_eq!(said.code, Some(2), "over 4, and a known 1: {said:?}");
    let summary =
        fs::read_to_string(stage.folder.join("out/summary.json")).expect("it was written");
    assert!(
        summary.contains("known-failures.toml:6: not seen any more: no-panic"),
        "{summary}"
    );
}

fn what_is_saved_runs_first_in_one_line() {
    let stage = Stage::new("saved", "identity", None);
    stage.edit("time_scale = 20\n", "time_scale = 20\nseeds = 2\n");
    let saved = stage.folder.join("regression");
    fs::create_dir(&saved).expect("there is room");
    let text = fs::read_to_string(stage.folder.join("scenario.toml")).expect("it was written");
    fs::write(
        saved.join("fine.toml"),
        text.replace("\"ends\"", "\"fine\""),
    )
    .expect("there is room");
    let said = stage.run(&gate(&["--warn", "coverage"]));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.starts_with("corpus      1 saved case: ok   "),
        "{said:?}"
    );
    let broken = text
        .replace("\"ends\"", "\"back-again\"")
        .replace("identity", "fussy");
    fs::write(
        saved.join("back-again.toml"),
        broken.replace("seeds = 2", "seeds = 8"),
    )
    .expect("there is room");
    let said = stage.run(&gate(&["--warn", "coverage"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout
            .starts_with("corpus      2 saved cases: 1 broken   "),
        "{said:?}"
    );
    assert!(
        stage
            .folder
            .join("out/regression/back-again/report.html")
            .exists()
    );
}
