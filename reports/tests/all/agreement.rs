//! Every rendering shows the figures of the same summary.

use crate::support;
use serde_json::Value as Json;
use stormglass_reports::model::SamplePhase;
use stormglass_reports::model::explained::Explained;
use stormglass_reports::model::value::Value;
use stormglass_reports::{ExitClass, Summary, explanation, json, junit, markdown, text};
use text::Ink;

fn summary() -> Summary {
    Summary::of(&support::report())
}

#[test]
fn the_json_file_reads_back_as_the_summary() {
    let summary = summary();
    let read: Summary = serde_json::from_str(&json::render(&summary)).unwrap();
    assert_eq!(read, summary);
    assert_eq!(read.schema, "stormglass.summary/1");
}

#[test]
fn the_model_reads_back_and_renders_the_same_bytes() {
    let report = support::report();
    let stored = serde_json::to_string(&report).unwrap();
    let read: stormglass_reports::Report = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, report);
    assert_eq!(
        json::render(&Summary::of(&read)),
        json::render(&Summary::of(&report))
    );
}

#[test]
fn console_and_markdown_show_every_slo_and_check_figure_of_the_json() {
    let summary = summary();
    let file: Json = serde_json::from_str(&json::render(&summary)).unwrap();
    assert_eq!(
        file["checks"].as_array().unwrap().len(),
        summary.checks.len()
    );
    for page in [
        text::render(&summary, Ink::Plain),
        markdown::render(&summary),
    ] {
        let plain = page
            .replace('\\', "")
            .replace("&lt;", "<")
            .replace("&gt;", ">");
        for check in summary.checks.iter().filter(|check| check.exercised > 0) {
            if plain.contains("FAIL  ") && check.answers.fail > 0 {
                continue;
            }
            assert!(
                plain.contains(&check.observed),
                "{} in\n{plain}",
                check.observed
            );
        }
        for slo in &summary.slos {
            let worst = slo.worst.as_ref().unwrap().value.to_string();
            assert!(
                plain.contains(&slo.threshold.to_string()),
                "{}",
                slo.threshold
            );
            assert!(
                plain.contains(&format!("worst seed {worst}")),
                "{worst} in\n{plain}"
            );
            assert!(plain.contains(&Summary::delivered_text(slo.delivered, slo.owed)));
        }
        for group in &summary.failures {
            assert!(plain.contains(&group.replay), "{}", group.replay);
            assert!(
                plain.contains(&group.share.sentence()),
                "{}",
                group.share.sentence()
            );
        }
        assert!(plain.contains(&summary.fingerprint));
        assert!(plain.contains("uncalibrated"));
    }
}

#[test]
fn a_failure_takes_at_most_eight_lines_of_the_console_and_names_its_replay() {
    let console = text::render(&summary(), Ink::Plain);
    let mut lengths = Vec::new();
    for line in console.lines() {
        if line.starts_with("FAIL") {
            lengths.push(1);
        } else if line.starts_with("      ") && !lengths.is_empty() {
            *lengths.last_mut().unwrap() += 1;
        } else {
            continue;
        }
    }
    // Headline percentiles are indented too and follow the last entry.
    assert!(
        lengths[..lengths.len() - 1]
            .iter()
            .all(|length| *length <= 8),
        "{lengths:?}"
    );
    assert!(
        !console.contains('\u{1b}'),
        "no escape codes without a terminal"
    );
    assert!(text::render(&summary(), Ink::Ansi).contains("\u{1b}[1;31mFAIL\u{1b}[0m"));
}

