//! The files of `ci/templates` without the services they are for: they are read as YAML, their structure is
//! held, and their commands run as local processes with the variables that the service would set.

use super::stage::Stage;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const TEMPLATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
const SEEDS: &str = "6";
const COMMIT: &str = "9f31c2e0c0ffee";

/// A template as the service reads it.
pub fn template(name: &str) -> Value {
    let text = fs::read_to_string(Path::new(TEMPLATES).join(name)).expect("it is there");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("{pointer} is no text in {value:#}"))
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("{pointer} is no list in {value:#}"))
}

/// What the commit's checkout holds: the scenarios, and the sweep in one piece to compare with.
fn checkout(name: &str) -> Stage {
    let stage = Stage::new(name);
    let scenario = stage.read("storm.toml");
    stage.write("scenarios/storm.toml", scenario);
    let line = format!("gate scenarios --seeds {SEEDS} --seed-base {COMMIT} -q --out whole");
    stage.ends(0, &line);
    stage
}

/// A folder of a machine that has checked the commit out, with the binary in `bin`.
fn machine(stage: &Stage, name: &str) -> PathBuf {
    let folder = stage.path(name);
    stage.write(
        &format!("{name}/scenarios/storm.toml"),
        stage.read("storm.toml"),
    );
    fs::create_dir_all(folder.join("bin")).expect("there is room");
    symlink(
        env!("CARGO_BIN_EXE_stormglass"),
        folder.join("bin/stormglass"),
    )
    .expect("it is new");
    folder
}

/// Runs a script as the services do, in `folder` and with these variables and no others of theirs.
fn shell(program: &[&str], folder: &Path, script: &str, variables: &[(&str, &str)]) -> Option<i32> {
    let mut command = Command::new(program[0]);
    let binary = Path::new(env!("CARGO_BIN_EXE_stormglass"))
        .parent()
        .expect("it is in a folder");
    let path = format!(
        "{}:{}",
        binary.display(),
        std::env::var("PATH").expect("there is one")
    );
    command
        .args(&program[1..])
        .arg(script)
        .current_dir(folder)
        .env("PATH", path);
    for name in ["GITHUB_SHA", "CI_COMMIT_SHA"] {
        command.env_remove(name);
    }
    let output = command
        .envs(variables.iter().copied())
        .output()
        .expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("error: "), "{script}: {said}");
    output.status.code()
}

/// What `upload-artifact` and `download-artifact` do to a folder.
fn carry(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("there is room");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            carry(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("there is room");
        }
    }
}

fn assert_whole(stage: &Stage, merged: &str) {
    for case in ["my-first-storm", "my-first-storm.acks-leader"] {
        stage.assert_same(&format!("whole/{case}"), &format!("{merged}/{case}"));
    }
}

/// The steps of a job that run commands, and their text.
fn commands(job: &Value) -> Vec<&str> {
    let steps = list(job, "/steps").iter();
    steps.filter_map(|step| step["run"].as_str()).collect()
}

