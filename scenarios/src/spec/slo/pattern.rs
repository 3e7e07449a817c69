//! Objectives for the schema of scenario files: a regular expression of the grammar beside this file.

use super::Series;
use super::read::PHASES;
use stormglass_core::units::pattern;

/// What `parse` reads, without anchors.
///
/// *Limits*: it cannot see that a quantile is 0, that a share is above 1, that a number of
/// events is no whole one, that a metric is never measured in a phase, or that a planned fault has no such name.
pub(crate) fn pattern() -> String {
    let series: Vec<&str> = Series::ALL.iter().map(|series| series.name()).collect();
    let latency = format!(
        r"(?:p0*[0-9]{{1,2}}(?:\.[0-9]{{0,4}})?|max)\s*\(\s*(?:{})\s*\)",
        series.join("|")
    );
    // A bound is one word, so that a length of time has no space before its unit.
    let span = pattern::span().replace(r"\s*", "");
    let compare = r"\s*(?:<=|>=|<|>|=)\s*";
    let exponent = "(?:[eE][+-]?[0-9_]+)?";
    let metrics = [
        format!(r"{latency}{compare}{span}(?:\s+of delivered)?"),
        format!(r"recovery{compare}{span}"),
        format!(
            r"(?:lost|duplicates|backlog|shed|retries){compare}_*[0-9][0-9_]*(?:\.[0-9_]*)?{exponent}"
        ),
        format!(
            r"late{compare}(?:_*[0-9][0-9_]*(?:\.[0-9_]*)?{exponent}|[0-9]+(?:\.[0-9]*)?{exponent}%)"
        ),
        format!(r"goodput{compare}[0-9]+(?:\.[0-9]*)?{exponent}%?"),
    ];
    let phase = format!(r"\s+(?:{})|\s*'[^']*'", PHASES.join("|"));
    format!(r"\s*(?:{})(?:\s+during(?:{phase}))?\s*", metrics.join("|"))
}
