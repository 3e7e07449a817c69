//! The tables below the charts: differences from the baseline, bills and settings.

use super::heads;
use crate::compare::paired::Answer;
use crate::compare::words::{cells, legend};
use crate::compare::{Comparison, Differing, Row};
use crate::html::words::{escape, section, table};

/// So many tables of differences stand open; more are folded.
const OPEN: usize = 3;

/// Each configuration against the first.
pub fn differences(comparison: &Comparison) -> String {
    let mut body = format!("<p class=\"muted\">{}</p>\n", escape(&legend(comparison)));
    let is_folded = comparison.sides.len() - 1 > OPEN;
    for side in 1..comparison.sides.len() {
        let (base, other) = (&comparison.sides[0].name, &comparison.sides[side].name);
        let id = format!("against-{side}");
        let title = format!("{} against {}", escape(other), escape(base));
        let rows = comparison.rows.iter().filter(|row| row.side == side);
        let rows: String = rows.map(difference).collect();
        let (base, other) = (format!("#{}", escape(base)), format!("#{}", escape(other)));
        let heads = [
            "figure",
            &base,
            &other,
            "#change",
            "#interval",
            "answer",
            "#pairing",
        ];
        let table = table(&id, &heads, &rows);
        body.push_str(&if is_folded {
            let changed = changed(comparison, side);
            format!(
                "<details><summary id=\"{id}-title\">{title}: {changed}</summary>\n{table}</details>\n"
            )
        } else {
            format!("<h3 id=\"{id}-title\">{title}</h3>\n{table}")
        });
    }
    section("differences", "What differs in latency and cost", &body)
}

/// How many figures changed, for those who do not unfold the table.
fn changed(comparison: &Comparison, side: usize) -> String {
    let answers = comparison.rows.iter().filter(|row| row.side == side);
    let answers: Vec<String> = answers.map(crate::compare::words::answer).collect();
    let count = |word: &str| {
        answers
            .iter()
            .filter(|answer| answer.starts_with(word))
            .count()
    };
    format!(
        "{} better, {} worse, {} not changed",
        count("better"),
        count("worse"),
        count("no change")
    )
}

fn difference(row: &Row) -> String {
    let [base, other, change, interval, answer, pairing] = cells(row);
    let class = match row.difference.as_ref().map(|found| found.answer) {
        _ if answer.starts_with("better") => "pass-ink",
        _ if answer.starts_with("worse") => "fail-ink",
        Some(Answer::NoChange) => "na-ink",
        Some(Answer::CannotTell { .. } | Answer::Changed) | None => "unknown-ink",
    };
    let number = |cell: &String| format!("<td class=\"num\">{}</td>", escape(cell));
    let numbers = [base, other, change, interval];
    format!(
        "<tr><th scope=\"row\">{}</th>{}<td><span class=\"tag {class}\">{}</span></td>{}</tr>\n",
        escape(row.metric),
        numbers.iter().map(number).collect::<String>(),
        escape(&answer),
        number(&pairing)
    )
}

/// What a million events cost, price by price; empty without prices.
pub fn bill(comparison: &Comparison) -> String {
    let Some(prices) = &comparison.about.prices else {
        return String::new();
    };
    let unit = crate::compare::unit::Unit::Money(prices.currency);
    let cell = |amount: Option<f64>| {
        let text = amount.map_or("–".to_owned(), |amount| unit.show(amount));
        format!("<td class=\"num\">{}</td>", escape(&text))
    };
    let line = |name: &str, amounts: Vec<Option<f64>>| {
        let cells: String = amounts.into_iter().map(cell).collect();
        format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(name))
    };
    let sides = &comparison.sides;
    let mut rows = String::new();
    for (place, price) in prices.list.iter().enumerate() {
        let name = format!("{} at {}", price.of.words(), price.words(prices.currency));
        let amounts = sides.iter().map(|side| side.bill.get(place).copied());
        rows.push_str(&line(&name, amounts.collect()));
    }
    let total = |side: &crate::compare::SideSummary| {
        (!side.bill.is_empty()).then(|| side.bill.iter().sum::<f64>())
    };
    rows.push_str(&line("together", sides.iter().map(total).collect()));
    let heads = heads(comparison, "price");
    let heads: Vec<String> = heads
        .iter()
        .enumerate()
        .map(|(place, head)| {
            if place == 0 {
                head.clone()
            } else {
                format!("#{head}")
            }
        })
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let body = format!(
        "<p class=\"muted\">{}</p>\n{}",
        escape(&crate::compare::words::priced(prices)),
        table("bill", &heads, &rows)
    );
    section("bill", "What a million events cost", &body)
}

/// What differs in the settings; values unlike the baseline's are marked.
pub fn settings(comparison: &Comparison) -> String {
    let title = "What differs in the settings";
    if comparison.settings.is_empty() {
        return section("settings", title, "<p>Nothing.</p>\n");
    }
    let rows = comparison.settings.iter().map(setting);
    let heads = heads(comparison, "setting");
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let body = format!(
        "<p class=\"muted\">All other settings are the same. Marked is what is not as in the baseline, {}.</p>\n{}",
        escape(&comparison.sides[0].name),
        table("settings", &heads, &rows.collect::<String>())
    );
    section("settings", title, &body)
}

fn setting(setting: &Differing) -> String {
    let cells = setting.values.iter().map(|value| {
        let text = escape(value.as_deref().unwrap_or("–"));
        if *value == setting.values[0] {
            format!("<td>{text}</td>")
        } else {
            format!("<td><mark>{text}</mark></td>")
        }
    });
    format!(
        "<tr><th scope=\"row\">{}</th>{}</tr>\n",
        escape(&setting.key),
        cells.collect::<String>()
    )
}
