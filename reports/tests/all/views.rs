//! The views of a failing run name the same moments by the same numbers, and the page's own figures are the file's.

use crate::support;
use std::collections::BTreeMap;
use stormglass_reports::model::value::Value;
use stormglass_reports::{Summary, artefacts, html, json};

fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let marker = format!("{name}=\"");
    let found = page.match_indices(&marker).map(|(at, _)| {
        let rest = &page[at + marker.len()..];
        &rest[..rest.find('"').expect("an attribute ends")]
    });
    found.collect()
}

fn part<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let start = page.find(from).unwrap_or_else(|| panic!("{from}"));
    &page[start..start + page[start..].find(to).unwrap_or_else(|| panic!("{to}"))]
}

#[test]
fn every_view_of_a_failing_run_names_moments_by_their_place() {
    let report = support::report();
    let page = html::render(&report);
    let story = support::recorded::story();
    let section = part(&page, "<section id=\"story\">", "</section>");
    // The diagram: a dot a moment and a stroke a message, in their order.
    assert_eq!(section.matches("class=\"m\"").count(), story.moments.len());
    assert_eq!(
        section.matches("class=\"a\"").count(),
        story.messages().count()
    );
    assert!(story.messages().all(|(cause, at)| cause < at));
    // The list: a row a moment.
    let list = part(section, "<table id=\"moments-table\">", "</table>");
    let wanted: Vec<String> = (0..story.moments.len()).map(|at| at.to_string()).collect();
    assert_eq!(attributes(list, "data-m"), wanted);
    // The life: those of the followed event.
    let life = part(section, "<table id=\"life-table\">", "</table>");
    let followed = (0..story.moments.len()).filter(|at| story.moments[*at].followed);
    let followed: Vec<String> = followed.map(|at| at.to_string()).collect();
    assert_eq!(attributes(life, "data-m"), followed);
    // The log: a cell may have been made by several.
    let log = part(section, "<table id=\"order-table\">", "</table>");
    assert_eq!(attributes(log, "data-m"), ["", "5", "", "7", "9 12"]);
    assert!(
        log.contains("0:20417 × 2") && log.matches('↶').count() == 1,
        "{log}"
    );
    for (at, moment) in story.moments.iter().enumerate() {
        if let Some(cause) = moment.cause {
            assert!(
                section.contains(&format!("<a href=\"#m{cause}\">{cause}</a>")),
                "{at}"
            );
            assert!(section.contains(&format!("<tr id=\"m{cause}\"")));
        }
    }
    assert!(section.contains("Showing 13 of 80,412"));
}

#[test]
fn a_run_without_a_story_has_no_views_and_no_dead_link_to_them() {
    let mut report = support::report();
    report.shown.as_mut().expect("a run is shown").story = None;
    let page = html::render(&report);
    assert!(!page.contains("id=\"story\"") && !page.contains("href=\"#story\""));
    assert!(html::render(&support::report()).contains("href=\"#story\""));
}

#[test]
fn ranges_and_the_spread_over_seeds_stand_alike_in_page_and_file() {
    let report = support::report();
    let files: BTreeMap<&str, String> = artefacts(&report).into_iter().collect();
    let summary: Summary = serde_json::from_str(&files["summary.json"]).expect("it is a summary");
    assert_eq!(summary.ranges.len(), 4, "{:?}", summary.ranges);
    let all: u64 = summary.ranges.iter().map(|range| range.count).sum();
    let headline = summary
        .latencies
        .iter()
        .find(|row| row.series == "end-to-end" && row.phase.to_string() == "all")
        .expect("the headline");
    assert_eq!(all, headline.owed, "every owed event lies in one range");
    let never = summary.ranges.last().expect("a last one");
    assert_eq!(never.count, headline.owed - headline.delivered);
    let table = part(
        &files["report.html"],
        "<table id=\"ranges-table\">",
        "</table>",
    );
    for range in &summary.ranges {
        let row = format!(
            "</i>{}</th><td class=\"num\">{}</td><td class=\"num\">{}</td>",
            range.name(),
            Value::Count(range.count),
            Value::Ppm(range.share_ppm)
        );
        assert!(table.contains(&row), "{row} in {table}");
    }
    let spread = summary.spread.expect("there are seeds");
    let quartiles = [
        spread.least,
        spread.quarter,
        spread.half,
        spread.three_quarters,
        spread.most,
    ];
    assert!(
        quartiles.is_sorted_by(|a, b| a.compare(*b).is_le()),
        "{quartiles:?}"
    );
    assert_eq!(spread.worst[0].p99, spread.most);
    assert_eq!(spread.worst.len(), 10);
    for row in &spread.worst {
        assert!(files["report.html"].contains(&format!("<tr id=\"seed-{}\">", row.seed)));
        let known = report.seeds.iter().find(|seed| seed.seed == row.seed);
        assert_eq!(known.and_then(|seed| seed.headline_p99), Some(row.p99));
    }
}

#[test]
fn the_page_holds_the_buckets_of_every_distribution_of_the_headline() {
    let report = support::report();
    let summary = Summary::of(&report);
    let read: Summary = serde_json::from_str(&json::render(&summary)).expect("it is a summary");
    assert_eq!(read.distributions.len(), read.buckets.0.len());
    assert!(
        read.distributions
            .iter()
            .any(|row| row.series == "end-to-end-from-send")
    );
    for (row, buckets) in read.distributions.iter().zip(&read.buckets.0) {
        let data = report
            .histograms
            .get(&row.series, &row.phase)
            .expect("it is of the report");
        assert_eq!(*buckets, data.buckets().collect::<Vec<_>>());
        assert_eq!(row.never, data.never_count());
    }
}

#[test]
fn a_chart_with_several_lines_has_a_button_for_each_and_its_line_a_class() {
    let page = html::render(&support::report());
    for figure in page.split("<figure").skip(1) {
        let figure = figure.split("</figure>").next().unwrap_or_default();
        for series in attributes(figure, "data-series") {
            assert!(
                figure.contains(&format!("class=\"{series}\"")),
                "{series} in {figure}"
            );
        }
    }
    assert!(page.matches("data-series=").count() > 20);
    assert!(page.contains("all, from the send"));
}
