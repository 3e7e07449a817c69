//! What became of the baseline's figures.

use super::words::{escape, section, table};
use crate::model::against::AgainstRow;
use crate::summary::Summary;

/// Rows of a kind shown; more would bury those that moved, which come first.
const ROWS: usize = 120;

/// A table of all figures, those that moved first; nothing where there is no baseline.
pub fn section_of(summary: &Summary) -> String {
    let Some(against) = &summary.baseline else {
        return String::new();
    };
    let lines = against.newly_failing.iter().chain(&against.remarks);
    let lines: String = lines
        .take(ROWS)
        .map(|line| format!("<li>{}</li>", escape(line)))
        .collect();
    let list = if lines.is_empty() {
        String::new()
    } else {
        format!("<ul class=\"plain\">{lines}</ul>\n")
    };
    let rows: String = against.rows.iter().take(ROWS).map(row).collect();
    let more = match against.rows.len().saturating_sub(ROWS) {
        0 => String::new(),
        _ => format!("<p>Showing {ROWS} of {} figures.</p>\n", against.rows.len()),
    };
    let columns = [
        "Figure",
        "#Baseline",
        "#Here",
        "#Change",
        "#95 % of seeds",
        "Answer",
    ];
    let lead = format!(
        "<p>{}. Differences are of the same seed then and now; intervals hold for all figures together. \
         Stages decide nothing: they say where a change comes from.</p>\n",
        escape(&against.sentence())
    );
    section(
        "baseline",
        "Against the baseline",
        &format!("{lead}{list}{}{more}", table("baseline", &columns, &rows)),
    )
}

fn row(row: &AgainstRow) -> String {
    let [before, after, change, interval, words] = row.cells().map(|cell| escape(&cell));
    let bad = if row.gates && row.moved.is_worse() {
        " class=\"bad\""
    } else {
        ""
    };
    format!(
        "<tr><th scope=\"row\">{}</th><td class=\"num\">{before}</td><td class=\"num\">{after}</td>\
         <td class=\"num\">{change}</td><td class=\"num\">{interval}</td><td{bad}>{words}</td></tr>\n",
        escape(&row.figure)
    )
}
