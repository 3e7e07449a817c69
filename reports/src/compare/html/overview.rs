//! The first tables of the page: guarantee, latency and cost of every configuration side by side, and what holds.

use super::{heads, row};
use crate::compare::metric::LATENCY;
use crate::compare::words::{alone, broken, kept};
use crate::compare::{Comparison, SideSummary};
use crate::html::words::{escape, section, table};
use crate::model::outcome::Answer;
use std::collections::BTreeSet;

/// Metrics that stand beside the guarantee, where a comparison has them.
pub const COLUMNS: [&str; 8] = [
    "end-to-end p50",
    LATENCY,
    "goodput",
    "longest recovery",
    "network bytes an event",
    "disk syncs an event",
    "nodes",
    crate::compare::metric::MILLION,
];

/// The columns of [`COLUMNS`] that the comparison has.
pub fn columns(comparison: &Comparison) -> Vec<&'static str> {
    let has = |metric: &&str| {
        comparison
            .sides
            .iter()
            .any(|side| side.figure(metric).is_some())
    };
    COLUMNS.into_iter().filter(has).collect()
}

/// One line a configuration.
pub fn overview(comparison: &Comparison) -> String {
    let columns = columns(comparison);
    let rows = comparison.sides.iter().map(|side| line(side, &columns));
    let names = columns.iter().map(|name| format!("#{name}"));
    let names: Vec<String> = ["configuration".to_owned(), "promises".to_owned()]
        .into_iter()
        .chain(names)
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let body = format!(
        "<p class=\"muted\">Means over seeds. Bold names are those that no other beats in p99, promises and \
         cost together.</p>\n{}",
        table("overview", &names, &rows.collect::<String>())
    );
    section("overview", "Guarantee, latency and cost", &body)
}

fn line(side: &SideSummary, columns: &[&str]) -> String {
    // Where no check had anything to say, nothing was kept.
    let is_judged = side.checks.values().any(|kept| kept.pass > 0);
    let answer = match side.broken.count {
        0 if is_judged => Answer::Pass,
        0 => Answer::NotApplicable,
        _ => Answer::Fail,
    };
    let cells = columns.iter().map(|metric| {
        let text = side.figure(metric).map_or("–".to_owned(), alone);
        format!("<td class=\"num\">{}</td>", escape(&text))
    });
    let name = escape(&side.name);
    let (name, class) = if side.is_undominated {
        (format!("<b>{name}</b>"), "")
    } else {
        (name, " class=\"plain-name\"")
    };
    format!(
        "<tr><th scope=\"row\"{class}>{name}</th><td>{} <span class=\"small\">{}</span></td>{}</tr>\n",
        crate::html::words::tag(answer),
        escape(&broken(side)),
        cells.collect::<String>()
    )
}

/// Check by check, in how many seeds it failed.
pub fn holds(comparison: &Comparison) -> String {
    let sides = &comparison.sides;
    let mut rows = row(
        "seeds failing",
        sides.iter().map(|side| side.failing.sentence()),
    );
    let checks: BTreeSet<&String> = sides.iter().flat_map(|side| side.checks.keys()).collect();
    for check in checks {
        let cell = |side: &SideSummary| side.checks.get(check).map_or("–".to_owned(), kept);
        rows.push_str(&row(check, sides.iter().map(cell)));
    }
    let heads = heads(comparison, "check");
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    section("holds", "What holds", &table("holds", &heads, &rows))
}
