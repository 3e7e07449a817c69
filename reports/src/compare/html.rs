//! A comparison as a page: guarantee, latency and cost of each configuration, what a sweep does, and what differs.

mod overview;
mod sweep;
mod tables;

pub(super) use overview::columns;

use super::model::Comparison;
use super::paired::Answer;
use crate::chart;
use crate::html::head;
use crate::html::words::{command, escape};
use crate::model::value::Value;

/// The page.
#[must_use]
pub fn render(comparison: &Comparison) -> String {
    let about = &comparison.about;
    let title = format!("{} · compared · Stormglass", about.title);
    [
        &head(&title, "overview", "guarantee, latency and cost"),
        &header(comparison),
        "<main>\n",
        &overview::overview(comparison),
        &pareto(comparison),
        &sweep::sweep(comparison),
        &tables::settings(comparison),
        &tables::differences(comparison),
        &tables::bill(comparison),
        &overview::holds(comparison),
        "</main>\n",
        "</body>\n</html>\n",
    ]
    .concat()
}

/// So many configurations are named in the header; of more, their number.
const NAMED: usize = 6;

fn header(comparison: &Comparison) -> String {
    let about = &comparison.about;
    let sides = &comparison.sides;
    let names: String = if sides.len() <= NAMED {
        let names = sides.iter().enumerate().map(|(place, side)| {
            let role = if place == 0 { " (baseline)" } else { "" };
            format!("<li><b>{}</b>{role}</li>", escape(&side.name))
        });
        names.collect()
    } else {
        let (count, first) = (sides.len(), escape(&sides[0].name));
        format!("<li><b>{count}</b> configurations</li><li><b>{first}</b> (baseline)</li>")
    };
    let notes = about
        .notes
        .iter()
        .map(|note| format!("<p class=\"because\">{}</p>", escape(note)));
    format!(
        "<header class=\"head\"><div>\n<h1>{}</h1><p class=\"question\">{}</p>\n<p class=\"because\">{}</p>\n{}\
         <ul class=\"chips\"><li class=\"stamp\">latencies {}</li>{names}<li><b>{}</b> seeds</li></ul>\n{}\
         </div></header>\n",
        escape(&about.title),
        escape(&about.question),
        escape(&sentence(comparison)),
        notes.collect::<String>(),
        escape(&about.stamp),
        Value::Count(comparison.seeds),
        command("command", &about.command)
    )
}

/// The answer in two sentences: who fails, and how many figures differ.
fn sentence(comparison: &Comparison) -> String {
    let failing: Vec<String> = comparison
        .sides
        .iter()
        .filter(|side| side.failing.count > 0)
        .map(|side| {
            let share = &side.failing;
            format!("{} fails in {} of {}", side.name, share.count, share.of)
        })
        .collect();
    let failing = match &failing[..] {
        [] => format!(
            "None fails in any of {} seeds",
            Value::Count(comparison.seeds)
        ),
        all if all.len() == comparison.sides.len() && all.len() <= NAMED => all.join(", "),
        some if some.len() <= NAMED => format!("{}, the others in none", some.join(", ")),
        some => format!(
            "{} of {} fail in some seed",
            some.len(),
            comparison.sides.len()
        ),
    };
    let found: Vec<Answer> = comparison
        .rows
        .iter()
        .filter_map(|row| Some(row.difference.as_ref()?.answer))
        .collect();
    let count = |wanted: fn(&Answer) -> bool| found.iter().filter(|answer| wanted(answer)).count();
    format!(
        "{failing}. Of {} figures that a configuration and the baseline both have, {} changed, {} did not, {} cannot \
         be told.",
        found.len(),
        count(|answer| *answer == Answer::Changed),
        count(|answer| *answer == Answer::NoChange),
        count(|answer| matches!(answer, Answer::CannotTell { .. })),
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

fn pareto(comparison: &Comparison) -> String {
    let Some(chart) = chart::pareto(comparison) else {
        return String::new();
    };
    format!(
        "<section id=\"pareto\">\n<h2>What to choose from</h2>\n<figure class=\"card\"><figcaption><h3>{}</h3>{}\
         </figcaption>\n{}</figure>\n</section>\n",
        escape(&chart.title),
        escape(&chart.caption),
        chart.svg
    )
}
