//! `--resume`: a sweep that was stopped at any moment goes on, and nobody can tell from its results.

use super::stage::Stage;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Its variant fails in some of these seeds, and passes in others.
const SWEEP: &str = "run storm.toml --variant acks-leader --seeds 10 -q";

#[test]
fn a_list_cut_at_any_byte_is_completed_to_the_same_bytes_without_a_seed_run_again() {
    let stage = Stage::new("cut");
    stage.ends(1, &format!("{SWEEP} --out whole --jobs 2"));
    let list = stage.read("whole/seeds.ndjson").into_bytes();
    let ends: Vec<usize> = (0..list.len()).filter(|at| list[*at] == b'\n').collect();
    assert_eq!(ends.len(), 11, "a header and ten seeds");
    // Inside the header, around line ends, in the midst of lines.
    let cuts = [
        0,
        40,
        ends[0],
        ends[0] + 1,
        ends[0] + 2,
        ends[3] - 1,
        ends[3],
        ends[3] + 1,
        (ends[6] + ends[7]) / 2,
        list.len() - 1,
        list.len(),
    ];
    for (number, cut) in cuts.into_iter().enumerate() {
        stage.write("out/seeds.ndjson", &list[..cut]);
        let finished = stage.finished("out");
        let jobs = number % 2 + 1;
        stage.ends(1, &format!("{SWEEP} --resume --jobs {jobs}"));
        assert_eq!(stage.seeds_run("out"), 10 - finished, "cut at {cut}");
        stage.assert_same("whole", "out");
    }
}

#[test]
fn seeds_that_ended_in_another_order_and_a_torn_tail_of_any_kind_are_no_trouble() {
    let stage = Stage::new("order");
    stage.ends(1, &format!("{SWEEP} --out whole"));
    let list = stage.read("whole/seeds.ndjson");
    let lines: Vec<&str> = list.lines().collect();
    for tail in [
        "{\"index\":3,",
        "\0\0\0\0\0\0",
        "{\"index\":3}\n",
        "\n",
        "no JSON",
    ] {
        let mut text = format!("{}\n", lines[0]);
        for line in [9, 2, 7, 4] {
            text.push_str(lines[line]);
            text.push('\n');
        }
        stage.write("out/seeds.ndjson", text + tail);
        stage.ends(1, &format!("{SWEEP} --resume"));
        assert_eq!(stage.seeds_run("out"), 6, "{tail:?}");
        stage.assert_same("whole", "out");
    }
}

#[test]
fn a_sweep_that_begins_and_one_that_is_done_can_be_resumed_too() {
    let stage = Stage::new("ends");
    let sweep = "run storm.toml --seeds 3 --twice -q";
    stage.ends(0, &format!("{sweep} --out whole"));
    stage.ends(0, &format!("{sweep} --resume"));
    assert_eq!(stage.seeds_run("out"), 3);
    stage.assert_same("whole", "out");
    stage.ends(0, &format!("{sweep} --resume --jobs 1"));
    assert_eq!(stage.seeds_run("out"), 0);
    stage.assert_same("whole", "out");
    let text = stage.read("out/summary.json");
    assert!(
        text.contains("\"checked\": 3"),
        "what ran twice is remembered"
    );
}

