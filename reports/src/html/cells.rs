//! The matrix of points and kinds of faults.

use super::words::{escape, section, table};
use crate::model::value::Value;
use crate::summary::{CoverageSummary, Summary};

/// Rows that the page shows: the rest is in `summary.json`.
const ROWS: usize = 200;

/// Which points were passed under which faults, and in how many seeds.
pub fn matrix(summary: &Summary) -> String {
    let Some(coverage) = &summary.coverage else {
        return String::new();
    };
    let heads: Vec<String> = coverage
        .kinds
        .iter()
        .map(|kind| format!("#{}", escape(kind)))
        .collect();
    let mut columns = vec!["Point", "Passed by"];
    columns.extend(heads.iter().map(String::as_str));
    let lead = format!(
        "<p class=\"muted\">{}. A number is the seeds in which a node of the part passed the point while a \
         fault of the kind was active anywhere; bold where such a fault struck a node that passed.</p>\n",
        coverage.sentence()
    );
    let all = coverage.rows.len();
    let rest = if all > ROWS {
        format!("<p>Showing {ROWS} of {all}.</p>\n")
    } else {
        String::new()
    };
    let table = table("cells", &columns, &rows(coverage));
    section("cells", "Coverage", &format!("{lead}{table}{rest}"))
}

fn rows(coverage: &CoverageSummary) -> String {
    let mut text = String::new();
    for row in coverage.rows.iter().take(ROWS) {
        text.push_str(&format!(
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td>",
            escape(&row.point),
            escape(&row.part)
        ));
        for kind in &coverage.kinds {
            let runs = row.faults.get(kind).copied().unwrap_or_default();
            let count = Value::Count(runs.reached).to_string();
            let shown = match (runs.reached, runs.struck) {
                (0, _) => "–".to_owned(),
                (_, 0) => count,
                (_, _) => format!("<b>{count}</b>"),
            };
            text.push_str(&format!("<td class=\"num\">{shown}</td>"));
        }
        text.push_str("</tr>\n");
    }
    text
}
