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
mod numbers;
mod tables;
pub(crate) mod words;

use crate::chart;
use crate::json;
use crate::model::Report;
use crate::model::shown::{ShownRun, ShownWhy};
use crate::summary::Summary;
use words::{escape, figure, seconds};

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
        &charts(report, &summary),
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
        &format!(
            "<script>\n{}</script>\n</body>\n</html>\n",
            include_str!("html/script.js")
        ),
    ]
    .concat()
}

fn charts(report: &Report, summary: &Summary) -> String {
    let mut page = String::new();
    let pooled = [chart::spectrum(report), chart::distribution(report)];
    let pooled: Vec<_> = pooled
        .iter()
        .flatten()
        .map(|chart| figure(chart, summary))
        .collect();
    if !pooled.is_empty() {
        page.push_str("<section id=\"latency\">\n<h2>Latency over all seeds</h2>\n");
        page.push_str(&pooled.concat());
        page.push_str("</section>\n");
    }
    let Some(run) = &report.shown else {
        return page;
    };
    let why = match run.why {
        ShownWhy::FirstFailing => "the first failing run",
        ShownWhy::Worst => "the worst run: no run failed",
    };
    page.push_str(&format!(
        "<section id=\"time\">\n<h2>One run over virtual time</h2>\n\
         <p>Seed <b>{}</b>, {why}. Replay it with <code>{}</code></p>\n\
         <p class=\"muted\">{}</p>\n",
        run.seed,
        escape(&report.identity.replay_of(run.seed)),
        phases(run)
    ));
    let over_time = [
        chart::latency_over_time(report),
        chart::rates_over_time(run),
        chart::backlog(run),
        chart::clocks(run),
    ];
    for chart in over_time.iter().flatten() {
        page.push_str(&figure(chart, summary));
    }
    page.push_str("</section>\n");
    page
}

/// From when to when each phase lasted.
fn phases(run: &ShownRun) -> String {
    let spans = run.phases.iter().map(|span| {
        format!(
            "{} {} s to {} s",
            span.phase.name(),
            seconds(span.start.0),
            seconds(span.end.0)
        )
    });
    spans.collect::<Vec<_>>().join(" · ")
}
