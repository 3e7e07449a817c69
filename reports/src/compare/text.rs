//! A comparison on the console.

use super::model::Comparison;
use super::words::{cells, kept, legend};
use crate::model::value::Value;
use crate::text::aligned;
use std::collections::BTreeSet;

/// The text, ending in a newline.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let mut lines = vec![
        format!(
            "{} over {} seeds",
            comparison.about.title,
            Value::Count(comparison.seeds)
        ),
        String::new(),
        "what holds".to_owned(),
    ];
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
    lines.extend(aligned(&table));
    for side in 1..comparison.sides.len() {
        lines.push(String::new());
        lines.push(format!(
            "{} against {}",
            comparison.sides[side].name, comparison.sides[0].name
        ));
        let head = [
            "",
            &comparison.sides[0].name,
            &comparison.sides[side].name,
            "change",
            "interval",
            "",
        ];
        let mut table = vec![head.map(str::to_owned).to_vec()];
        for row in comparison.rows.iter().filter(|row| row.side == side) {
            table.push([vec![row.metric.to_owned()], cells(row).to_vec()].concat());
        }
        lines.extend(aligned(&table));
    }
    lines.push(String::new());
    lines.push("what differs".to_owned());
    let mut table = vec![[vec![String::new()], names(comparison)].concat()];
    for setting in &comparison.settings {
        let values = setting.values.iter();
        let values = values.map(|value| value.clone().unwrap_or_else(|| "–".to_owned()));
        table.push([vec![setting.key.clone()], values.collect()].concat());
    }
    lines.extend(aligned(&table));
    lines.push(String::new());
    lines.push(legend(comparison));
    lines.extend(
        comparison
            .about
            .notes
            .iter()
            .map(|note| format!("note: {note}")),
    );
    lines.join("\n") + "\n"
}

fn names(comparison: &Comparison) -> Vec<String> {
    comparison
        .sides
        .iter()
        .map(|side| side.name.clone())
        .collect()
}
