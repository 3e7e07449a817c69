//! What people expect of a command line: completions, manual pages, forms of output, colours for terminals
//! alone, and a first page whose commands work.

use crate::stage::{command, folder};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(folder: &Path, line: &str) -> Output {
    command(folder, line).output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What `init` writes, with fewer events.
fn storm(name: &str) -> PathBuf {
    let folder = folder("habits", name);
    assert!(run(&folder, "init storm.toml").status.success());
    let path = folder.join("storm.toml");
    let scenario = fs::read_to_string(&path).expect("init wrote it");
    let scenario = scenario.replace("200/s", "50/s");
    fs::write(path, scenario).expect("there is room");
    folder
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = folder("habits", "bash");
    let script = text(&run(&folder, "completions bash").stdout);
    fs::write(folder.join("storm.bash"), script).expect("there is room");
    let completed = |line: &str| {
        let words: Vec<String> = line.split(' ').map(|word| format!("'{word}'")).collect();
        let script = format!(
            "source storm.bash; COMP_WORDS=({}); COMP_CWORD={}; _stormglass stormglass {} {}; echo \"${{COMPREPLY[@]}}\"",
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2]
        );
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(&folder)
            .output();
        text(&output.expect("there is a bash").stdout)
    };
    assert_eq!(completed("stormglass self").trim(), "self-test");
    assert_eq!(completed("stormglass gate --sha").trim(), "--shard");
    assert_eq!(
        completed("stormglass run --format ").trim(),
        "auto plain json github"
    );
}

#[test]
fn every_shell_is_told_every_command_and_every_command_has_a_page() {
    let folder = folder("habits", "pages");
    let help = text(&run(&folder, "--help").stdout);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| line.starts_with("  "));
    let commands: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        commands.contains(&"merge") && commands.len() > 15,
        "{commands:?}"
    );
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = text(&run(&folder, &format!("completions {shell}")).stdout);
        for command in &commands {
            assert!(script.contains(command), "{shell} is not told of {command}");
        }
        assert!(script.contains("seed-base"), "{shell}");
    }
    let man = text(&run(&folder, "man").stdout);
    assert!(man.contains(".TH stormglass 1"), "{man}");
    assert!(run(&folder, "man pages").status.success());
    for command in commands.iter().filter(|command| **command != "help") {
        let page = fs::read_to_string(folder.join(format!("pages/stormglass-{command}.1")));
        let page = page.unwrap_or_else(|error| panic!("{command}: {error}"));
        assert!(
            man.contains(&format!("stormglass\\-{}", command.replace('-', "\\-"))),
            "{command}"
        );
        assert!(
            page.contains(&format!(".TH stormglass-{command} 1")),
            "{page}"
        );
    }
    let page = fs::read_to_string(folder.join("pages/stormglass-run.1")).expect("it is there");
    assert!(page.contains("\\-\\-resume"), "{page}");
}

#[test]
fn data_is_one_line_a_case_and_nothing_else() {
    let folder = storm("json");
    let output = run(
        &folder,
        "gate storm.toml --seeds 3 --seed-base x --format json",
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let stdout = text(&output.stdout);
    let cases: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let names = ["my-first-storm", "my-first-storm.acks-leader"];
    assert_eq!(cases.len(), names.len());
    for (case, name) in cases.iter().zip(names) {
        let file = fs::read_to_string(folder.join("out").join(name).join("summary.json"));
        let file: Value = serde_json::from_str(&file.expect("it was written")).expect("it is JSON");
        assert_eq!(*case, file, "{name}");
    }
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("exit 1, as the scenario says of itself"),
        "{stderr}"
    );
}

#[test]
fn github_gets_annotations_at_lines_of_the_file_and_a_summary_and_at_most_ten() {
    let folder = storm("github");
    let slos: String = (1..=14)
        .map(|most| format!(" --slo backlog<{most}"))
        .collect();
    let line =
        format!("gate storm.toml --seeds 2 --seed-base x -q --format github --slo lost<1{slos}");
    let output = command(&folder, &line)
        .env("GITHUB_STEP_SUMMARY", "step.md")
        .output();
    let output = output.expect("the binary runs");
    let stdout = text(&output.stdout);
    let marks: Vec<&str> = stdout
        .lines()
        .filter(|line| line.starts_with("::"))
        .collect();
    assert_eq!(marks.len(), 10, "{stdout}");
    assert!(
        marks[9].ends_with(" more findings are in the reports"),
        "{stdout}"
    );
    assert!(
        marks[..9]
            .iter()
            .all(|line| line.starts_with("::error file=storm.toml,line=")),
        "{stdout}"
    );
    let step = fs::read_to_string(folder.join("step.md")).expect("it was appended");
    assert_eq!(
        step.matches("stormglass").count().min(2),
        2,
        "both cases are there: {step}"
    );

    let output = run(
        &folder,
        "run storm.toml --variant acks-leader --seeds 4 --format github -q --slo lost<1",
    );
    let stdout = text(&output.stdout);
    assert!(
        !stdout.contains("::error"),
        "a known failure needs nobody: {stdout}"
    );
    let scenario = fs::read_to_string(folder.join("storm.toml")).expect("it is there");
    fs::write(
        folder.join("storm.toml"),
        scenario.replace("exit = 1", "exit = 0"),
    )
    .expect("there is room");
    let output = run(
        &folder,
        "run storm.toml --variant acks-leader --seeds 4 --format github -q",
    );
    let stdout = text(&output.stdout);
    let at = |what: &str| {
        scenario
            .lines()
            .position(|line| line.starts_with(what))
            .expect(what)
            + 1
    };
    let mark = format!(
        "::error file=storm.toml,line={},title=no-loss · lost-write%3A my-first-storm · acks-leader::",
        at("[expect]")
    );
    assert!(stdout.contains(&mark), "{stdout}");
    let mark = format!(
        "::error file=storm.toml,line={},title=",
        at("  \"lost = 0\"")
    );
    assert!(stdout.contains(&mark), "{stdout}");

    let line = "run storm.toml --seeds 2 --format github -q --slo backlog<1";
    assert!(text(&run(&folder, line).stdout).contains("::error file=storm.toml"));
    let stdout = text(&run(&folder, &format!("{line} --warn slo")).stdout);
    assert!(
        stdout.contains("::warning file=storm.toml,line="),
        "{stdout}"
    );
    assert!(!stdout.contains("::error"), "{stdout}");
}

