//! The charts of the page: latency over all seeds, then one run over its virtual time.

use super::words::{command, escape, field, figure, seconds, table, tag};
use crate::chart;
use crate::model::Report;
use crate::model::recorded::Gauge;
use crate::model::shown::{ShownRun, ShownWhy};
use crate::model::value::Value;
use crate::summary::Summary;

/// Distributions over all seeds, and how seeds differ.
pub fn latency(report: &Report, summary: &Summary) -> String {
    let draw = |chart: Option<chart::Chart>| {
        chart.map_or_else(String::new, |chart| figure(&chart, summary))
    };
    let body = [
        draw(chart::spectrum(report)),
        slider(summary),
        draw(chart::distribution(report)),
        draw(chart::within(report)),
        ranges(summary),
        draw(chart::across_seeds(report)),
        spread(summary),
    ]
    .concat();
    if body.is_empty() {
        return body;
    }
    format!("<section id=\"latency\">\n<h2>Latency over all seeds</h2>\n{body}</section>\n")
}

/// Any percentile of every distribution, read off the embedded buckets.
fn slider(summary: &Summary) -> String {
    if summary.distributions.is_empty() {
        return String::new();
    }
    let rows: String = summary
        .distributions
        .iter()
        .map(|row| {
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"num\" data-distribution></td></tr>\n",
                escape(&row.series),
                escape(&row.phase.to_string())
            )
        })
        .collect();
    let input =
        "<input type=\"range\" id=\"percentile\" min=\"0.3\" max=\"5\" step=\"0.01\" value=\"2\">";
    format!(
        "<div class=\"card needs-js\" id=\"any-percentile\"><h3 id=\"any-title\">Any percentile</h3>\
         <p>{} <output id=\"percentile-name\" for=\"percentile\">p99</output></p>{}</div>\n",
        field("Percentile", input),
        table("any", &["Series", "Phase", "#Latency"], &rows)
    )
}

/// The headline's samples between the bounds of its objectives, as a bar and in figures.
fn ranges(summary: &Summary) -> String {
    let Some(last) = summary.ranges.len().checked_sub(1) else {
        return String::new();
    };
    let mut bar = String::new();
    let mut rows = String::new();
    for (at, range) in summary.ranges.iter().enumerate() {
        let class = if at == last {
            "r4".to_owned()
        } else {
            format!("r{at}")
        };
        let percent = range.share_ppm as f64 / 10_000.0;
        bar.push_str(&format!(
            "<i class=\"{class}\" style=\"width:{percent:.3}%\"></i>"
        ));
        rows.push_str(&format!(
            "<tr><th scope=\"row\"><i class=\"key {class}\"></i>{}</th><td class=\"num\">{}</td>\
             <td class=\"num\">{}</td></tr>\n",
            escape(&range.name()),
            Value::Count(range.count),
            Value::Ppm(range.share_ppm)
        ));
    }
    format!(
        "<div class=\"card\"><h3 id=\"ranges-title\">By the objectives\u{2019} bounds</h3>\
         <div class=\"ranges\" aria-hidden=\"true\">{bar}</div>{}</div>\n",
        table("ranges", &["Latency", "#Events", "#Share"], &rows)
    )
}

/// The quartiles of the seeds' p99, and the worst seeds with their commands.
fn spread(summary: &Summary) -> String {
    let Some(spread) = &summary.spread else {
        return String::new();
    };
    let rows: String = spread
        .worst
        .iter()
        .map(|row| {
            format!(
                "<tr id=\"seed-{0}\"><td>{1}</td><th scope=\"row\" class=\"mono\">{0}</th>\
                 <td class=\"num\">{2}</td><td>{3}</td></tr>\n",
                row.seed,
                tag(row.answer),
                row.p99,
                command(&format!("worst-{}", row.seed), &row.replay)
            )
        })
        .collect();
    format!(
        "<p>p99 of a seed: least <b>{}</b>, quartiles <b>{}</b>, <b>{}</b> and <b>{}</b>, most <b>{}</b>.</p>\n\
         <details><summary id=\"worst-title\">The worst {} of {} seeds</summary>\n{}</details>\n",
        spread.least,
        spread.quarter,
        spread.half,
        spread.three_quarters,
        spread.most,
        spread.worst.len(),
        Value::Count(summary.seeds.total()),
        table("worst", &["Answer", "Seed", "#p99", "Replay"], &rows)
    )
}

/// One run over its virtual time.
pub fn time(report: &Report, summary: &Summary) -> String {
    let Some(run) = &report.shown else {
        return String::new();
    };
    let why = match run.why {
        ShownWhy::FirstFailing => "the first failing run",
        ShownWhy::Worst => "the worst run: no run failed",
    };
    let over_time = [
        chart::heat_map(run),
        chart::latency_over_time(report),
        chart::rates_over_time(run),
        chart::troubles_over_time(run),
        chart::backlog(run),
    ];
    let gauges = Gauge::ALL.map(|gauge| chart::gauge(run, gauge));
    let rest = [chart::clocks(run), chart::load(run)];
    let charts = over_time.iter().chain(&gauges).chain(&rest).flatten();
    format!(
        "<section id=\"time\">\n<h2>One run over virtual time</h2>\n\
         <p>Seed <b>{}</b>, {why}. Replay it with <code>{}</code></p>\n\
         <p class=\"muted\">{}{}</p>\n{}{}</section>\n",
        run.seed,
        escape(&report.identity.replay_of(run.seed)),
        phases(run),
        bands(run),
        zoom(run),
        charts
            .map(|chart| figure(chart, summary))
            .collect::<String>()
    )
}

/// A stretch of time to look at closely, and the percentiles of the events due in it.
fn zoom(run: &ShownRun) -> String {
    let number = |id: &str| format!("<input type=\"number\" id=\"{id}\" min=\"0\" step=\"any\">");
    let buttons: String = run
        .phases
        .iter()
        .filter(|span| span.start < span.end)
        .map(|span| {
            format!(
                "<button type=\"button\" data-zoom=\"{} {}\">{}</button>",
                span.start.as_secs_f64(),
                span.end.as_secs_f64(),
                span.phase.name()
            )
        })
        .collect();
    let columns = [
        "#p50",
        "#p90",
        "#p99",
        "#p99.9",
        "#max",
        "#Never",
        "#Delivered / owed",
    ];
    let row = format!(
        "<tr>{}</tr>",
        "<td class=\"num\"></td>".repeat(columns.len())
    );
    format!(
        "<div class=\"card needs-js\" id=\"zoom\"><h3 id=\"zoomed-title\">Events due in a stretch of time</h3>\
         <p class=\"muted\">Drag over a chart, or say from when to when. Percentiles of these events are \
         counted anew from their slots; for the whole run they take in its warm-up.</p>\
         <p class=\"tools\">{} {} <button type=\"button\" id=\"whole\">whole run</button>{buttons}\
         <button type=\"button\" id=\"bands\" aria-pressed=\"true\">phases and faults</button></p>{}</div>\n",
        field("From", &number("zoom-from")),
        field("s to", &number("zoom-to")),
        table("zoomed", &columns, &row)
    )
}

/// Says how many faults the charts show, where that is not all.
fn bands(run: &ShownRun) -> String {
    let all = run.faults.iter().filter(|fault| fault.resolved.is_some());
    match all.count() {
        0..=chart::BANDS => String::new(),
        all => format!(". Charts are showing {} of {all} faults", chart::BANDS),
    }
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
