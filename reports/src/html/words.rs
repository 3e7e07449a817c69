//! Small pieces of markup: escaped text, answers with an icon, commands with a button, tables.

use crate::chart::Chart;
use crate::exit::Verdict;
use crate::model::outcome::Answer;
use crate::model::value::Threshold;
use crate::summary::Summary;

/// Text without control characters and marks that reorder what follows: both are shown as a replacement.
pub fn tame(text: &str) -> String {
    let is_wild = |letter: char| {
        matches!(letter,
            '\0'..='\u{8}' | '\u{b}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(is_wild, "\u{fffd}")
}

/// Text as text, in an element or a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in tame(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A drawn shape and a class: an answer is never told by colour alone.
fn look(answer: Answer) -> (&'static str, &'static str) {
    match answer {
        Answer::Pass => ("pass", "<path d=\"M4 12.5l5 5L20 6.5\"/>"),
        Answer::Fail => ("fail", "<path d=\"M5 5l14 14M19 5L5 19\"/>"),
        Answer::Unknown => (
            "unknown",
            "<path d=\"M8 8.5a4 4 0 1 1 5.6 3.7c-1.1.5-1.6 1.2-1.6 2.3v.5M12 19.5v.1\"/>",
        ),
        Answer::NotApplicable => ("na", "<path d=\"M5 12h14\"/>"),
    }
}

fn icon(shape: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 24 24\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"3\" \
         stroke-linecap=\"round\" stroke-linejoin=\"round\" aria-hidden=\"true\">{shape}</svg>"
    )
}

/// The word of an answer with its icon.
pub fn tag(answer: Answer) -> String {
    let (class, shape) = look(answer);
    format!(
        "<span class=\"tag {class}-ink\">{}{}</span>",
        icon(shape),
        answer.word()
    )
}

/// The verdict, large, and the class of the header.
pub fn verdict(verdict: Verdict) -> (String, &'static str) {
    let answer = match verdict {
        Verdict::Pass => Answer::Pass,
        Verdict::Fail => Answer::Fail,
        Verdict::Unknown => Answer::Unknown,
    };
    let (class, shape) = look(answer);
    let badge = format!(
        "<div class=\"verdict {class}-ink\" role=\"status\">{}{}</div>",
        icon(shape),
        verdict.word()
    );
    (badge, class)
}

/// A command and the button that copies it.
pub fn command(id: &str, text: &str) -> String {
    format!(
        "<div class=\"command\"><pre id=\"{id}\">{}</pre><button type=\"button\" \
         class=\"needs-js\" data-copy=\"{id}\" aria-label=\"Copy the command\">Copy</button></div>\n",
        escape(text)
    )
}

/// A chart with its heading, how to read it, and whether its latencies are calibrated.
pub fn figure(chart: &Chart, summary: &Summary) -> String {
    // Rates are compared with nothing outside, unless the whole run is scaled (decisions B1).
    let stamped = chart.is_latency || summary.identity.is_scaled();
    let stamp = if stamped {
        format!(" <b>({})</b>", escape(&summary.stamp()))
    } else {
        String::new()
    };
    format!(
        "<figure class=\"card\"><figcaption><h3>{}</h3>{}{stamp}</figcaption>\n{}{}</figure>\n",
        escape(&chart.title),
        escape(&chart.caption),
        legend(chart),
        chart.svg
    )
}

/// A button a line, which hides and shows it; without script the names beside the lines do.
fn legend(chart: &Chart) -> String {
    if chart.legend.len() < 2 {
        return String::new();
    }
    let buttons = chart.legend.iter().map(|line| {
        format!(
            "<button type=\"button\" aria-pressed=\"true\" data-series=\"s{0}\">\
             <svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path class=\"k{0}\" d=\"M0 4H24\"/></svg>{1}</button>",
            line.look,
            escape(&line.name)
        )
    });
    format!(
        "<div class=\"legend needs-js\" role=\"group\" aria-label=\"Lines shown\">{}</div>\n",
        buttons.collect::<String>()
    )
}

/// A bound as it is read: with the signs of mathematics.
pub fn bound(threshold: &Threshold) -> String {
    escape(&threshold.to_string().replace("<=", "≤").replace(">=", "≥"))
}

/// A table with named columns; a name that starts with `#` is a column of numbers.
pub fn table(id: &str, columns: &[&str], rows: &str) -> String {
    let heads = columns.iter().map(|name| match name.strip_prefix('#') {
        Some(name) => format!("<th scope=\"col\" class=\"num\">{name}</th>"),
        None => format!("<th scope=\"col\">{name}</th>"),
    });
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"{id}-title\">\
         <table id=\"{id}-table\"><thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        heads.collect::<String>()
    )
}

/// A section with a heading that its table refers to.
pub fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section id=\"{id}\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n")
}

/// A field with its name before it.
pub fn field(name: &str, input: &str) -> String {
    format!("<label>{name} {input}</label>")
}

/// Attribute value of a row, for the filter.
pub fn answer_class(answer: Answer) -> &'static str {
    look(answer).0
}

/// Virtual seconds with milliseconds, so that entries of a log can be ordered by eye.
pub fn seconds(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000_000, micros / 1_000 % 1_000)
}

/// A line of a list, cut visibly where nobody reads on: pages stay below 1 MB.
pub fn short(line: &str) -> String {
    shorter(line, 600)
}

/// The same after so many letters.
pub fn shorter(line: &str, letters: usize) -> String {
    line.char_indices().nth(letters).map_or_else(
        || line.to_owned(),
        |(end, _)| format!("{}… (cut)", &line[..end]),
    )
}