#[test]
fn quiet_is_a_line_verbose_a_line_a_seed_and_no_pipe_is_coloured() {
    let folder = storm("loud");
    let quiet = run(&folder, "run storm.toml --seeds 3 -q");
    assert_eq!(text(&quiet.stdout), "my-first-storm: PASS (exit 0)\n");
    assert_eq!(text(&quiet.stderr), "");
    let verbose = run(&folder, "run storm.toml --seeds 3 -v --jobs 1");
    let lines = text(&verbose.stderr);
    let seeds: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(seeds, ["1", "2", "3"], "{lines}");
    for form in ["auto", "plain", "github"] {
        let output = run(&folder, &format!("run storm.toml --format {form}"));
        let both = [output.stdout, output.stderr].concat();
        assert!(!both.contains(&0x1b), "{form}");
    }
    assert_eq!(run(&folder, "run storm.toml -q -v").status.code(), Some(2));
}

#[test]
fn on_a_terminal_there_are_colours_unless_they_are_not_wanted() {
    let folder = storm("terminal");
    let binary = env!("CARGO_BIN_EXE_stormglass");
    // `script` gives a process a terminal; where there is none of it nothing can be shown.
    let on_terminal = |options: &str, variable: &str| {
        let line = format!("{variable} {binary} run storm.toml {options}");
        let mut script = Command::new("script");
        script
            .args(["-qec", &line, "/dev/null"])
            .current_dir(&folder)
            .env("TERM", "xterm");
        let output = script.env_remove("NO_COLOR").output().ok()?;
        output
            .status
            .success()
            .then(|| text(&output.stdout).contains("\u{1b}[32m"))
    };
    let Some(is_coloured) = on_terminal("", "") else {
        return;
    };
    assert!(is_coloured);
    assert_eq!(on_terminal("", "NO_COLOR="), Some(true), "empty is not set");
    assert_eq!(on_terminal("", "NO_COLOR=1"), Some(false));
    assert_eq!(on_terminal("", "TERM=dumb"), Some(false));
    assert_eq!(on_terminal("--format plain", ""), Some(false));
}

#[test]
fn the_first_page_holds_what_it_says() {
    let folder = folder("habits", "first");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/getting-started.md");
    let page = fs::read_to_string(page).expect("it is there");
    let mut ran = 0;
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, body) = block.split_once('\n').expect("a block has lines");
        match language {
            "toml" => {
                // The edit that the page asks for: this line in place of the one that asks for less.
                let path = folder.join("scenario.toml");
                let scenario = fs::read_to_string(&path).expect("init wrote it");
                let start = body.split('<').next().expect("an objective has a bound");
                let old = scenario.lines().find(|line| line.trim().starts_with(start));
                let edited = scenario.replacen(old.expect("there is such a line"), body, 1);
                fs::write(path, edited).expect("there is room");
            }
            "sh" => {
                for line in body.lines() {
                    let (line, comment) = line.split_once('#').unwrap_or((line, "exit 0"));
                    let code = comment
                        .trim()
                        .strip_prefix("exit ")
                        .and_then(|code| code.parse().ok());
                    let words = line.strip_prefix("stormglass ").expect("it is our command");
                    let output = command(&folder, words)
                        .env("GITHUB_SHA", "9f31c2e")
                        .output();
                    let output = output.expect("the binary runs");
                    let said = text(&[output.stdout, output.stderr].concat());
                    // The gate comes after the old number was put back.
                    assert_eq!(output.status.code(), code, "{line}: {said}");
                    ran += 1;
                    if code == Some(3) {
                        fs::remove_file(folder.join("scenario.toml")).expect("it is there");
                        assert!(run(&folder, "init").status.success());
                    }
                }
            }
            other => assert_eq!(other, "text"),
        }
    }
    assert_eq!(ran, 7);
}
