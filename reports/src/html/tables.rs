//! The lower half of the page: checks, points, faults, seeds and configuration.

use super::words::{escape, seconds, section, table, tag};
use crate::model::outcome::Answer;
use crate::model::value::Value;
use crate::model::{Report, SettingSource};
use crate::summary::{Summary, shown_or_dash};

/// Rows of the seed table.
const SEEDS: usize = 50;
/// Rows of the other long tables.
const ROWS: usize = 300;
/// Characters of the scenario file.
const TEXT_MAX: usize = 60_000;

/// What each check judged: a pass that judged nothing is not a pass.
pub fn checks(summary: &Summary) -> String {
    let rows: String = summary
        .checks
        .iter()
        .map(|check| {
            let reasons: String = check
                .reasons
                .iter()
                .map(|(reason, runs)| {
                    format!(
                        "<div class=\"small\">{}: {}</div>",
                        escape(reason),
                        Value::Count(*runs)
                    )
                })
                .collect();
            let bound = check.absence_bound_ppm.map(Value::Ppm);
            format!(
                "<tr><td>{}</td><th scope=\"row\" class=\"wrap\">{}{reasons}</th>\
                 <td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td>\
                 <td class=\"num\">{}</td><td class=\"num\">{}</td><td class=\"num\">{}</td>\
                 <td class=\"num\">{}</td></tr>\n",
                tag(check.answer),
                escape(&check.name),
                Value::Count(check.answers.pass),
                Value::Count(check.answers.fail),
                Value::Count(check.answers.unknown),
                Value::Count(check.answers.not_applicable),
                Value::Count(check.exercised),
                Value::Count(check.judged),
                bound.map_or_else(|| "–".to_owned(), |bound| format!("&lt; {bound}"))
            )
        })
        .collect();
    let columns = [
        "Answer",
        "Check",
        "#Pass",
        "#Fail",
        "#Unknown",
        "#N/A",
        "#Seeds exercised",
        "#Events judged",
        "#Violations at 95 %",
    ];
    let lead = "<p class=\"muted\">Seeds by answer, and how much each check had to judge. The last \
                column is the share of seeds that the absence of violations excludes.</p>\n";
    section(
        "checks",
        "Checks",
        &format!("{lead}{}", table("checks", &columns, &rows)),
    )
}

/// Places that the sweep was expected to reach.
pub fn points(summary: &Summary) -> String {
    if summary.points.is_empty() {
        return String::new();
    }
    let rows: String = summary
        .points
        .iter()
        .take(ROWS)
        .map(|point| {
            let answer = if point.is_covered {
                Answer::Pass
            } else {
                Answer::Unknown
            };
            format!(
                "<tr><td>{}</td><th scope=\"row\" class=\"wrap\"><code>{}</code></th>\
                 <td class=\"num\">{} of {}</td><td class=\"num\">{}</td></tr>\n",
                tag(answer),
                escape(&point.name),
                Value::Count(point.reached),
                Value::Count(summary.seeds.total()),
                Value::Count(point.required)
            )
        })
        .collect();
    let columns = ["Answer", "Point", "#Seeds that reached it", "#Needed"];
    section(
        "points",
        "Points reached",
        &format!(
            "{}{}",
            table("points", &columns, &rows),
            cut(summary.points.len())
        ),
    )
}

/// The resolved fault plan of the shown run.
pub fn faults(summary: &Summary) -> String {
    let Some(run) = &summary.shown else {
        return String::new();
    };
    let rows: String = run
        .faults
        .iter()
        .take(ROWS)
        .enumerate()
        .map(|(index, fault)| {
            let resolved = fault.resolved.as_deref().map_or_else(
                || "<b class=\"bad\">not applied</b>".to_owned(),
                |resolved| format!("<code>{}</code>", escape(resolved)),
            );
            format!(
                "<tr><td>F{}</td><th scope=\"row\">{} <span class=\"small\">{}</span></th>\
                 <td class=\"wrap\">{}</td><td class=\"wrap\">{resolved}</td>\
                 <td class=\"num\">{} s</td><td class=\"num\">{} s</td><td class=\"wrap\">{}</td></tr>\n",
                index + 1,
                escape(&fault.kind),
                escape(&fault.name),
                escape(&fault.target),
                seconds(fault.start.0),
                seconds(fault.end.0),
                if fault.effect.is_empty() { "none seen".to_owned() } else { escape(&fault.effect) }
            )
        })
        .collect();
    let title = format!("Fault log of seed {}", run.seed);
    if rows.is_empty() {
        return section("faults", &title, "<p>No fault was planned.</p>\n");
    }
    let columns = [
        "",
        "Fault",
        "Target",
        "Resolved to",
        "#From",
        "#To",
        "Effect",
    ];
    section(
        "faults",
        &title,
        &format!(
            "{}{}",
            table("faults", &columns, &rows),
            cut(run.faults.len())
        ),
    )
}

/// Says how much of a long table is shown.
fn cut(all: usize) -> String {
    if all <= ROWS {
        String::new()
    } else {
        format!("<p>Showing {ROWS} of {all}.</p>\n")
    }
}

/// Runs that did not pass first, then the others, cut to a readable length.
pub fn seeds(report: &Report) -> String {
    let mut all: Vec<_> = report.seeds.iter().collect();
    all.sort_by_key(|row| (std::cmp::Reverse(row.answer), row.index));
    let rows: String = all
        .iter()
        .take(SEEDS)
        .map(|row| {
            format!(
                "<tr><td>{}</td><th scope=\"row\" class=\"mono\">{}</th>\
                 <td class=\"mono\">{:016x}</td><td class=\"num\">{}</td><td class=\"num\">{}</td></tr>\n",
                tag(row.answer),
                row.seed,
                row.fingerprint,
                row.virtual_duration,
                shown_or_dash(row.headline_p99)
            )
        })
        .collect();
    let latency = format!("#{} p99", escape(&report.identity.headline_series));
    let columns = ["Answer", "Seed", "Fingerprint", "#Virtual time", &latency];
    let body = format!(
        "<details><summary>Showing {} of {} seeds, failing ones first</summary>\n{}</details>\n",
        all.len().min(SEEDS),
        all.len(),
        table("seeds", &columns, &rows)
    );
    section("seeds", "Seeds", &body)
}

/// The resolved configuration and the file it came from.
pub fn configuration(report: &Report) -> String {
    let rows: String = report
        .configuration
        .iter()
        .take(ROWS)
        .map(|setting| {
            let source = match setting.source {
                SettingSource::Default => "<span class=\"muted\">default</span>",
                SettingSource::File => "file",
                SettingSource::Variant => "<b>variant</b>",
            };
            format!(
                "<tr><th scope=\"row\" class=\"mono wrap\">{}</th><td class=\"mono wrap\">{}</td>\
                 <td>{source}</td></tr>\n",
                escape(&setting.key),
                escape(&setting.value)
            )
        })
        .collect();
    let columns = ["Setting", "Value", "Source"];
    let mut body = table("configuration", &columns, &rows);
    body.push_str(&cut(report.configuration.len()));
    if !report.scenario_text.is_empty() {
        let shown: String = report.scenario_text.chars().take(TEXT_MAX).collect();
        let cut = if shown.len() < report.scenario_text.len() {
            "\n… cut here"
        } else {
            ""
        };
        body.push_str(&format!(
            "<details class=\"card\" style=\"margin-top:14px\"><summary>The scenario file</summary>\
             <pre class=\"lines\">{}{cut}</pre></details>\n",
            escape(&shown)
        ));
    }
    section("configuration", "Configuration", &body)
}