/// A sweep that takes a while, after `count` of its seeds.
fn under_way(stage: &Stage, line: &str, folder: &str, count: u64) -> Child {
    let child = stage.command(line).spawn().expect("the binary runs");
    let started = Instant::now();
    while stage.finished(folder) < count {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "it comes no further"
        );
        sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn a_sweep_that_is_killed_and_killed_again_and_then_interrupted_ends_as_if_nothing_had_been() {
    let stage = Stage::new("killed");
    let sweep = "run storm.toml --variant acks-leader --seeds 40 --jobs 2 -q";
    stage.ends(1, &format!("{sweep} --out whole"));
    let (mut before, mut ran) = (0, 0);
    for (signal, code) in [("-KILL", None), ("-KILL", None), ("-TERM", Some(143))] {
        let mut child = under_way(&stage, &format!("{sweep} --resume"), "out", before + 3);
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status();
        assert!(sent.expect("there is a kill command").success());
        assert_eq!(child.wait().expect("it ends").code(), code);
        let finished = stage.finished("out");
        assert!((before + 3..40).contains(&finished), "{finished}");
        ran += finished - before;
        before = finished;
    }
    stage.ends(1, &format!("{sweep} --resume"));
    assert_eq!(
        ran + stage.seeds_run("out"),
        40,
        "no finished seed runs again"
    );
    stage.assert_same("whole", "out");
}

#[test]
fn the_list_of_another_sweep_is_refused_and_left_alone() {
    let stage = Stage::new("other");
    stage.ends(0, "run storm.toml --seeds 2 -q");
    let list = stage.read("out/seeds.ndjson");
    let text = stage.read("storm.toml");
    stage.write("changed.toml", text.replace("50/s", "60/s"));
    let others = [
        (
            "run storm.toml --seeds 3",
            "seeds is 2 seeds from 1 on there and 3 seeds",
        ),
        (
            "run storm.toml --seeds 2 --variant acks-leader",
            "scenario is my-first-storm there and",
        ),
        (
            "run storm.toml --seeds 2 --slo lost<5",
            "--slo is  there and lost<5 here",
        ),
        (
            "run storm.toml --seeds 2 --twice",
            "--twice is false there and true here",
        ),
        (
            "run storm.toml --seeds 2 --driver hosted",
            "--driver is auto there and hosted here",
        ),
        (
            "run storm.toml --seeds 2 --shard 1/2",
            "--shard is 1/1 there and 1/2 here",
        ),
        (
            "run changed.toml --seeds 2",
            "file is storm.toml there and changed.toml here",
        ),
    ];
    for (line, what) in others {
        stage.refuses(&format!("{line} --resume"), what);
        assert_eq!(stage.read("out/seeds.ndjson"), list, "{line}");
    }
    stage.write("storm.toml", text.replace("50/s", "60/s"));
    stage.refuses(
        "run storm.toml --seeds 2 --resume",
        "text of the scenario is ",
    );
    stage.write("storm.toml", text);
    let binary = list.split("\"binary\":\"").nth(1).expect("it is named");
    let other = list.replacen(&binary[..16], "0123456789abcdef", 1);
    stage.write("out/seeds.ndjson", other);
    stage.refuses(
        "run storm.toml --seeds 2 --resume",
        "binary is 0123456789abcdef there",
    );
}

#[test]
fn a_file_that_is_no_list_and_a_list_with_a_hole_are_refused_with_their_place() {
    let stage = Stage::new("foreign");
    stage.ends(0, "run storm.toml --seeds 3 -q");
    let list = stage.read("out/seeds.ndjson");
    let lines: Vec<&str> = list.lines().collect();
    let resume = "run storm.toml --seeds 3 --resume";
    let foreign = [
        ("an essay\n".to_owned(), "does not say which sweep it is of"),
        (
            list.replacen("\"format\":1", "\"format\":9", 1),
            "wrote it in format 9",
        ),
        (lines[1..].join("\n"), "does not say which sweep it is of"),
        (
            [lines[0], &lines[1][..90], lines[2], ""].join("\n"),
            "seeds.ndjson:2: the line is damaged",
        ),
        (
            [lines[0], lines[1], lines[1], lines[2], ""].join("\n"),
            "seeds.ndjson:3: the line is damaged: seed 1 is there twice",
        ),
    ];
    for (text, what) in foreign {
        stage.write("out/seeds.ndjson", &text);
        stage.refuses(resume, what);
        assert_eq!(stage.read("out/seeds.ndjson"), text);
    }
    stage.ends(0, "run storm.toml --seeds 3 -q");
}

#[test]
fn two_processes_do_not_write_into_one_list() {
    let stage = Stage::new("busy");
    let sweep = "run storm.toml --seeds 100000 --jobs 1 -q";
    let mut child = under_way(&stage, sweep, "out", 1);
    stage.refuses(
        &format!("{sweep} --resume"),
        "is being written by another process",
    );
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

#[test]
fn a_gate_over_several_cases_goes_on_where_it_was() {
    let stage = Stage::new("gate");
    let text = stage
        .read("storm.toml")
        .replace("my-first-storm", "a-second");
    stage.write("more/second.toml", text);
    let gate = "gate storm.toml more --seeds 5 --seed-base x -q";
    let verdict = stage.ends(0, &format!("{gate} --out whole"));
    let cases = [
        "my-first-storm",
        "my-first-storm.acks-leader",
        "a-second",
        "a-second.acks-leader",
    ];
    for case in cases {
        let list = stage.read(&format!("whole/{case}/seeds.ndjson"));
        // The first is done, the second was under way, the others had not begun.
        match case {
            "my-first-storm" => stage.write(&format!("out/{case}/seeds.ndjson"), list),
            "a-second" => stage.write(&format!("out/{case}/seeds.ndjson"), &list[..list.len() / 2]),
            _ => {}
        }
    }
    let finished = stage.finished("out/a-second");
    assert!((1..5).contains(&finished));
    assert_eq!(stage.ends(0, &format!("{gate} --resume")), verdict);
    let ran = cases.map(|case| stage.seeds_run(&format!("out/{case}")));
    assert_eq!(ran, [0, 5, 5 - finished, 5]);
    for case in cases {
        stage.assert_same(&format!("whole/{case}"), &format!("out/{case}"));
    }
    stage.refuses(
        "gate storm.toml storm.toml more/../storm.toml",
        "both hold my-first-storm",
    );
}
