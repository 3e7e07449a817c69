//! A comparison as a page: what holds, what differs in latency and cost, what differs in the settings.

use super::model::{Comparison, Row};
use super::paired::Answer;
use super::words::{cells, kept, legend};
use crate::chart;
use crate::html::head;
use crate::html::words::{command, escape, section, table};
use crate::model::value::Value;
use std::collections::BTreeSet;

/// The page.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let about = &comparison.about;
    let title = format!("{} · compared · Stormglass", about.title);
    [
        &head(&title, "holds", "what holds"),
        &header(comparison),
        "<main>\n",
        &holds(comparison),
        &pareto(comparison),
        &differences(comparison),
        &settings(comparison),
        "</main>\n",
        "</body>\n</html>\n",
    ]
    .concat()
}

fn header(comparison: &Comparison) -> String {
    let about = &comparison.about;
    let names = comparison.sides.iter().enumerate().map(|(place, side)| {
        let role = if place == 0 { " (baseline)" } else { "" };
        format!("<li><b>{}</b>{role}</li>", escape(&side.name))
    });
    let notes = about
        .notes
        .iter()
        .map(|note| format!("<p class=\"because\">{}</p>", escape(note)));
    format!(
        "<header class=\"head\"><div>\n<h1>{}</h1><p class=\"question\">{}</p>\n<p class=\"because\">{}</p>\n{}\
         <ul class=\"chips\"><li class=\"stamp\">latencies {}</li>{}<li><b>{}</b> seeds</li></ul>\n{}</div></header>\n",
        escape(&about.title),
        escape(&about.question),
        escape(&sentence(comparison)),
        notes.collect::<String>(),
        escape(&about.stamp),
        names.collect::<String>(),
        Value::Count(comparison.seeds),
        command("command", &about.command)
    )
}

/// The answer in one sentence.
fn sentence(comparison: &Comparison) -> String {
    let failing = comparison.sides.iter().map(|side| {
        format!(
            "{} fails in {} of {}",
            side.name, side.failing.count, side.failing.of
        )
    });
    let clear = |wanted: fn(&Answer) -> bool| {
        let rows = comparison
            .rows
            .iter()
            .filter_map(|row| row.difference.as_ref());
        rows.filter(|found| wanted(&found.answer)).count()
    };
    format!(
        "{}. Of {} figures that both have, {} changed, {} did not, {} cannot be told.",
        failing.collect::<Vec<_>>().join(", "),
        comparison
            .rows
            .iter()
            .filter(|row| row.difference.is_some())
            .count(),
        clear(|answer| *answer == Answer::Changed),
        clear(|answer| *answer == Answer::NoChange),
        clear(|answer| matches!(answer, Answer::CannotTell { .. })),
    )
}

/// Column heads: the first says nothing, then the configurations.
fn heads(comparison: &Comparison, first: &str) -> Vec<String> {
    let names = comparison.sides.iter().map(|side| escape(&side.name));
    [first.to_owned()].into_iter().chain(names).collect()
}

fn row(head: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells
        .map(|cell| format!("<td>{}</td>", escape(&cell)))
        .collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(head))
}

fn holds(comparison: &Comparison) -> String {
    let sides = &comparison.sides;
    let mut rows = row(
        "seeds failing",
        sides.iter().map(|side| side.failing.sentence()),
    );
    let checks: BTreeSet<&String> = sides.iter().flat_map(|side| side.checks.keys()).collect();
    for check in checks {
        let cell = |side: &super::SideSummary| side.checks.get(check).map_or("–".to_owned(), kept);
        rows.push_str(&row(check, sides.iter().map(cell)));
    }
    let heads = heads(comparison, "check");
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    section("holds", "What holds", &table("holds", &heads, &rows))
}

fn pareto(comparison: &Comparison) -> String {
    let Some(chart) = chart::pareto(comparison) else {
        return String::new();
    };
    format!(
        "<section id=\"pareto\">\n<h2>Latency against cost</h2>\n<figure class=\"card\"><figcaption><h3>{}</h3>{}\
         </figcaption>\n{}</figure>\n</section>\n",
        escape(&chart.title),
        escape(&chart.caption),
        chart.svg
    )
}

fn differences(comparison: &Comparison) -> String {
    let mut body = format!("<p class=\"muted\">{}</p>\n", escape(&legend(comparison)));
    for side in 1..comparison.sides.len() {
        let (base, other) = (&comparison.sides[0].name, &comparison.sides[side].name);
        let id = format!("against-{side}");
        body.push_str(&format!(
            "<h3 id=\"{id}-title\">{} against {}</h3>\n",
            escape(other),
            escape(base)
        ));
        let rows = comparison.rows.iter().filter(|row| row.side == side);
        let rows: String = rows.map(difference).collect();
        let (base, other) = (format!("#{}", escape(base)), format!("#{}", escape(other)));
        let heads = ["figure", &base, &other, "#change", "#interval", "answer"];
        body.push_str(&table(&id, &heads, &rows));
    }
    section("differences", "What differs in latency and cost", &body)
}

fn difference(row: &Row) -> String {
    let [base, other, change, interval, answer] = cells(row);
    let class = match row.difference.as_ref().map(|found| found.answer) {
        _ if answer.starts_with("better") => "pass-ink",
        _ if answer.starts_with("worse") => "fail-ink",
        Some(Answer::NoChange) => "na-ink",
        Some(Answer::CannotTell { .. } | Answer::Changed) | None => "unknown-ink",
    };
    let numbers = [base, other, change, interval];
    let numbers = numbers
        .iter()
        .map(|cell| format!("<td class=\"num\">{}</td>", escape(cell)));
    format!(
        "<tr><th scope=\"row\">{}</th>{}<td><span class=\"tag {class}\">{}</span></td></tr>\n",
        escape(row.metric),
        numbers.collect::<String>(),
        escape(&answer)
    )
}

fn settings(comparison: &Comparison) -> String {
    if comparison.settings.is_empty() {
        return section(
            "settings",
            "What differs in the settings",
            "<p>Nothing.</p>\n",
        );
    }
    let rows = comparison.settings.iter().map(|setting| {
        let values = setting.values.iter();
        row(
            &setting.key,
            values.map(|value| value.clone().unwrap_or_else(|| "–".to_owned())),
        )
    });
    let heads = heads(comparison, "setting");
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let body = table("settings", &heads, &rows.collect::<String>());
    section("settings", "What differs in the settings", &body)
}
