//! The HTML report: complete, offline, safe and the same every time.

use crate::support;
use stormglass_reports::model::explained::Explained;
use stormglass_reports::model::faults::FaultMet;
use stormglass_reports::model::outcome::{Flow, RunOutcome};
use stormglass_reports::model::shown::ShownRun;
use stormglass_reports::model::slo::Slo;
use stormglass_reports::model::value::{Micros, Threshold, Value};
use stormglass_reports::model::{Identity, Report, SamplePhase, Setting, SettingSource};
use stormglass_reports::{Collector, Summary, explanation, html, json, junit, markdown, text};

/// What stands between the tags of the data island.
fn island(page: &str) -> &str {
    let marker = "<script type=\"application/json\" id=\"summary\">";
    let start = page.find(marker).expect("an island") + marker.len();
    &page[start..start + page[start..].find("</script>").expect("an end")]
}

fn empty() -> Report {
    let collector = Collector::new("end-to-end");
    collector.finish(
        Identity::default(),
        Vec::new(),
        String::new(),
        Default::default(),
    )
}

#[test]
fn the_island_holds_the_figures_of_the_json_file() {
    let report = support::report();
    let page = html::render(&report);
    let read: Summary = serde_json::from_str(island(&page)).unwrap();
    let file: Summary = serde_json::from_str(&json::render(&Summary::of(&report))).unwrap();
    assert_eq!(file, Summary::of(&report));
    // The words of the moments stand in the page's list.
    let mut bare = file;
    let story = bare.shown.as_mut().and_then(|run| run.story.as_mut());
    for moment in story.into_iter().flat_map(|story| &mut story.moments) {
        moment.what.clear();
    }
    assert_eq!(read, bare);
}

#[test]
fn what_is_visible_shows_the_figures_of_the_summary() {
    let report = support::report();
    let summary = Summary::of(&report);
    let page = html::render(&report);
    let visible = page[..page.find("<script type=").unwrap()].replace("&lt;", "<");
    for row in &summary.latencies {
        for (name, value) in row.columns() {
            let shown = value.unwrap().to_string();
            assert!(
                visible.contains(&format!(">{shown}</td>")),
                "{name} {shown}"
            );
        }
        assert!(visible.contains(&Summary::delivered_text(row.delivered, row.owed)));
    }
    for check in &summary.checks {
        assert!(visible.contains(&check.observed), "{}", check.observed);
    }
    for slo in &summary.slos {
        let worst = slo.worst.as_ref().unwrap();
        assert!(visible.contains(&format!("worst <b>{}</b>", worst.value)));
        assert!(visible.contains(&slo.margin()));
    }
    for group in &summary.failures {
        assert!(visible.contains(&group.replay) && visible.contains(&group.share.sentence()));
    }
    for fault in &summary.shown.as_ref().unwrap().faults {
        assert!(visible.contains(&fault.kind) && visible.contains(&fault.target));
    }
    assert!(visible.contains("latencies uncalibrated"));
    assert!(visible.contains(&summary.fingerprint));
    assert!(visible.contains(">FAIL</div>"));
}

