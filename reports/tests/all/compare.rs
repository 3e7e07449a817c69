//! A comparison says the same everywhere, tells chance from difference, and names with markup do no harm.

use stormglass_reports::compare::{About, Comparison, Gathering, Side, artefacts, paired, text};
use stormglass_reports::model::SamplePhase;
use stormglass_reports::model::outcome::{Answer, CheckRun, RunOutcome};

fn side(name: &str) -> Side {
    Side {
        name: name.to_owned(),
        settings: [("broker.a.acks".to_owned(), format!("{name:?}"))].into(),
    }
}

/// A run whose latencies lie around `micros`, the seed's chance included.
fn run(index: u64, micros: u64, answer: Answer) -> RunOutcome {
    let mut run = RunOutcome::new(index, index + 1);
    let chance = index * 7_919 % 400;
    let latencies = run.histograms.of("end-to-end", SamplePhase::All);
    for sample in 0..2_000 {
        latencies.record(micros + chance + sample % 50);
    }
    run.checks.push(CheckRun {
        name: "no-loss".to_owned(),
        answer,
        exercised: true,
        ..CheckRun::default()
    });
    run.totals.delivered = 2_000;
    run.cost.bytes = 2_000 * 1_000;
    run
}

fn compared(names: [&str; 2], micros: [u64; 2]) -> Comparison {
    let about = About {
        title: "pair".to_owned(),
        stamp: "uncalibrated".to_owned(),
        margin_ppm: 10_000,
        ..About::default()
    };
    let mut gathering = Gathering::new(about, names.iter().map(|name| side(name)).collect());
    for (place, micros) in micros.into_iter().enumerate() {
        for index in (0..40).rev() {
            let answer = if place == 0 && index < 4 {
                Answer::Fail
            } else {
                Answer::Pass
            };
            gathering.add(place, &run(index, micros, answer));
        }
    }
    gathering.finish()
}

#[test]
fn the_same_seeds_under_the_same_settings_differ_by_exactly_nothing() {
    let same = compared(["a", "b"], [10_000, 10_000]);
    assert!(!same.rows.is_empty());
    for row in &same.rows {
        let found = row.difference.expect("every seed has it");
        assert_eq!(
            (found.mean, found.low, found.high),
            (0.0, 0.0, 0.0),
            "{}",
            row.metric
        );
        assert_eq!(found.answer, paired::Answer::NoChange);
    }
}

#[test]
fn one_per_cent_is_seen_through_chance_that_both_met() {
    // Chance moves a seed by up to 4 %, but both alike.
    let compared = compared(["a", "b"], [10_000, 10_100]);
    let row = compared
        .rows
        .iter()
        .find(|row| row.metric == "end-to-end p50");
    let found = row
        .and_then(|row| row.difference)
        .expect("every seed has it");
    assert_eq!(found.answer, paired::Answer::Changed);
    assert!((found.mean - 0.01).abs() < 0.001, "{found:?}");
}

#[test]
fn console_page_and_data_tell_the_same_figures() {
    let compared = compared(["weak", "strong"], [10_000, 12_000]);
    let console = text::render(&compared);
    let [(_, page), (_, data)] = artefacts(&compared);
    for figure in ["4/40 seeds", "0 of 40 fail", "4 of 40 fail", "worse"] {
        assert!(console.contains(figure), "{figure}: {console}");
        assert!(page.contains(figure), "{figure} is not on the page");
    }
    let data: serde_json::Value = serde_json::from_str(&data).expect("it is JSON");
    assert_eq!(data["sides"][0]["failing"]["count"], 4);
    let rows = data["rows"].as_array().expect("it has rows");
    let p50 = rows
        .iter()
        .find(|row| row["metric"] == "end-to-end p50")
        .expect("it is there");
    let mean = p50["difference"]["mean"].as_f64().expect("a number");
    let shown = format!("+{:.1} %", mean * 100.0);
    assert!(
        console.contains(&shown) && page.contains(&shown),
        "{shown}: {console}"
    );
}

#[test]
fn names_with_markup_do_no_harm() {
    let compared = compared(
        ["<script>alert(1)</script>", "b\u{202e}\"'&"],
        [10_000, 10_000],
    );
    let [(_, page), _] = artefacts(&compared);
    assert!(
        !page.contains("<script>"),
        "the page has no script of its own"
    );
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!page.contains('\u{202e}'));
}
