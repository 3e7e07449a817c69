//! Key numbers: tiles, and the percentiles of every series and phase.

use super::words::{escape, section, table};
use crate::model::SamplePhase;
use crate::model::value::Value;
use crate::summary::{LatencySummary, Summary, shown_or_dash};

/// Tiles for the headline, then the table of all distributions.
pub fn key_numbers(summary: &Summary) -> String {
    let totals = &summary.totals;
    let stamp = summary.stamp();
    let mut tiles = Vec::new();
    let headline = summary.latencies.iter().find(|row| {
        row.series == summary.identity.headline_series && row.phase == SamplePhase::All
    });
    if let Some(row) = headline {
        tiles.push(tile(
            &format!("{} p99", row.series),
            row.p99,
            &format!("all phases, {stamp}"),
        ));
        tiles.push(tile(
            &format!("{} max", row.series),
            row.max,
            &format!("all phases, {stamp}"),
        ));
    }
    let delivered = Summary::delivered_text(totals.delivered, totals.owed);
    let missing = totals.owed.saturating_sub(totals.delivered);
    let share = (totals.delivered.saturating_mul(1_000_000)).checked_div(totals.owed);
    let note = format!("{delivered}; {} missing", Value::Count(missing));
    tiles.push(tile(
        "delivered / owed",
        share.map(|ppm| exact_share(ppm, missing)),
        &note,
    ));
    tiles.push(tile(
        "throughput",
        summary.throughput,
        "visible effects, with repetitions",
    ));
    tiles.push(tile(
        "goodput",
        summary.goodput,
        "owed events made visible, each once",
    ));
    if let Some(row) = &summary.recovery {
        let note = format!(
            "median {}, {} {}",
            shown_or_dash(row.p50),
            Value::Count(row.owed),
            if row.owed == 1 { "heal" } else { "heals" }
        );
        tiles.push(tile("recovery, slowest", row.max, &note));
    }
    let duplicates = Value::Count(totals.duplicates);
    tiles.push(tile("repeated effects", Some(duplicates), "over all seeds"));
    tiles.push(tile(
        "backlog, largest",
        Some(Value::Count(totals.backlog_max)),
        "of one run",
    ));
    if totals.late > 0 {
        let note = format!("of {} owed events", Value::Count(totals.owed));
        tiles.push(tile(
            "too late for their windows",
            Some(Value::Count(totals.late)),
            &note,
        ));
    }
    let body = format!(
        "<div class=\"tiles\">{}</div>\n{}{}{}{}",
        tiles.concat(),
        latencies(summary),
        stages(summary),
        faults(summary),
        flow(summary)
    );
    section("numbers", "Key numbers", &body)
}

/// A share that is not rounded up to everything while something is missing.
fn exact_share(ppm: u64, missing: u64) -> Value {
    let most = if missing > 0 { 999_999 } else { 1_000_000 };
    Value::Ppm(ppm.min(most))
}

fn tile(name: &str, value: Option<Value>, note: &str) -> String {
    let class = if value == Some(Value::Never) {
        " bad"
    } else {
        ""
    };
    format!(
        "<div class=\"tile\"><div class=\"name\">{}</div><div class=\"value{class}\">{}</div>\
         <div class=\"note\">{}</div></div>\n",
        escape(name),
        tile_text(value),
        escape(note)
    )
}

/// Shares close to everything need all their digits.
fn tile_text(value: Option<Value>) -> String {
    match value {
        Some(Value::Ppm(ppm @ 990_000..1_000_000)) => {
            format!("{}.{:04} %", ppm / 10_000, ppm % 10_000)
        }
        other => shown_or_dash(other),
    }
}

fn latencies(summary: &Summary) -> String {
    let recovery = summary.recovery.iter();
    let rows: String = summary.latencies.iter().chain(recovery).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let columns = [
        "Series",
        "Phase",
        "#p50",
        "#p90",
        "#p99",
        "#p99.9",
        "#p99.99",
        "#max",
        "#Delivered / owed",
    ];
    let table = table("numbers", &columns, &rows);
    format!(
        "<p class=\"muted\">Latencies are <b>{}</b>. Every owed event is one sample; “never” is an \
         event that was not visible by the end of its run.</p>\n{table}",
        escape(&summary.stamp())
    )
}