#[test]
fn the_same_runs_give_the_same_bytes_whoever_ran_them() {
    let whole = html::render(&support::report());
    let mut shards = [
        support::collector(),
        support::collector(),
        support::collector(),
    ];
    for index in (0..support::RUNS).rev() {
        shards[(index % 3) as usize].add(support::outcome(index));
    }
    let [mut first, second, third] = shards;
    first.merge(third);
    first.merge(second);
    for _ in 0..8 {
        first.add_determinism(None);
    }
    assert!(
        html::render(&support::finish(first)) == whole,
        "bytes differ"
    );
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = html::render(&support::report());
    for word in [
        "http:", "https:", "//cdn", "@import", "src=", "url(", "fetch(",
    ] {
        let found: Vec<_> = page.match_indices(word).collect();
        let allowed = found
            .iter()
            .all(|(at, _)| page[*at..].starts_with("url(#hatch)"));
        assert!(allowed, "{word} in the page");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn text_of_a_scenario_is_text_everywhere() {
    const HOSTILE: &str = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&]]>";
    let stored = serde_json::to_string(&support::report()).unwrap();
    let mut report: Report = serde_json::from_str(&stored).unwrap();
    report.identity.scenario = HOSTILE.into();
    report.identity.question = HOSTILE.into();
    report.identity.command = HOSTILE.into();
    report.identity.profile = HOSTILE.into();
    report.identity.replay = format!("{HOSTILE} {{seed}}");
    report.scenario_text = HOSTILE.into();
    report
        .configuration
        .push(Setting::new(HOSTILE, HOSTILE, SettingSource::File));
    report.notes.insert(HOSTILE.into());
    report.regressions.insert(HOSTILE.into());
    report.internal_errors.insert(HOSTILE.into());
    report.unknown_reasons.insert(HOSTILE.into(), 3);
    for check in &mut report.checks {
        check.name = HOSTILE.into();
        check.promise = HOSTILE.into();
        check.reasons.insert(HOSTILE.into(), 1);
    }
    for slo in &mut report.slos {
        slo.expression = HOSTILE.into();
    }
    for group in &mut report.failures {
        group.signature = HOSTILE.into();
        group.sentence = HOSTILE.into();
        group.check = HOSTILE.into();
        group.anomaly = HOSTILE.into();
        group.witness = vec![HOSTILE.into()];
        group.faults = vec![HOSTILE.into()];
        group.explained = Some(hostile_story(HOSTILE));
    }
    let mut other = report.failures[0].clone();
    (other.explained, other.same_as) = (None, Some(HOSTILE.into()));
    report.failures.push(other);
    for point in &mut report.points {
        point.name = HOSTILE.into();
    }
    for fault in &mut report.shown.as_mut().unwrap().faults {
        fault.name = HOSTILE.into();
        fault.kind = HOSTILE.into();
        fault.target = HOSTILE.into();
        fault.resolved = Some(HOSTILE.into());
        fault.effect = HOSTILE.into();
    }
    make_hostile(report.shown.as_mut().unwrap(), HOSTILE);
    let page = html::render(&report);
    assert_eq!(
        page.matches("<script").count(),
        2,
        "the island and our own script"
    );
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img"));
    assert_balanced(&page);
    let read: Summary = serde_json::from_str(island(&page)).unwrap();
    assert_eq!(read.identity.scenario, HOSTILE);
    let alone = explanation::markdown(&hostile_story(HOSTILE));
    let alone: String = alone.split("```").step_by(2).collect();
    let summary = Summary::of(&report);
    assert!(!junit::render(&summary).contains("<script"));
    let outside_fences: String = markdown::render(&summary)
        .split("```")
        .step_by(2)
        .collect::<Vec<_>>()
        .concat();
    assert!(!outside_fences.contains("<script") && !outside_fences.contains("<img"));
    assert!(
        !alone.contains("<script") && !alone.contains("<img"),
        "{alone}"
    );
}

/// A recorded run whose every text wants to be markup.
fn make_hostile(run: &mut ShownRun, text: &str) {
    for line in &mut run.gauges {
        line.of = text.into();
    }
    let story = run.story.as_mut().expect("the sample has a story");
    story.sentence = text.into();
    story.events = vec![text.into()];
    for name in &mut story.nodes {
        *name = text.into();
    }
    for moment in &mut story.moments {
        moment.what = text.into();
    }
    let order = story.order.as_mut().expect("its log has an order");
    order.log = text.into();
    for row in &mut order.rows {
        row.observer = text.into();
        for cell in &mut row.cells {
            cell.event = text.into();
            cell.before = vec![text.into()];
        }
    }
}

/// An explanation whose every text wants to be markup.
fn hostile_story(text: &str) -> Explained {
    let mut story = support::explained::explained();
    story.signature = text.into();
    story.sentence = text.into();
    story.schedule = vec![text.into()];
    story.event = text.into();
    story.repro = text.into();
    story.prove = text.into();
    for step in &mut story.life {
        step.node = text.into();
        step.what = text.into();
    }
    for row in &mut story.counterfactuals.rows {
        row.label = text.into();
    }
    for mend in &mut story.mends {
        mend.label = text.into();
    }
    story
}

#[test]
fn a_fault_on_a_life_line_has_a_sign_and_not_only_a_colour() {
    let page = html::render(&support::report());
    let mut rows = page
        .lines()
        .filter(|line| line.contains("class=\"struck\""));
    assert_eq!(rows.clone().count(), 1);
    assert!(rows.all(|row| row.contains("aria-label=\"fault\"")));
    let alone = explanation::markdown(&support::explained::explained());
    let struck: Vec<&str> = alone.lines().filter(|line| line.starts_with('!')).collect();
    assert!(
        matches!(struck[..], [line] if line.contains("begins")),
        "{alone}"
    );
}

