//! A comparison says the same everywhere, tells chance from difference, and names with markup do no harm.

use stormglass_reports::compare::prices::{Price, Priced, Prices};
use stormglass_reports::compare::sweep::Coordinate;
use stormglass_reports::compare::unit::Currency;
use stormglass_reports::compare::{About, Comparison, Gathering, Side, artefacts, paired, text};
use stormglass_reports::model::SamplePhase;
use stormglass_reports::model::outcome::{Answer, CheckRun, RunOutcome};
use stormglass_reports::model::value::Micros;

fn side(name: &str) -> Side {
    Side {
        name: name.to_owned(),
        settings: [("broker.a.acks".to_owned(), format!("{name:?}"))].into(),
        cell: Vec::new(),
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
    run.totals.delivered_measured = 2_000;
    run.totals.measured = Micros::from_secs(10);
    run.cost.nodes = 6;
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

/// The lingers and replicas of a matrix, each cell as slow as they say; one replica loses in every tenth seed.
fn swept(lingers: &[u64], replicas: &[u64], prices: Option<Prices>) -> Comparison {
    let about = About {
        title: "matrix".to_owned(),
        stamp: "uncalibrated".to_owned(),
        margin_ppm: 10_000,
        prices,
        ..About::default()
    };
    let cells = lingers
        .iter()
        .flat_map(|linger| replicas.iter().map(move |count| (*linger, *count)));
    let cells: Vec<(u64, u64)> = cells.collect();
    let coordinate = |setting: &str, value: String, number: u64| Coordinate {
        setting: setting.to_owned(),
        value,
        number: Some(number as f64),
    };
    let named = cells.iter().map(|(linger, count)| Side {
        name: format!("linger-{linger}ms-replicas-{count}"),
        settings: [("b.linger".to_owned(), format!("{linger}ms"))].into(),
        cell: vec![
            coordinate("b.linger", format!("{linger}ms"), *linger),
            coordinate("b.replicas", count.to_string(), *count),
        ],
    });
    let sides = [side("as written")].into_iter().chain(named).collect();
    let mut gathering = Gathering::new(about, sides);
    for index in 0..20 {
        gathering.add(0, &run(index, 10_000, Answer::Pass));
        for (place, (linger, count)) in cells.iter().enumerate() {
            let is_lost = *count == 1 && index % 10 == 0;
            let answer = if is_lost { Answer::Fail } else { Answer::Pass };
            let mut run = run(index, 5_000 + 1_000 * linger + 500 * count, answer);
            run.cost.bytes = 2_000_000 * count;
            gathering.add(place + 1, &run);
        }
    }
    gathering.finish()
}

fn page(comparison: &Comparison) -> String {
    let [(_, page), _] = artefacts(comparison);
    page
}

#[test]
fn a_sweep_of_one_setting_is_drawn_as_curves_within_one_range() {
    let comparison = swept(&[20, 0, 5], &[3], None);
    let sweep = comparison.sweep.as_ref().expect("three cells are a sweep");
    assert_eq!(sweep.axes.len(), 1, "one value everywhere is no axis");
    let page = page(&comparison);
    assert!(page.contains("<h2 id=\"sweep-title\">What linger does</h2>"));
    let section = page.split("id=\"sweep\"").nth(1).expect("it is there");
    let section = section.split("</section>").next().expect("it ends");
    assert!(section.contains("<h3>end-to-end latency</h3>"), "{section}");
    for value in ["0ms", "5ms", "20ms"] {
        assert!(
            section.contains(&format!("\n{value}\n")),
            "{value} is a tick"
        );
    }
    assert!(
        section.contains("Within 1 % of each other in all of them: "),
        "what does not move is named: {section}"
    );
    assert!(
        !section.contains("<h3>network bytes an event"),
        "and not drawn"
    );
}

#[test]
fn a_sweep_of_two_settings_is_drawn_as_maps_and_as_curves_both_ways() {
    let comparison = swept(&[0, 5, 20], &[1, 3], None);
    let page = page(&comparison);
    for drawn in [
        "What linger and replicas do",
        "<h3>end-to-end p99, ms</h3>",
        "<h3>seeds that broke a promise, %</h3>",
        "<h3>end-to-end p99, a line for each replicas</h3>",
        "<h3>end-to-end p99, a line for each linger</h3>",
    ] {
        assert!(page.contains(drawn), "{drawn}");
    }
    // Both ways share their range: the same ticks stand at the same heights.
    let ticks = |title: &str| -> Vec<String> {
        let chart = page
            .split(&format!("<h3>{title}</h3>"))
            .nth(1)
            .expect("it is drawn");
        let chart = chart.split("</svg>").next().expect("it ends");
        let texts = chart.split("text-anchor=\"end\"").skip(1);
        texts
            .map(|text| text.split("</text>").next().expect("it ends").to_owned())
            .collect()
    };
    let (one, other) = (
        ticks("end-to-end p99, a line for each replicas"),
        ticks("end-to-end p99, a line for each linger"),
    );
    assert!(one.len() > 3);
    assert_eq!(one, other);
    let console = text::render(&comparison);
    assert!(
        console.contains("end-to-end p99 by b.linger (across) and b.replicas (down)"),
        "{console}"
    );
}

#[test]
fn the_best_of_latency_promises_and_cost_are_marked() {
    let comparison = swept(&[0, 5], &[1, 3], None);
    let marked = comparison.sides.iter().filter(|side| side.is_undominated);
    let marked: Vec<&str> = marked.map(|side| side.name.as_str()).collect();
    // One replica is cheap, fast and loses; three lose nothing. Lingering alone helps nobody here, and what is
    // as written costs and takes what five milliseconds with one replica do not.
    assert_eq!(
        marked,
        [
            "as written",
            "linger-0ms-replicas-1",
            "linger-0ms-replicas-3"
        ]
    );
    assert!(page(&comparison).contains("<b>linger-0ms-replicas-3</b>"));
}

fn prices() -> Prices {
    let price = |of, each| Price { of, each };
    Prices {
        currency: Currency::parse("EUR").expect("it is one"),
        file: "my-prices.toml".to_owned(),
        list: vec![price(Priced::NodeHour, 0.36), price(Priced::GbSent, 0.05)],
    }
}

#[test]
fn prices_become_money_on_the_console_on_the_page_and_in_the_data() {
    let comparison = swept(&[0, 5], &[1, 3], Some(prices()));
    // 200 events a second: a million take 5,000 s of six nodes, 3 EUR; one replica sends a kB an event, 0.05 EUR.
    let console = text::render(&comparison);
    let [(_, page), (_, data)] = artefacts(&comparison);
    for figure in ["3.05 EUR", "3.15 EUR", "my-prices.toml"] {
        assert!(console.contains(figure), "{figure}: {console}");
        assert!(page.contains(figure), "{figure}");
    }
    assert!(
        page.contains("What a million events cost") && page.contains("0.36 EUR a node and hour")
    );
    let data: serde_json::Value = serde_json::from_str(&data).expect("it is JSON");
    let bill = data["sides"][1]["bill"].as_array().expect("it has lines");
    let lines: Vec<f64> = bill.iter().filter_map(serde_json::Value::as_f64).collect();
    assert!(
        (lines[0] - 3.0).abs() < 1e-9 && (lines[1] - 0.05).abs() < 1e-9,
        "{lines:?}"
    );
    let rows = data["rows"].as_array().expect("it has rows");
    let hour = rows
        .iter()
        .find(|row| row["metric"] == "price of an hour" && row["side"] == 1);
    let hour = hour.expect("it is compared")["means"][1]
        .as_f64()
        .expect("a number");
    assert!(
        (hour - 3.05 * 0.72).abs() < 1e-9,
        "{hour}: 720,000 events an hour"
    );
    let without = swept(&[0, 5], &[1, 3], None);
    assert!(
        !text::render(&without).contains("price of"),
        "no price is made up"
    );
}

#[test]
fn of_the_settings_what_differs_from_the_baseline_is_marked() {
    let page = page(&compared(["weak", "strong"], [10_000, 12_000]));
    assert!(page.contains("<td>&quot;weak&quot;</td><td><mark>&quot;strong&quot;</mark></td>"));
}

#[test]
fn pairing_tells_how_many_runs_it_saves() {
    let comparison = compared(["a", "b"], [10_000, 10_100]);
    let row = comparison
        .rows
        .iter()
        .find(|row| row.metric == "end-to-end p50");
    let found = row
        .and_then(|row| row.difference)
        .expect("every seed has it");
    // Chance of 4 % is the same in both and falls out.
    assert!(found.pairing > Some(100.0), "{found:?}");
}