/// Where the time went: each stage's part of the mean, as a bar and in figures.
fn stages(summary: &Summary) -> String {
    if summary.stages.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for phase in summary.stages.chunk_by(|a, b| a.phase == b.phase) {
        for (at, row) in phase.iter().enumerate() {
            let first = if at == 0 {
                let name = escape(&row.phase.to_string());
                format!(
                    "<th scope=\"rowgroup\" rowspan=\"{}\">{name}</th>",
                    phase.len()
                )
            } else {
                String::new()
            };
            let percent = row.share_ppm as f64 / 10_000.0;
            rows.push_str(&format!(
                "<tr>{first}<th scope=\"row\">{}</th><td class=\"share\" aria-hidden=\"true\">\
                 <i style=\"width:{percent:.1}%\"></i></td><td class=\"num\">{}</td>\
                 <td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n",
                escape(&row.stage),
                Value::Ppm(row.share_ppm),
                row.mean,
                shown_or_dash(row.p50),
                shown_or_dash(row.p99)
            ));
        }
    }
    let columns = ["Phase", "Stage", "", "#Share", "#Mean", "#p50", "#p99"];
    let table = table("stages", &columns, &rows);
    format!(
        "<h3 id=\"stages-title\">Where the time went</h3>\n<p class=\"muted\">The stages of a delivered \
         event add up to its latency; their means add up to the mean. Percentiles do not add up.</p>\n{table}"
    )
}

fn faults(summary: &Summary) -> String {
    if summary.faults.is_empty() {
        return String::new();
    }
    let rows: String = summary
        .faults
        .iter()
        .map(|row| {
            let times = row
                .columns()
                .map(|(_, value)| format!("<td class=\"num\">{}</td>", shown_or_dash(value)));
            format!(
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>{}</tr>\n",
                escape(&row.fault),
                row.noticed_text(),
                escape(&row.reactions_text()),
                times.concat()
            )
        })
        .collect();
    let columns = [
        "Fault",
        "Noticed",
        "First reaction",
        "#Detect, p50",
        "#Detect, max",
        "#Drain, p50",
        "#Drain, max",
    ];
    let table = table("faults", &columns, &rows);
    format!(
        "<h3 id=\"faults-title\">How faults were met</h3>\n<p class=\"muted\">Detect: from the start to the \
         first reaction of anybody, of those noticed. Drain: from the heal until the backlog was back at its \
         level.</p>\n{table}"
    )
}

fn flow(summary: &Summary) -> String {
    if summary.flow.is_empty() {
        return String::new();
    }
    let rows: String = summary
        .flow
        .iter()
        .map(|(part, flow)| {
            let cells = flow
                .columns()
                .map(|(_, count)| format!("<td class=\"num\">{}</td>", Value::Count(count)));
            format!(
                "<tr><th scope=\"row\">{}</th>{}</tr>\n",
                escape(part),
                cells.concat()
            )
        })
        .collect();
    let columns = [
        "Part",
        "#Retries",
        "#Not paid for",
        "#Breaker openings",
        "#Without room",
        "#Shed",
        "#Given up",
    ];
    let table = table("flow", &columns, &rows);
    format!(
        "<h3 id=\"flow-title\">What clients did about failed requests</h3>\n<p class=\"muted\">Retries, \
         those that a budget did not pay for, and openings of circuit breakers are requests; shed and given \
         up are events.</p>\n{table}"
    )
}

fn row(row: &LatencySummary) -> String {
    let cells = row.columns().map(|(_, value)| {
        let class = if value == Some(Value::Never) {
            " bad"
        } else {
            ""
        };
        format!("<td class=\"num{class}\">{}</td>", shown_or_dash(value))
    });
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td>{}<td class=\"num\">{}</td></tr>\n",
        escape(&row.series),
        escape(&row.phase.to_string()),
        cells.concat(),
        Summary::delivered_text(row.delivered, row.owed)
    )
}