/// Every element that opens closes, in order; text has no stray angle bracket.
fn assert_balanced(page: &str) {
    const VOID: [&str; 5] = ["meta", "link", "br", "input", "!doctype"];
    let body = &page[..page.find("<script type=").expect("an island")];
    let style = (
        body.find("<style>").expect("styles"),
        body.find("</style>").expect("styles"),
    );
    let body = format!(
        "{}{}",
        &body[..style.0],
        &body[style.1 + "</style>".len()..]
    );
    let mut open = Vec::new();
    for piece in body.split('<').skip(1) {
        let (tag, _) = piece
            .split_once('>')
            .unwrap_or_else(|| panic!("no end: <{piece}"));
        let name = tag
            .split([' ', '\n', '/'])
            .find(|word| !word.is_empty())
            .unwrap_or_default();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closes another element");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    assert_eq!(open, ["html", "body"], "left open before the island");
}

#[test]
fn pages_are_well_formed_with_and_without_content() {
    for report in [support::report(), support::passing(), empty()] {
        assert_balanced(&html::render(&report));
    }
}

/// A run that never came back, and why; its client sent five requests again. Another came back.
fn stuck() -> Report {
    let slo = Slo {
        expression: "recovery <= 10s".into(),
        phase: SamplePhase::All,
        series: "recovery".into(),
        quantile: None,
        of_delivered: false,
        threshold: Threshold::at_most(Value::Micros(10_000_000)),
        allow: 0,
    };
    let mut collector = Collector::new("end-to-end");
    for (index, recovery) in [Value::Micros(1_000_000), Value::Never]
        .into_iter()
        .enumerate()
    {
        let mut run = RunOutcome::new(index as u64, index as u64 + 1);
        run.virtual_duration = Micros::from_secs(60);
        let mut judged = slo.judge_value(Some(recovery), 1, 2);
        if recovery == Value::Never {
            judged.cause = "metastable: 3 of 100 events".into();
        }
        run.slos.push(judged);
        let flow = Flow {
            retries: 5,
            ..Flow::default()
        };
        run.flow.insert("source.orders".into(), flow);
        run.faults = vec![
            FaultMet {
                fault: "slow broker".into(),
                detected: Some(("retried".into(), 500_000)),
                drained: recovery,
            },
            FaultMet {
                fault: "loss".into(),
                detected: None,
                drained: Value::Micros(0),
            },
        ];
        run.totals.owed = 500;
        run.totals.late = 3;
        collector.add(run);
    }
    collector.finish(
        Identity::default(),
        Vec::new(),
        String::new(),
        Default::default(),
    )
}

#[test]
fn the_cause_of_the_worst_seed_and_what_clients_did_stand_in_console_and_page() {
    let report = stuck();
    let page = html::render(&report);
    assert_balanced(&page);
    assert!(page.contains("<dt>Cause</dt><dd>metastable: 3 of 100 events</dd>"));
    assert!(page.contains("<th scope=\"row\">source.orders</th><td class=\"num\">10</td>"));
    let console = text::render(&Summary::of(&report), text::Ink::Plain);
    assert!(
        console.contains("      cause:   metastable: 3 of 100 events\n"),
        "{console}"
    );
    assert!(
        console.contains("flow source.orders: 10 retries\n"),
        "{console}"
    );
}

#[test]
fn how_soon_faults_were_noticed_and_drained_stands_beside_every_recovery() {
    let report = stuck();
    let summary = Summary::of(&report);
    let [loss, slow] = &summary.faults[..] else {
        panic!("two faults: {:?}", summary.faults);
    };
    assert_eq!((loss.noticed, loss.count, loss.detect_max), (0, 2, None));
    // Buckets are a thousandth wide.
    assert!(matches!(
        slow.drain_p50,
        Some(Value::Micros(1_000_000..=1_001_000))
    ));
    assert_eq!(slow.drain_max, Some(Value::Never));
    let console = text::render(&summary, text::Ink::Plain);
    let line = "fault slow broker: detect p50 500 ms, detect max 500 ms, drain p50 1 s, drain max never; \
                noticed 2 of 2: retried 2\n";
    assert!(console.contains(line), "{console}");
    let page = html::render(&report);
    assert_balanced(&page);
    assert!(page.contains("<th scope=\"row\">slow broker</th><td>2 of 2</td><td>retried 2</td>"));
    assert!(markdown::render(&summary).contains("| loss | 0 of 2 | – | – | – |"));
}

#[test]
fn what_came_too_late_is_told_wherever_figures_are_and_only_if_there_is_any() {
    let report = stuck();
    let summary = Summary::of(&report);
    let sentence = "6 of 1,000 owed events came too late for all their windows";
    let console = text::render(&summary, text::Ink::Plain);
    assert!(
        console.contains(&format!("late: {sentence}\n")),
        "{console}"
    );
    let page = html::render(&report);
    assert!(page.contains("too late for their windows") && page.contains("of 1,000 owed events"));
    assert!(markdown::render(&summary).contains(&format!("\n{sentence}.\n")));
    assert_eq!(summary.totals.late, 6);
    let none = Summary::of(&empty());
    assert!(!text::render(&none, text::Ink::Plain).contains("too late"));
}

#[test]
fn a_report_of_nothing_says_that_nothing_was_tested() {
    let report = empty();
    let page = html::render(&report);
    assert!(page.contains(">UNKNOWN</div>") && page.contains("no seed was run"));
    let console = text::render(&Summary::of(&report), text::Ink::Plain);
    assert!(
        console.ends_with("run: UNKNOWN (coverage)   exit 4\n"),
        "{console}"
    );
}

#[test]
fn a_report_with_endless_lists_stays_below_a_megabyte_and_says_what_it_cut() {
    let mut report = support::report();
    let mut group = report.failures[0].clone();
    let story = group.explained.as_mut().unwrap();
    story.life = vec![story.life[0].clone(); 500];
    story.schedule = vec!["a fault ".repeat(20); 300];
    story.counterfactuals.rows = vec![story.counterfactuals.rows[4].clone(); 300];
    let row = report.seeds[0].clone();
    for index in 0..2_000_u64 {
        let mut more = group.clone();
        more.signature = format!("signature {index}");
        if index >= 4 {
            // No more than five are explained.
            (more.explained, more.same_as) = (None, Some("signature 0".into()));
        }
        more.witness = vec!["a line of a long witness ".repeat(8); 200];
        report.failures.push(more);
        report
            .notes
            .insert(format!("note {index} {}", "and so on ".repeat(200)));
        report.seeds.push(stormglass_reports::model::SeedRow {
            index: 100 + index,
            ..row.clone()
        });
        let key = format!("setting.{index}");
        report
            .configuration
            .push(Setting::new(key, "1", SettingSource::Default));
    }
    let run = report.shown.as_mut().unwrap();
    run.faults = vec![run.faults[0].clone(); 1_000];
    let page = html::render(&report);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    for told in [
        "Showing 20 of 2002 signatures",
        "Showing 50 of 2064 seeds",
        "showing 40 of 200",
        "Showing 40 of 500 lines",
        "showing 10 of 300 lines",
        "300 more changes that were tried; showing 20",
    ] {
        assert!(page.contains(told), "{told}");
    }
}

/// Relative luminance of `#rgb` or `#rrggbb`, by WCAG 2.
fn luminance(colour: &str) -> f64 {
    let digits: Vec<_> = colour.trim_start_matches('#').chars().collect();
    let width = digits.len() / 3;
    let channel = |index: usize| {
        let text: String = digits[index * width..(index + 1) * width].iter().collect();
        let text = if width == 1 { text.repeat(2) } else { text };
        let share = f64::from(u8::from_str_radix(&text, 16).expect("hexadecimal")) / 255.0;
        if share <= 0.040_45 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

#[test]
fn text_and_lines_meet_wcag_contrast_in_light_and_dark() {
    let style = include_str!("../../src/html/style.css");
    let themes: Vec<_> = style
        .match_indices(":root{")
        .take(2)
        .map(|(at, _)| at)
        .collect();
    for start in themes {
        let block = &style[start..start + style[start..].find('}').unwrap()];
        let value = |name: &str| {
            let key = format!("--{name}:");
            let at = block.find(&key).unwrap_or_else(|| panic!("{name}")) + key.len();
            block[at..].split([';', '}']).next().unwrap().trim()
        };
        let ratio = |front: &str, back: &str| {
            let (one, other) = (luminance(value(front)), luminance(value(back)));
            (one.max(other) + 0.05) / (one.min(other) + 0.05)
        };
        let text = [
            ("text", "bg"),
            ("text", "card"),
            ("text", "soft"),
            ("muted", "bg"),
            ("muted", "card"),
            ("muted", "soft"),
            ("accent", "card"),
            ("accent", "bg"),
            ("pass", "pass-bg"),
            ("fail", "fail-bg"),
            ("unknown", "unknown-bg"),
            ("na", "na-bg"),
            ("fail", "card"),
            ("limit", "card"),
            ("fault-text", "card"),
        ];
        for (front, back) in text {
            assert!(
                ratio(front, back) >= 4.5,
                "{front} on {back}: {}",
                ratio(front, back)
            );
        }
        for line in ["s0", "s1", "s2", "s3", "s4", "limit", "fault", "axis"] {
            assert!(
                ratio(line, "card") >= 3.0,
                "{line}: {}",
                ratio(line, "card")
            );
        }
    }
}
