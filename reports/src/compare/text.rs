//! A comparison on the console.

use super::html::columns;
use super::metric::LATENCY;
use super::model::{Comparison, SideSummary};
use super::sweep::Sweep;
use super::words::{alone, broken, cells, kept, legend, priced};
use crate::model::value::Value;
use crate::text::aligned;
use std::collections::BTreeSet;

/// So many configurations stand side by side in columns; of more, each has a line, and differences are on the page.
const COLUMNS: usize = 5;

/// The text, ending in a newline.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let few = comparison.sides.len() <= COLUMNS;
    let about = &comparison.about;
    let mut lines = vec![
        format!(
            "{} over {} seeds",
            about.title,
            Value::Count(comparison.seeds)
        ),
        String::new(),
    ];
    lines.extend(overview(comparison));
    if let Some(sweep) = &comparison.sweep {
        lines.extend(swept(comparison, sweep));
    }
    if few {
        lines.extend(holds(comparison));
        for side in 1..comparison.sides.len() {
            lines.extend(differences(comparison, side));
        }
        lines.extend(settings(comparison));
    } else {
        lines.push(String::new());
        lines.push(
            "what differs from the first, and in which settings, is in compare.html".to_owned(),
        );
    }
    lines.push(String::new());
    lines.push(legend(comparison));
    lines.extend(about.prices.as_ref().map(priced));
    lines.extend(about.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n") + "\n"
}

/// Guarantee, latency and cost: a line a configuration.
fn overview(comparison: &Comparison) -> Vec<String> {
    let columns = columns(comparison);
    let heads = columns.iter().map(|name| (*name).to_owned());
    let heads = ["".to_owned(), "broke a promise in".to_owned()]
        .into_iter()
        .chain(heads);
    let mut table: Vec<Vec<String>> = vec![heads.collect()];
    for side in &comparison.sides {
        let star = if side.is_undominated { "* " } else { "  " };
        let cell = |metric: &&str| side.figure(metric).map_or("–".to_owned(), alone);
        let head = [format!("{star}{}", side.name), broken(side)];
        table.push(head.into_iter().chain(columns.iter().map(cell)).collect());
    }
    let mut lines = aligned(&table);
    lines.push("  * none is better in p99, promises and cost together".to_owned());
    lines
}

/// p99 by the swept settings, where there are two: rows and columns as in the map of the page.
fn swept(comparison: &Comparison, sweep: &Sweep) -> Vec<String> {
    let [across, down] = &sweep.axes[..] else {
        return Vec::new();
    };
    let title = format!(
        "{LATENCY} by {} (across) and {} (down)",
        across.setting, down.setting
    );
    let heads = across.values.iter().map(|value| value.text.clone());
    let mut table: Vec<Vec<String>> = vec![[String::new()].into_iter().chain(heads).collect()];
    for (y, value) in down.values.iter().enumerate() {
        let cell = |x: usize| {
            let side = sweep.side_at(&[x, y]).map(|side| &comparison.sides[side]);
            let figure = side.and_then(|side: &SideSummary| side.figure(LATENCY));
            figure.map_or("–".to_owned(), alone)
        };
        let cells = (0..across.values.len()).map(cell);
        table.push([value.text.clone()].into_iter().chain(cells).collect());
    }
    [String::new(), title]
        .into_iter()
        .chain(aligned(&table))
        .collect()
}

fn holds(comparison: &Comparison) -> Vec<String> {
    let mut table = vec![[vec![String::new()], names(comparison)].concat()];
    let failing = comparison.sides.iter().map(|side| side.failing.sentence());
    table.push([vec!["seeds failing".to_owned()], failing.collect()].concat());
    let checks: BTreeSet<&String> = comparison
        .sides
        .iter()
        .flat_map(|side| side.checks.keys())
        .collect();
    for check in checks {
        let cells = comparison
            .sides
            .iter()
            .map(|side| side.checks.get(check).map_or("–".to_owned(), kept));
        table.push([vec![check.clone()], cells.collect()].concat());
    }
    titled("what holds", &table)
}

fn differences(comparison: &Comparison, side: usize) -> Vec<String> {
    let (base, other) = (&comparison.sides[0].name, &comparison.sides[side].name);
    let head = ["", base, other, "change", "interval", "", "pairing"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    for row in comparison.rows.iter().filter(|row| row.side == side) {
        table.push([vec![row.metric.to_owned()], cells(row).to_vec()].concat());
    }
    titled(&format!("{other} against {base}"), &table)
}

fn settings(comparison: &Comparison) -> Vec<String> {
    let mut table = vec![[vec![String::new()], names(comparison)].concat()];
    for setting in &comparison.settings {
        let values = setting.values.iter();
        let values = values.map(|value| value.clone().unwrap_or_else(|| "–".to_owned()));
        table.push([vec![setting.key.clone()], values.collect()].concat());
    }
    titled("what differs", &table)
}

fn titled(title: &str, table: &[Vec<String>]) -> Vec<String> {
    let head = [String::new(), title.to_owned()];
    head.into_iter().chain(aligned(table)).collect()
}

fn names(comparison: &Comparison) -> Vec<String> {
    comparison
        .sides
        .iter()
        .map(|side| side.name.clone())
        .collect()
}
