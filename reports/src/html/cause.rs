//! Why a failure failed: the part of its card that an explanation fills.

use super::words::{command, escape, short};
use crate::explanation::SHOWN_STEPS;
use crate::model::explained::{Changed, Explained, Rate, Step};
use crate::model::value::counted;

/// Lines of a schedule on a card.
const SCHEDULE: usize = 10;

/// Changes shown that make no difference.
const SILENT: usize = 20;

/// A bolt: faults are marked by a sign and not by colour alone.
const BOLT: &str =
    "<svg class=\"bolt\" role=\"img\" aria-label=\"fault\"><use href=\"#bolt\"/></svg>";

/// Schedule, life line, what would have happened otherwise, what may mend it, and the commands.
pub fn story(index: usize, explained: &Explained) -> String {
    [
        schedule(explained),
        life(explained),
        otherwise(explained),
        mends(explained),
        commands(index, explained),
    ]
    .concat()
}

fn schedule(explained: &Explained) -> String {
    let lines = &explained.schedule;
    let shown = lines.iter().take(SCHEDULE);
    let items: String = shown
        .map(|line| format!("<li>{}</li>", escape(&short(line))))
        .collect();
    let more = match lines.len().saturating_sub(SCHEDULE) {
        0 => String::new(),
        _ => format!("<li>showing {SCHEDULE} of {} lines</li>", lines.len()),
    };
    format!(
        "<h4>The smallest schedule that fails</h4>\n<p class=\"muted\">{}</p>\n\
         <ul class=\"plain\">{items}{more}</ul>\n",
        escape(&explained.cut())
    )
}

fn life(explained: &Explained) -> String {
    if explained.life.is_empty() {
        return String::new();
    }
    let all = explained.life.len();
    let rows: String = explained.life.iter().take(SHOWN_STEPS).map(step).collect();
    let more = match all.saturating_sub(SHOWN_STEPS) {
        0 => String::new(),
        _ => format!(
            "<p class=\"muted\">Showing {SHOWN_STEPS} of {all} lines; <code>summary.json</code> has all.</p>\n"
        ),
    };
    let event = escape(&explained.event);
    format!(
        "<h4>What became of event {event}</h4>\n{}{more}",
        small(
            &format!("Life of event {event}"),
            &["", "#Time", "Node", "What"],
            &rows
        )
    )
}

fn step(step: &Step) -> String {
    let (class, sign) = if step.is_fault {
        (" class=\"struck\"", BOLT)
    } else {
        ("", "")
    };
    let node = if step.node.is_empty() {
        "–"
    } else {
        &step.node
    };
    format!(
        "<tr{class}><td>{sign}</td><td class=\"num\">{}</td><td>{}</td><td class=\"wrap\">{}</td></tr>\n",
        step.seconds(),
        escape(node),
        escape(&short(&step.what))
    )
}

/// Rows that tell something stand open; those that change nothing are folded away.
fn otherwise(explained: &Explained) -> String {
    let table = &explained.counterfactuals;
    let (telling, silent): (Vec<&Changed>, Vec<&Changed>) =
        table.rows.iter().partition(|row| row.meaning.is_telling());
    let columns = ["", "#Fails", "With this change", "So it is"];
    let base = format!(
        "<tr>{}<th scope=\"row\" class=\"wrap\">as it is</th><td></td></tr>\n",
        cells(table.base)
    );
    let open: String = telling.into_iter().map(changed).collect();
    let mut text = format!(
        "<h4>What would have happened otherwise</h4>\n<p class=\"muted\">Runs that differ in timing, with one \
         thing changed at a time.</p>\n{}",
        small(
            "What would have happened otherwise",
            &columns,
            &(base + &open)
        )
    );
    if !silent.is_empty() {
        let count = silent.len();
        let rows: String = silent.into_iter().take(SILENT).map(changed).collect();
        let cut = if count > SILENT {
            format!("; showing {SILENT}")
        } else {
            String::new()
        };
        text.push_str(&format!(
            "<details><summary>{} that were tried{cut}</summary>\n{}</details>\n",
            counted(count as u64, "more change"),
            small("Changes that make it no rarer", &columns, &rows)
        ));
    }
    text
}

fn changed(row: &Changed) -> String {
    format!(
        "<tr>{}<th scope=\"row\" class=\"wrap\">{}</th><td>{}</td></tr>\n",
        cells(row.rate),
        escape(&short(&row.label)),
        row.meaning.words()
    )
}

/// A rate as a bar and in figures.
fn cells(rate: Rate) -> String {
    let percent = (rate.fails * 100).checked_div(rate.of).unwrap_or(0);
    format!(
        "<td class=\"rate\" aria-hidden=\"true\"><i><b style=\"width:{percent}%\"></b></i></td>\
         <td class=\"num\">{rate}</td>"
    )
}

fn mends(explained: &Explained) -> String {
    let lines: String = match explained.no_mend() {
        Some(why) => format!("<p>{why}</p>\n"),
        None => {
            let items = explained.mends.iter().map(|mend| {
                let (label, verdict) = (escape(&mend.label), escape(&mend.verdict()));
                format!("<li><code>{label}</code> {verdict}</li>")
            });
            format!("<ul class=\"plain\">{}</ul>\n", items.collect::<String>())
        }
    };
    format!("<h4>What may mend it</h4>\n{lines}")
}

fn commands(index: usize, explained: &Explained) -> String {
    let mut text = format!(
        "<div class=\"muted\">Run the schedule, <a href=\"{0}\">{0}</a>, in the folder of this page</div>{1}",
        escape(&explained.repro),
        command(&format!("repro-{index}"), &explained.run())
    );
    if !explained.prove.is_empty() && !explained.mends.is_empty() {
        text.push_str(&format!(
            "<div class=\"muted\">Prove what mends it, on fresh seeds</div>{}",
            command(&format!("prove-{index}"), &explained.prove)
        ));
    }
    text
}

/// A table inside a card.
fn small(label: &str, columns: &[&str], rows: &str) -> String {
    let heads = columns.iter().map(|name| match name.strip_prefix('#') {
        Some(name) => format!("<th scope=\"col\" class=\"num\">{name}</th>"),
        None => format!("<th scope=\"col\">{name}</th>"),
    });
    format!(
        "<div class=\"scroll inner\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table>\
         <thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        heads.collect::<String>()
    )
}