#[test]
fn the_matrix_of_github_gives_the_bytes_of_one_gate() {
    let workflow = template("github-actions.yml");
    let jobs = &workflow["jobs"];
    for (name, job) in jobs.as_object().expect("there are jobs") {
        assert_eq!(job["runs-on"], "ubuntu-latest", "{name}");
        assert!(job["timeout-minutes"].is_u64(), "{name} may hang for ever");
        for step in list(job, "/steps") {
            let uses = step["uses"].as_str().map(|uses| uses.split_once('@'));
            assert!(step["run"].is_string() != uses.is_some(), "{step:#}");
            let known = [
                "actions/checkout",
                "actions/upload-artifact",
                "actions/download-artifact",
            ];
            let is_known =
                |uses: Option<(&str, &str)>| uses.is_some_and(|(what, _)| known.contains(&what));
            assert!(uses.is_none_or(is_known), "{step:#}");
        }
    }
    assert_eq!(text(jobs, "/shard/needs"), "build");
    assert_eq!(text(jobs, "/verdict/needs"), "shard");
    assert!(commands(&jobs["build"])[0].starts_with("cargo build --release"));
    assert_eq!(
        text(jobs, "/build/steps/2/with/path"),
        "target/release/stormglass"
    );
    assert_eq!(
        jobs["shard"]["strategy"]["fail-fast"], false,
        "all shards are needed"
    );

    let stage = checkout("github");
    let shards = list(&jobs["shard"], "/strategy/matrix/shard");
    let verdict = machine(&stage, "verdict");
    for shard in shards {
        let folder = machine(&stage, &format!("shard-{shard}"));
        let of = text(jobs, "/shard/env/SHARD").replace("${{ matrix.shard }}", &shard.to_string());
        let of = of.replace("${{ strategy.job-total }}", &shards.len().to_string());
        let variables = [
            ("SCENARIOS", text(&workflow, "/env/SCENARIOS")),
            ("SEEDS", SEEDS),
        ];
        let variables = [&variables[..], &[("SHARD", &of), ("GITHUB_SHA", COMMIT)]].concat();
        for script in commands(&jobs["shard"]) {
            assert_eq!(
                shell(&["bash", "-ec"], &folder, script, &variables),
                Some(0),
                "{script}"
            );
        }
        carry(
            &folder.join("shard"),
            &verdict.join("shards").join(format!("shard-{shard}")),
        );
    }
    let steps = list(&jobs["verdict"], "/steps").iter();
    let downloads = steps
        .clone()
        .filter_map(|step| step.pointer("/with/pattern"));
    assert_eq!(downloads.collect::<Vec<_>>(), ["shard-*"]);
    let summary = verdict.join("step-summary");
    let summary = [("GITHUB_STEP_SUMMARY", summary.to_str().expect("it is text"))];
    for script in commands(&jobs["verdict"]) {
        assert_eq!(
            shell(&["bash", "-ec"], &verdict, script, &summary),
            Some(0),
            "{script}"
        );
    }
    assert_whole(&stage, "verdict/out");
    assert!(
        stage
            .read("verdict/step-summary")
            .contains("my-first-storm")
    );
}

#[test]
fn the_parallel_job_of_gitlab_gives_the_bytes_of_one_gate() {
    let pipeline = template("gitlab-ci.yml");
    let stages: Vec<&str> = ["storm:build", "storm:shard", "storm:verdict"]
        .map(|job| pipeline[job]["stage"].as_str().expect("a job has a stage"))
        .to_vec();
    assert_eq!(
        Value::from(stages),
        pipeline["stages"],
        "each waits for the one before"
    );
    assert_eq!(
        list(&pipeline, "/storm:build/artifacts/paths"),
        ["bin/stormglass"]
    );
    assert_eq!(list(&pipeline, "/storm:shard/artifacts/paths"), ["shards/"]);
    let script = |job: &str| {
        let lines = pipeline[job]["script"]
            .as_array()
            .expect("a job has a script");
        let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
        lines.join("\n")
    };
    let stage = checkout("gitlab");
    let verdict = machine(&stage, "verdict");
    let total = pipeline["storm:shard"]["parallel"]
        .as_u64()
        .expect("it is a number");
    for index in 1..=total {
        let folder = machine(&stage, &format!("machine-{index}"));
        let (index, total) = (index.to_string(), total.to_string());
        let variables = [
            ("SCENARIOS", text(&pipeline, "/variables/SCENARIOS")),
            ("SEEDS", SEEDS),
            ("CI_COMMIT_SHA", COMMIT),
            ("CI_NODE_INDEX", &index),
            ("CI_NODE_TOTAL", &total),
        ];
        assert_eq!(
            shell(
                &["bash", "-ec"],
                &folder,
                &script("storm:shard"),
                &variables
            ),
            Some(0)
        );
        // Artefacts of all jobs are unpacked into one tree.
        carry(&folder.join("shards"), &verdict.join("shards"));
    }
    assert_eq!(
        shell(&["bash", "-ec"], &verdict, &script("storm:verdict"), &[]),
        Some(0)
    );
    assert_whole(&stage, "verdict/out");
    assert_eq!(
        text(&pipeline, "/storm:verdict/artifacts/reports/junit"),
        "out/**/junit.xml"
    );
}

