//! `--shard` and `merge`: many machines, one report, the same bytes.

use super::stage::Stage;
use std::fs;

const SWEEP: &str = "run storm.toml --variant acks-leader --seeds 10 -q";

#[test]
fn shards_merge_to_the_bytes_of_one_sweep_whatever_their_number_and_threads() {
    let stage = Stage::new("merge");
    stage.ends(1, &format!("{SWEEP} --out whole --jobs 1"));
    for of in [1, 3, 16] {
        for number in 1..=of {
            let (out, jobs) = (format!("of-{of}/shard-{number}"), number % 2 + 1);
            let line = format!("{SWEEP} --shard {number}/{of} --jobs {jobs} --out {out}");
            let text = stage.ends(0, &line);
            assert!(text.contains("stormglass merge"), "{text}");
            assert!(
                !stage.path(&out).join("report.html").exists(),
                "no verdict of a part"
            );
        }
        stage.ends(1, &format!("merge of-{of} --out merged -q"));
        stage.assert_same("whole", "merged");
        assert_eq!(stage.seeds_run("merged"), 0);
    }
    // What the seeds said of themselves is on the console of the merge as it was on that of the sweep.
    let tail = |text: &str| text.split(" in ").next().map(str::to_owned);
    let run = stage.ends(
        1,
        "run storm.toml --variant acks-leader --seeds 10 --out whole",
    );
    let merged = stage.ends(1, "merge of-3 --out merged");
    assert_eq!(tail(&run), tail(&merged));
}

#[test]
fn a_shard_that_was_interrupted_and_resumed_is_like_any_other() {
    let stage = Stage::new("resumed");
    let sweep = format!("{SWEEP} --twice");
    stage.ends(1, &format!("{sweep} --out whole"));
    for number in 1..=2 {
        let line = format!("{sweep} --shard {number}/2 --out shard-{number}");
        stage.ends(0, &line);
        let list =
            fs::read(stage.path(&format!("shard-{number}/seeds.ndjson"))).expect("it is there");
        stage.write(
            &format!("shard-{number}/seeds.ndjson"),
            &list[..list.len() * 2 / 3],
        );
        let finished = stage.finished(&format!("shard-{number}"));
        if number == 2 {
            let what = format!(
                "shard 2/2 of my-first-storm.acks-leader is not finished: shard-2/seeds.ndjson holds {finished} of 5 seeds"
            );
            stage.refuses("merge shard-1 shard-2 --out merged", &what);
        }
        stage.ends(0, &format!("{line} --resume"));
        assert_eq!(stage.seeds_run(&format!("shard-{number}")), 5 - finished);
    }
    stage.ends(1, "merge shard-1 shard-2 --out merged -q");
    stage.assert_same("whole", "merged");
}

#[test]
fn a_gate_in_shards_has_the_verdict_and_the_bytes_of_the_gate() {
    let stage = Stage::new("gates");
    let gate = "gate storm.toml --seeds 7 --seed-base 9f31c2e -q --slo p99(end-to-end)<1us";
    let verdict = stage.ends(3, &format!("{gate} --out whole"));
    for number in 1..=3 {
        stage.ends(
            0,
            &format!("{gate} --shard {number}/3 --out shards/{number}"),
        );
    }
    assert_eq!(stage.ends(3, "merge shards --out merged -q"), verdict);
    for _ in 0..2 {
        // Its own results, there from before, are no shard.
        assert_eq!(stage.ends(3, "merge shards --out shards/all -q"), verdict);
    }
    fs::remove_dir_all(stage.path("shards/all")).expect("it is there");
    for case in ["my-first-storm", "my-first-storm.acks-leader"] {
        stage.assert_same(&format!("whole/{case}"), &format!("merged/{case}"));
    }
    let second = stage.path("shards/2/my-first-storm");
    fs::remove_dir_all(&second).expect("it is there");
    stage.refuses(
        "merge shards --out other",
        "of my-first-storm is missing: shard 2/3",
    );
    for number in [1, 3] {
        let folder = stage.path(&format!("shards/{number}/my-first-storm"));
        fs::remove_dir_all(folder).expect("it is there");
    }
    stage.refuses(
        "merge shards --out other",
        "no shard has the gate's case my-first-storm",
    );
    assert!(!stage.path("other").exists(), "nothing was begun");
}

