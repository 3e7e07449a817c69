//! A sweep that is stopped from outside keeps what it has found.

use super::Claim;
use super::stage::Stage;
use std::collections::BTreeSet;
use std::process::{Child, Command};

pub const CLAIMS: &[Claim] = &[
    (
        "an_interrupted_sweep_writes_what_it_found",
        an_interrupted_sweep_writes_what_it_found,
    ),
    (
        "a_terminated_sweep_writes_what_it_found",
        a_terminated_sweep_writes_what_it_found,
    ),
    (
        "a_killed_sweep_leaves_its_findings_and_names_its_seed",
        a_killed_sweep_leaves_its_findings_and_names_its_seed,
    ),
];

fn endless(name: &str) -> (Stage, Child) {
    let stage = Stage::new(name, "identity", None);
    let arguments = ["run", "scenario.toml", "--seeds", "1000000", "--jobs", "2"];
    let child = stage.command(&arguments).spawn().expect("the binary runs");
    stage.await_seeds(3);
    (stage, child)
}

fn kill(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(status.expect("there is a kill command").success());
}

fn assert_partial(name: &str, signal: &str, code: i32) {
    let (stage, child) = endless(name);
    kill(&child, signal);
    let output = child.wait_with_output().expect("it ends");
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
    assert!(
        stderr.contains("interrupted: finishing the seeds in progress"),
        "{stderr}"
    );
    let finished = stage.seeds().len();
    assert!(
        stdout.contains(&format!("interrupted after {finished} of 1000000 seeds")),
        "{stdout}"
    );
    for file in ["summary.json", "report.html", "junit.xml", "env.json"] {
        assert!(
            stage.folder.join("out").join(file).exists(),
            "{file} is missing"
        );
    }
    assert!(
        !stage.folder.join("out/running.ndjson").exists(),
        "nothing is in progress"
    );
}

fn an_interrupted_sweep_writes_what_it_found() {
    assert_partial("interrupted", "-INT", 130);
}

fn a_terminated_sweep_writes_what_it_found() {
    assert_partial("terminated", "-TERM", 143);
}

fn a_killed_sweep_leaves_its_findings_and_names_its_seed() {
    let (stage, mut child) = endless("killed");
    kill(&child, "-KILL");
    child.wait().expect("it ends");
    let finished = stage.seeds().len();
    assert!(finished >= 3);
    let (mut running, mut named) = (BTreeSet::new(), false);
    for line in stage.lines("running.ndjson") {
        let note: serde_json::Value = serde_json::from_str(&line).expect("a note is JSON");
        let index = note["index"].as_u64().expect("a note has an index");
        if note["ended"].as_bool() == Some(true) {
            running.remove(&index);
        } else {
            named |= note["seed"].as_str() == Some(&*format!("{}", index + 1));
            running.insert(index);
        }
    }
    assert!(
        named && (1..=2).contains(&running.len()),
        "two workers were at {running:?}"
    );
    let least = running.iter().next().expect("one is running");
    assert!(
        *least as usize >= finished.saturating_sub(2),
        "{running:?} after {finished}"
    );
}