#[test]
fn what_explains_a_failure_stands_in_every_rendering() {
    let report = support::report();
    let summary = Summary::of(&report);
    let group = &summary.failures[0];
    let told = group.explained.as_ref().unwrap();
    let files = stormglass_reports::artefacts(&report);
    let page = &files.iter().find(|file| file.0 == "report.html").unwrap().1;
    let alone = explanation::markdown(told);
    let plain = |text: &str| {
        text.replace('\\', "")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
    };
    let pages = [
        plain(page),
        plain(&markdown::render(&summary)),
        plain(&alone),
    ];
    for page in &pages {
        assert!(page.contains(&told.cut()), "{} in\n{page}", told.cut());
        assert!(page.contains(&told.run()) && page.contains(&told.prove));
        for line in &told.schedule {
            assert!(page.contains(line), "{line} in\n{page}");
        }
        for step in &told.life {
            assert!(page.contains(&step.seconds()) && page.contains(&step.what));
        }
        let rows = told.counterfactuals.rows.iter();
        for row in rows.filter(|row| row.meaning.is_telling()) {
            let (rate, words) = (row.rate.to_string(), row.meaning.words());
            assert!(page.contains(&row.label), "{} in\n{page}", row.label);
            assert!(page.contains(&rate) && page.contains(words), "{words}");
        }
        for mend in &told.mends {
            assert!(page.contains(&mend.label) && page.contains(&mend.verdict()));
        }
    }
    let console = text::render(&summary, Ink::Plain);
    for wanted in [
        &told.cut(),
        &told.run(),
        &told.prove,
        &told.mends[0].label,
        &group.replay,
        "it fails 43/50, and 0/50 without 'leader-dies'",
    ] {
        assert!(console.contains(wanted), "{wanted} in\n{console}");
    }
    let read: Explained = serde_json::from_str(&explanation::json(told)).unwrap();
    assert_eq!(read, *told);
    let file: Json = serde_json::from_str(&json::render(&summary)).unwrap();
    let file = &file["failures"][0]["explained"];
    assert_eq!(file, &serde_json::to_value(told).unwrap());
    assert_eq!(file["counterfactuals"]["rows"][0]["rate"]["fails"], 0);
}

#[test]
fn failures_with_one_schedule_are_told_once() {
    let mut report = support::report();
    let first = report.failures[0].signature.clone();
    report.failures[1].same_as = Some(first.clone());
    let summary = Summary::of(&report);
    let console = text::render(&summary, Ink::Plain);
    assert!(
        console.contains(&format!("shrunk:  to the schedule of {first}")),
        "{console}"
    );
    let page = markdown::render(&summary).replace('\\', "");
    assert!(
        page.contains(&format!("to the schedule of {first}")),
        "{page}"
    );
    let page = stormglass_reports::html::render(&report);
    assert!(page.contains("<a href=\"#failure-0\">") && page.contains("id=\"failure-0\""));
}

#[test]
fn a_scenario_cannot_steer_the_terminal() {
    let mut report = support::report();
    report.identity.scenario = "\u{1b}]0;owned\u{7}\u{1b}[2J".into();
    let console = text::render(&Summary::of(&report), Ink::Plain);
    assert!(
        !console.contains('\u{1b}') && !console.contains('\u{7}'),
        "{console:?}"
    );
}

#[test]
fn junit_has_a_case_for_each_check_and_slo_and_fails_the_same_ones() {
    let summary = summary();
    let xml = junit::render(&summary);
    let failing = summary
        .checks
        .iter()
        .filter(|check| check.answers.fail > 0)
        .count()
        + summary
            .slos
            .iter()
            .filter(|slo| slo.answers.fail > slo.allow)
            .count();
    let cases = summary.checks.len() + summary.slos.len() + 1;
    assert_eq!(xml.matches("<testcase ").count(), cases);
    assert_eq!(xml.matches("<failure ").count(), failing);
    assert!(xml.contains(&format!("tests=\"{cases}\"")));
    assert!(xml.contains(&format!("failures=\"{failing}\"")));
    assert!(
        xml.contains("time=\"6080.000\""),
        "64 runs of 95 virtual seconds"
    );
    assert!(!xml.contains("timestamp="));
    let outer = xml
        .lines()
        .find(|line| line.starts_with("<testsuites "))
        .unwrap();
    let inner = xml
        .lines()
        .find(|line| line.trim_start().starts_with("<testsuite "))
        .unwrap();
    assert!(
        !outer.contains("skipped=") && inner.contains("skipped=\"1\""),
        "{outer}\n{inner}"
    );
    assert_eq!(
        xml.matches("<properties>").count(),
        1,
        "cases have none in Jenkins' schema"
    );
    for group in &summary.failures {
        assert!(xml.contains(&group.replay));
    }
    assert!(!xml.contains("<script>"));
}

