//! The views of a failing run: messages in space and time, the life of the event, the log as everybody saw it, and
//! the list of moments. All of them name moments by the same numbers, so that one selection shows in each.

use super::words::{escape, field, figure, shorter, table};
use crate::chart;
use crate::model::recorded::{Kind, Moment, Order, OrderCell, OrderRow, Story};
use crate::model::value::Value;
use crate::summary::Summary;

/// Lines of the life of the event.
const LIFE: usize = 60;
/// Letters of a moment, and of all of them together: of many each is told in fewer words.
const LETTERS: usize = 160;
const LETTERS_OF_ALL: usize = 80_000;

/// All views; nothing where the shown run has no story.
pub fn section_of(summary: &Summary) -> String {
    let Some(run) = &summary.shown else {
        return String::new();
    };
    let Some(story) = run.story.as_ref().filter(|story| !story.moments.is_empty()) else {
        return String::new();
    };
    let drawn = chart::spacetime(story);
    let drawn = drawn.map_or_else(String::new, |chart| figure(&chart, summary));
    format!(
        "<section id=\"story\">\n<h2>What led to it</h2>\n<p>Seed <b>{}</b>: {}</p>\n\
         <p class=\"muted\">Choose a moment in any of the four views and it shows in all of them, with \
         those it follows from.<span class=\"needs-js\"> <kbd>j</kbd> and <kbd>k</kbd> go from moment to \
         moment, <kbd>p</kbd> to what one follows from, <kbd>Esc</kbd> lets go.</span></p>\n\
         <div class=\"card needs-js\" id=\"chosen\" role=\"status\">No moment is chosen.</div>\n\
         {drawn}{}{}{}</section>\n",
        run.seed,
        escape(&story.sentence),
        life(story),
        story.order.as_ref().map_or_else(String::new, order),
        list(story)
    )
}

fn life(story: &Story) -> String {
    let followed = || {
        story
            .moments
            .iter()
            .enumerate()
            .filter(|(_, moment)| moment.followed)
    };
    let all = followed().count();
    if all == 0 {
        return String::new();
    }
    let rows: String = followed()
        .take(LIFE)
        .map(|(at, moment)| {
            format!(
                "<tr data-m=\"{at}\"><td class=\"num\">{}</td><td>{}</td><td class=\"wrap\">{}</td></tr>\n",
                moment.seconds(),
                escape(story.node(moment)),
                escape(&shorter(&moment.what, LETTERS))
            )
        })
        .collect();
    let cut = if all > LIFE {
        format!("<p>Showing {LIFE} of {all}.</p>\n")
    } else {
        String::new()
    };
    format!(
        "<h3 id=\"life-title\">The life of {}</h3>\n{}{cut}",
        escape(&story.events.join(" and ")),
        table("life", &["#Second", "Node", "What"], &rows)
    )
}

/// Offsets across, observers down.
fn order(order: &Order) -> String {
    let wide = order
        .rows
        .iter()
        .map(|row| row.cells.len())
        .max()
        .unwrap_or(0);
    if wide == 0 {
        return String::new();
    }
    let heads: Vec<String> = (order.from..)
        .take(wide)
        .map(|offset| format!("#{offset}"))
        .collect();
    let mut columns = vec!["Who"];
    columns.extend(heads.iter().map(String::as_str));
    let rows: String = order
        .rows
        .iter()
        .map(|row| {
            let cells = row.cells.iter().enumerate();
            let cells =
                cells.map(|(at, one)| cell(row, at, one, order.from + at as u64 == order.offset));
            format!(
                "<tr><th scope=\"row\">{}</th>{}</tr>\n",
                escape(&row.observer),
                cells.collect::<String>()
            )
        })
        .collect();
    format!(
        "<h3 id=\"order-title\">{} as everybody saw it</h3>\n<p class=\"muted\">Offsets across; the column of the \
         event is framed. A cell names the event that was stored, read or shown there last: × 2 says that it was \
         twice, a line through one that it is gone again, ↶ that it came before one of a lower offset.</p>\n{}",
        escape(&order.log),
        table("order", &columns, &rows)
    )
}

fn cell(row: &OrderRow, at: usize, cell: &OrderCell, framed: bool) -> String {
    let mut classes = vec!["num"];
    if framed {
        classes.push("framed");
    }
    if cell.event.is_empty() {
        return format!("<td class=\"{}\">–</td>", classes.join(" "));
    }
    let mut text = escape(&cell.event);
    if cell.is_gone {
        text = format!("<s>{text}</s>");
    }
    let before = cell.before.iter();
    let before: String = before
        .map(|event| format!("<s>{}</s> ", escape(event)))
        .collect();
    text.insert_str(0, &before);
    if cell.times > 1 {
        text.push_str(&format!(" × {}", cell.times));
    }
    if row.is_early(at) {
        text.push_str(" ↶");
    }
    let moments: Vec<String> = cell.moments.iter().map(ToString::to_string).collect();
    format!(
        "<td class=\"{}\" data-m=\"{}\">{text}</td>",
        classes.join(" "),
        moments.join(" ")
    )
}

fn list(story: &Story) -> String {
    let letters = (LETTERS_OF_ALL / story.moments.len().max(1)).min(LETTERS);
    let rows: String = story
        .moments
        .iter()
        .enumerate()
        .map(|(at, one)| row(story, at, one, letters))
        .collect();
    let kinds: String = Kind::ALL
        .iter()
        .map(|kind| {
            format!(
                "<button type=\"button\" aria-pressed=\"true\" data-kind=\"{0}\">{0}</button>",
                kind.word()
            )
        })
        .collect();
    let search = "<input type=\"search\" id=\"search\" placeholder=\"broker.main.0\">";
    format!(
        "<h3 id=\"moments-title\">Moments</h3>\n<p class=\"muted\">Showing {} of {}: all of the event, then what \
         struck the system and what is nearest to either.<span id=\"matching\"></span></p>\n\
         <p class=\"tools needs-js\">{} <button type=\"button\" id=\"followed-only\" aria-pressed=\"false\">\
         the event only</button><span role=\"group\" aria-label=\"Kinds shown\">{kinds}</span></p>\n{}",
        Value::Count(story.moments.len() as u64),
        Value::Count(story.all),
        field("Search", search),
        table(
            "moments",
            &["#No.", "#Second", "Node", "Kind", "What", "#Follows from"],
            &rows
        )
    )
}

fn row(story: &Story, at: usize, moment: &Moment, letters: usize) -> String {
    let followed = if moment.followed {
        " class=\"followed\""
    } else {
        ""
    };
    let cause = moment.cause.map_or_else(
        || "–".to_owned(),
        |cause| format!("<a href=\"#m{cause}\">{cause}</a>"),
    );
    format!(
        "<tr id=\"m{at}\" data-m=\"{at}\" data-kind=\"{0}\"{followed}><td class=\"num\">{at}</td>\
         <td class=\"num\">{1}</td><td>{2}</td><td>{0}</td><td class=\"wrap\">{3}</td>\
         <td class=\"num\">{cause}</td></tr>\n",
        moment.kind.word(),
        moment.seconds(),
        escape(story.node(moment)),
        escape(&shorter(&moment.what, letters))
    )
}