#[test]
fn a_broken_case_of_the_corpus_is_red_in_the_first_shard_and_in_the_merge() {
    let stage = Stage::new("corpus");
    let saved = stage
        .read("storm.toml")
        .replace("name = \"my-first-storm\"", "name = \"saved\"");
    let saved = saved
        .split("[[variant]]")
        .next()
        .expect("it has a head")
        .replace("seeds = 32", "seeds = 2");
    // A failure of the past that has come back.
    let saved = saved.replace("\"all\"", "\"1\"\nproducer.enable_idempotence = false");
    stage.write("regression/saved.toml", saved);
    let gate = "gate storm.toml --seeds 3 --seed-base x -q --format plain";
    stage.ends(1, &format!("{gate} --out whole"));
    for (number, code) in [(1, 1), (2, 0)] {
        stage.ends(
            code,
            &format!("{gate} --shard {number}/2 --out shards/{number}"),
        );
    }
    stage.ends(1, "merge shards --out merged -q");
    for case in [
        "my-first-storm",
        "my-first-storm.acks-leader",
        "regression/saved",
    ] {
        stage.assert_same(&format!("whole/{case}"), &format!("merged/{case}"));
    }
}

#[test]
fn shards_that_are_missing_doubled_or_of_another_sweep_are_refused() {
    let stage = Stage::new("wrong");
    let shard = |line: &str, out: &str| {
        stage.ends(0, &format!("run {line} -q --out {out}"));
    };
    for number in 1..=3 {
        shard(
            &format!("storm.toml --seeds 4 --shard {number}/3"),
            &format!("{number}"),
        );
    }
    shard("storm.toml --seeds 4 --shard 3/4", "fourths");
    shard("storm.toml --seeds 5 --shard 3/3", "more");
    shard(
        "storm.toml --variant acks-leader --seeds 4 --shard 3/3",
        "variant",
    );
    shard("storm.toml --seeds 4 --shard 3/3 --slo lost<9", "objective");
    let changed = stage.read("storm.toml").replace("50/s", "40/s");
    stage.write("storm.toml", changed);
    shard("storm.toml --seeds 4 --shard 3/3", "changed");
    let list = stage.read("3/seeds.ndjson");
    let old = list.replacen("\"stormglass\":\"", "\"stormglass\":\"0.0.", 1);
    stage.write("old/seeds.ndjson", old);
    let wrong = [
        ("1 2", "of my-first-storm is missing: shard 3/3"),
        ("3", "is missing: shard 1/3, 2/3"),
        ("1 2 3 ./2", "shard 2/3 of my-first-storm is there twice: "),
        ("1 2 fourths", "number of shards is 3 and 4"),
        (
            "1 2 more",
            "seeds is 4 seeds from 1 on and 5 seeds from 1 on",
        ),
        ("1 2 variant", "these are shards of different scenarios"),
        ("1 2 objective", "--slo is  and lost<9"),
        ("1 2 changed", "text of the scenario is "),
        ("1 2 old", "is of stormglass 0.0."),
        ("1 2 nowhere", "nowhere cannot be read"),
    ];
    for (folders, what) in wrong {
        stage.refuses(&format!("merge {folders} --out other"), what);
    }
    fs::create_dir_all(stage.path("empty")).expect("there is room");
    stage.refuses(
        "merge 1 2 3 empty --out other",
        "there is no seeds.ndjson in or below empty",
    );
    assert!(!stage.path("other").exists(), "nothing was begun");
    // The scenario is as the shards had it no more, which matters only to those who run it again.
    stage.ends(0, "merge 1 2 3 -q");
    stage.refuses(
        "merge 1 2 3 --explain",
        "storm.toml is not what the shards have run",
    );
}

#[test]
fn a_shard_is_a_part_of_several_seeds_of_a_sweep() {
    let stage = Stage::new("usage");
    stage.refuses(
        "run storm.toml --shard 1/2",
        "--shard takes a part of several seeds",
    );
    stage.refuses(
        "run storm.toml --seeds 4 --shard 1/2 --explain",
        "are merged",
    );
    let (code, text) = stage.say("hunt storm.toml --shard 1/2");
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.contains("hunt learns from one generation to the next"),
        "{text}"
    );
    for wrong in ["0/3", "4/3", "x"] {
        let (code, text) = stage.say(&format!("run storm.toml --seeds 4 --shard {wrong}"));
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains("shard"), "{text}");
    }
}

#[test]
fn what_broke_is_explained_after_the_merge_with_the_bytes_of_a_sweep_that_explains_whatever_the_workers()
 {
    let stage = Stage::new("explained");
    let pairs = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/pairs/acks.toml");
    let text = fs::read_to_string(pairs).expect("the pair is there");
    // A fifth of the events fails as the whole does, and is shrunk sooner.
    stage.write("acks.toml", text.replace("300/s", "60/s"));
    let sweep = "run acks.toml --seeds 2 -q";
    stage.ends(1, &format!("{sweep} --explain --jobs 1 --out whole"));
    for number in 1..=2 {
        stage.ends(
            0,
            &format!("{sweep} --shard {number}/2 --out shards/{number}"),
        );
    }
    stage.ends(1, "merge shards --explain --jobs 3 --out merged -q");
    stage.assert_same("whole", "merged");
    assert_eq!(
        fs::read_dir(stage.path("merged/failures"))
            .expect("it is there")
            .count(),
        1
    );
}