/// The container of a job, what it runs, and its variables.
fn container(job: &Value) -> (Vec<&str>, &str, Vec<(&str, &str)>) {
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    let program = list(container, "/command").iter().filter_map(Value::as_str);
    let variables = list(container, "/env").iter();
    let variables = variables.map(|variable| (text(variable, "/name"), text(variable, "/value")));
    (
        program.collect(),
        text(container, "/args/0"),
        variables.collect(),
    )
}

#[test]
fn the_indexed_job_of_kubernetes_survives_an_evicted_pod_and_gives_the_bytes_of_one_gate() {
    let (shards, merge) = (
        template("kubernetes-shards.yaml"),
        template("kubernetes-merge.yaml"),
    );
    for job in [&shards, &merge] {
        assert_eq!(
            (text(job, "/apiVersion"), text(job, "/kind")),
            ("batch/v1", "Job")
        );
        let pod = &job["spec"]["template"]["spec"];
        assert_eq!(pod["restartPolicy"], "Never");
        let mount = &pod["containers"][0]["volumeMounts"][0];
        assert_eq!(mount["name"], pod["volumes"][0]["name"]);
        let (_, _, variables) = container(job);
        assert!(variables.contains(&("RESULTS", text(mount, "/mountPath"))));
    }
    let spec = &shards["spec"];
    assert_eq!(
        (text(spec, "/completionMode"), &spec["parallelism"]),
        ("Indexed", &spec["completions"])
    );
    let completions = spec["completions"].as_u64().expect("it is a number");

    let stage = checkout("kubernetes");
    let folder = machine(&stage, "image");
    let results = stage.path("volume");
    let results = results.to_str().expect("it is text");
    let run = |job: &Value, index: u64| {
        let (program, script, variables) = container(job);
        let index = index.to_string();
        let set = [("SEEDS", SEEDS), ("COMMIT", COMMIT), ("RESULTS", results)];
        let set = [&variables[..], &set, &[("JOB_COMPLETION_INDEX", &index)]].concat();
        shell(&program, &folder, script, &set)
    };
    let (_, _, variables) = container(&shards);
    assert!(variables.contains(&("SHARDS", &completions.to_string())));
    for index in 0..completions {
        assert_eq!(run(&shards, index), Some(0));
    }
    // One pod was evicted in the midst of its last case, and is started again.
    let list = format!("volume/{COMMIT}/shards/2/my-first-storm.acks-leader/seeds.ndjson");
    let whole = stage.read(&list);
    stage.write(&list, &whole[..whole.len() - 30]);
    assert_eq!(run(&shards, 2), Some(0));
    assert_eq!(stage.read(&list), whole);
    assert_eq!(run(&merge, 0), Some(0));
    assert_whole(&stage, &format!("volume/{COMMIT}/out"));
}

#[test]
fn what_the_documentation_shows_of_a_template_stands_in_it() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ci.md");
    let page = fs::read_to_string(page).expect("it is there");
    let templates = [
        "github-actions.yml",
        "gitlab-ci.yml",
        "kubernetes-shards.yaml",
    ];
    for name in templates.into_iter().chain(["kubernetes-merge.yaml"]) {
        assert!(
            page.contains(&format!("(../ci/templates/{name})")),
            "{name} is not named"
        );
    }
    for name in templates {
        let all = fs::read_to_string(Path::new(TEMPLATES).join(name)).expect("it is there");
        let shown = page.split(&format!("(../ci/templates/{name})")).nth(1);
        let block = shown
            .and_then(|rest| rest.split("```").nth(1))
            .expect("a block follows");
        for line in block.lines().skip(1) {
            assert!(all.contains(line.trim()), "{name} has no {line}");
        }
    }
}
