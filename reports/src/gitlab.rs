//! `codequality.json`: GitLab's code quality report, which merge requests show beside the changed lines.

use crate::findings::{self, Level};
use crate::summary::Summary;
use serde_json::{Value, json};

/// The file, indented and ending in a newline.
#[must_use]
pub fn render(summary: &Summary) -> String {
    let findings = findings::of(summary);
    let entries: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let severity = match finding.level {
                Level::Error => "critical",
                Level::Warning => "minor",
                Level::Note => "info",
            };
            let first = finding.message.lines().next().unwrap_or_default();
            json!({
                "description": format!("{}: {first}", finding.title),
                "check_name": finding.rule,
                "fingerprint": finding.fingerprint(summary),
                "severity": severity,
                "location": {
                    "path": summary.identity.file,
                    "lines": { "begin": finding.line },
                },
            })
        })
        .collect();
    let mut text = serde_json::to_string_pretty(&entries).expect("text keys and no failing writer");
    text.push('\n');
    text
}
