//! `report.html`: one file that works offline, with script off, in light, dark and print.
//!
//! Model: the answer first (verdict, gate, what broke), then key numbers, charts and tables. Every
//! figure is of the [`Summary`], which stands in the page once more as JSON.
//!
//! Limits: no external request is possible (a content security policy says so to the browser), and
//! bytes depend on the report alone. Lists are cut with a visible count.

mod answer;
mod baseline;
mod cause;
mod cells;
mod charts;
mod numbers;
mod tables;
mod views;
pub(crate) mod words;

use crate::json;
use crate::model::Report;
use crate::summary::Summary;
use words::escape;

/// Nothing is loaded from anywhere: styles and the script are in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; form-action 'none'";
/// Shared by all charts and cards: the hatch of fault bands, and the bolt before a fault.
const DEFS: &str = "<svg class=\"defs\" aria-hidden=\"true\" focusable=\"false\"><defs>\
<pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"var(--fault-bar)\" \
fill-opacity=\".32\"/><path d=\"M0 0V7\" stroke=\"var(--fault)\" stroke-width=\"1.4\" \
stroke-opacity=\".42\"/></pattern><symbol id=\"bolt\" viewBox=\"0 0 24 24\">\
<path d=\"M13 2 4 14h6l-1 8 9-12h-6z\" fill=\"currentColor\"/></symbol></defs></svg>";

/// What the page can do beyond being read, by role; it is complete without.
const SCRIPT: [&str; 5] = [
    include_str!("html/script/start.js"),
    include_str!("html/script/tables.js"),
    include_str!("html/script/latency.js"),
    include_str!("html/script/time.js"),
    include_str!("html/script/story.js"),
];

/// What every page begins with, up to its heading: the title, the styles, and the way past what stands before
/// the section `first`, called `name`.
pub(crate) fn head(title: &str, first: &str, name: &str) -> String {
    [
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
        &format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n"),
        "<meta name=\"color-scheme\" content=\"light dark\">\n",
        "<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n",
        &format!("<title>{}</title>\n", escape(title)),
        "<style>\n",
        include_str!("html/style.css"),
        "</style>\n</head>\n<body>\n",
        &format!("<a class=\"skip\" href=\"#{first}\">Skip to {name}</a>\n"),
        DEFS,
    ]
    .concat()
}

/// The page.
#[must_use]
pub fn render(report: &Report) -> String {
    let summary = Summary::of(report);
    let title = format!(
        "{}: {} · Stormglass",
        summary.verdict.word(),
        summary.title()
    );
    [
        &head(&title, "gate", "the gate"),
        &answer::header(&summary),
        "<main>\n",
        &answer::gate(&summary),
        &answer::broke(&summary),
        &baseline::section_of(&summary),
        &numbers::key_numbers(&summary),
        &charts::latency(report, &summary),
        &charts::time(report, &summary),
        &views::section_of(&summary),
        &tables::checks(&summary),
        &tables::points(&summary),
        &cells::matrix(&summary),
        &tables::faults(&summary),
        &tables::seeds(report),
        &tables::configuration(report),
        "</main>\n",
        &answer::footer(&summary),
        &format!(
            "<script type=\"application/json\" id=\"summary\">{}</script>\n",
            json::island(&summary)
        ),
        &format!("<script>\n{}</script>\n</body>\n</html>\n", SCRIPT.concat()),
    ]
    .concat()
}
