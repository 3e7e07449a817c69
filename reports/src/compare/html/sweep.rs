//! What a matrix of settings does: curves over one setting, maps and curves over two.

use crate::chart::{self, Chart, Measure, Of, Range};
use crate::compare::Comparison;
use crate::compare::metric::LATENCY;
use crate::compare::sweep::Sweep;
use crate::compare::unit::Unit;
use crate::html::words::{escape, section};
use crate::model::value::Value;

/// The section; empty if nothing is swept.
pub fn sweep(comparison: &Comparison) -> String {
    let Some(sweep) = &comparison.sweep else {
        return String::new();
    };
    let (moved, same) = measures(comparison, sweep);
    let charts = match sweep.axes.len() {
        1 => curves(comparison, sweep, &moved),
        _ => maps(comparison, sweep, &moved),
    };
    let figures = charts.iter().map(|chart| figure(chart, comparison));
    let body = format!(
        "<p class=\"muted\">{}</p>\n<div class=\"pair\">\n{}</div>\n{}",
        legend(sweep),
        figures.collect::<String>(),
        unmoved(&same, comparison)
    );
    let names = sweep.axes.iter().map(|axis| escape(axis.name()));
    let names: Vec<String> = names.collect();
    let title = match &names[..] {
        [one] => format!("What {one} does"),
        several => format!("What {} do", several.join(" and ")),
    };
    section("sweep", &title, &body)
}

fn legend(sweep: &Sweep) -> &'static str {
    match sweep.axes.len() {
        1 => {
            "Dots are means over seeds, whiskers their 95 % intervals. A ring broke a promise in some seed; ▲ \
             says in how many seeds a figure never came to an end. All latencies have the same range."
        }
        _ => {
            "Each field is a configuration: the darker, the worse. A red edge broke a promise in some seed; ▲ says \
             in how many seeds a figure never came to an end. Below, the same as curves: both of a pair have the \
             same range."
        }
    }
}

/// The measures that differ between cells by more than the margin, and those that do not.
fn measures(comparison: &Comparison, sweep: &Sweep) -> (Vec<Measure>, Vec<Measure>) {
    let margin = comparison.about.margin_ppm as f64 / 1e6;
    let moves = |measure: &Measure| {
        let cells = sweep.cells.iter();
        let cells = cells.map(|cell| measure.read(&comparison.sides[cell.side]));
        let cells: Vec<_> = cells.collect();
        let values = || cells.iter().filter_map(|measured| measured.value);
        let (least, most) = (
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        );
        let ends = cells.iter().map(|measured| measured.never);
        let (fewest, mostly) = (ends.clone().min(), ends.max());
        most - least > margin * most.abs() || fewest != mostly
    };
    Measure::all(comparison).into_iter().partition(moves)
}

/// One setting: latencies of a kind together, everything else by itself.
fn curves(comparison: &Comparison, sweep: &Sweep, moved: &[Measure]) -> Vec<Chart> {
    let of_kind = |kind: &str| -> Vec<Measure> {
        let is_of =
            |measure: &&Measure| measure.unit == Unit::Micros && measure.title.starts_with(kind);
        moved.iter().filter(is_of).copied().collect()
    };
    let kinds = ["end-to-end", "publish"].map(|kind| (kind, of_kind(kind)));
    let latencies: Vec<Measure> = kinds.iter().flat_map(|(_, of)| of.clone()).collect();
    let mut charts = Vec::new();
    if let Some(range) = Range::of(comparison, sweep, &latencies) {
        for (kind, measures) in &kinds {
            let title = format!("{kind} latency");
            charts.extend(chart::measures_over(
                comparison,
                sweep,
                (measures, &range),
                &title,
            ));
        }
    }
    let is_other = |measure: &&Measure| !latencies.iter().any(|latency| latency.of == measure.of);
    for measure in moved.iter().filter(is_other) {
        let measure = std::slice::from_ref(measure);
        if let Some(range) = Range::of(comparison, sweep, measure) {
            let title = measure[0].title;
            charts.extend(chart::measures_over(
                comparison,
                sweep,
                (measure, &range),
                title,
            ));
        }
    }
    charts
}

/// Two settings: a map of every measure, and curves of those that decide.
fn maps(comparison: &Comparison, sweep: &Sweep, moved: &[Measure]) -> Vec<Chart> {
    let maps = moved
        .iter()
        .filter_map(|measure| chart::map(comparison, sweep, measure));
    let deciding = [
        Of::Metric(LATENCY),
        Of::Broken,
        Of::Metric(comparison.cost_metric()),
    ];
    let deciding = deciding
        .into_iter()
        .filter_map(|of| moved.iter().find(|measure| measure.of == of));
    let curves = deciding.flat_map(|measure| {
        [0, 1]
            .into_iter()
            .filter_map(|along| chart::measure_along(comparison, sweep, measure, along))
    });
    maps.chain(curves).collect()
}

fn figure(chart: &Chart, comparison: &Comparison) -> String {
    let stamp = if chart.is_latency {
        format!("<b>({})</b>", escape(&comparison.about.stamp))
    } else {
        String::new()
    };
    format!(
        "<figure class=\"card\"><figcaption><h3>{}</h3>{} {stamp}</figcaption>\n{}</figure>\n",
        escape(&chart.title),
        escape(&chart.caption),
        chart.svg
    )
}

fn unmoved(same: &[Measure], comparison: &Comparison) -> String {
    if same.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = same.iter().map(|measure| measure.title).collect();
    format!(
        "<p class=\"muted\">Within {} of each other in all of them: {}.</p>\n",
        Value::Ppm(comparison.about.margin_ppm),
        escape(&names.join(", "))
    )
}