#[test]
fn an_event_that_never_arrives_is_in_the_percentile() {
    let summary = summary();
    let slo = summary
        .slos
        .iter()
        .find(|slo| slo.phase == SamplePhase::DuringFaults)
        .unwrap();
    assert_eq!(slo.worst.as_ref().unwrap().value, Value::Never);
    let row = summary
        .latencies
        .iter()
        .find(|row| row.series == "end-to-end" && row.phase == SamplePhase::All)
        .unwrap();
    assert_eq!(row.max, Some(Value::Never));
    assert!(row.delivered < row.owed);
    let never = serde_json::to_value(row.max).unwrap();
    assert_eq!(never, Json::from("never"));
    let console = text::render(&summary, Ink::Plain);
    let line = console
        .lines()
        .find(|line| line.starts_with("end-to-end all"))
        .unwrap();
    assert!(line.contains("     never   153,600 / 153,642"), "{line}");
}

#[test]
fn the_interval_of_a_pooled_percentile_stands_in_every_format() {
    let summary = summary();
    let slo = summary
        .slos
        .iter()
        .find(|slo| slo.phase == SamplePhase::Steady)
        .unwrap();
    assert!(slo.interval.is_some(), "the sample has more than 20 seeds");
    let shown = slo.pooled_text().unwrap();
    assert!(shown.contains("(95 %: "), "{shown}");
    assert!(text::render(&summary, Ink::Plain).contains(&format!("pooled {shown}")));
    assert!(markdown::render(&summary).contains(&format!("pooled {shown}")));
    let files = stormglass_reports::artefacts(&support::report());
    let page = &files.iter().find(|file| file.0 == "report.html").unwrap().1;
    assert!(page.contains(&format!("pooled {shown}")));
    let json: Json = serde_json::from_str(&json::render(&summary)).unwrap();
    let mut rows = json["slos"].as_array().unwrap().iter();
    assert!(rows.any(|slo| slo["interval"]["low"] != Json::Null));
}

#[test]
fn the_sample_fails_for_correctness_before_anything_else() {
    let summary = summary();
    assert_eq!(summary.exit.code, ExitClass::Correctness.code());
    assert_eq!(summary.exit.also, ["slo", "coverage", "inconclusive"]);
    assert!(
        summary
            .not_covered
            .iter()
            .any(|line| line.contains("rebalance_during_commit"))
    );
}

#[test]
fn markdown_stays_within_what_hosts_show() {
    let mut report = support::report();
    let group = report.failures[0].clone();
    for index in 0..500 {
        let mut more = group.clone();
        more.signature = format!("{index}");
        more.witness = vec!["long line ".repeat(400); 60];
        report.failures.push(more);
    }
    let page = markdown::render(&Summary::of(&report));
    assert!(page.len() <= markdown::BYTES_MAX, "{}", page.len());
}

#[test]
fn the_documented_exit_codes_are_the_real_ones() {
    use ExitClass::{
        Correctness, Coverage, Inconclusive, Internal, Nondeterminism, Regression, Slo, Success,
        Usage,
    };
    let page = include_str!("../../../docs/reports.md");
    let all = [
        Success,
        Correctness,
        Usage,
        Slo,
        Coverage,
        Inconclusive,
        Regression,
        Nondeterminism,
        Internal,
    ];
    for class in all {
        let row = format!("| {} | {} |", class.code(), class.word());
        assert!(page.contains(&row), "{row}");
    }
    assert!(page.contains(stormglass_reports::summary::SCHEMA));
}
