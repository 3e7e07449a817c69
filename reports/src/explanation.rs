//! `explain.md` and `explain.json`: one failure's explanation, alone.

use std::fmt::Write;

use crate::model::explained::{Explained, Step};

/// Lines of a life line that a page shows; JSON files have all.
pub const SHOWN_STEPS: usize = 40;

/// The page, also readable on a console.
#[must_use]
pub fn markdown(explained: &Explained) -> String {
    let mut text = format!(
        "# {}\n\n{}\n\n## The smallest schedule\n\n{}.\n\n",
        plain(&explained.signature),
        plain(&explained.sentence),
        explained.cut()
    );
    for line in &explained.schedule {
        let _ = writeln!(text, "- {}", plain(line));
    }
    if !explained.event.is_empty() {
        let _ = write!(
            text,
            "\n## What became of event {}\n\n```text\n{}\n```\n",
            plain(&explained.event),
            fenced(&life(&explained.life).join("\n"))
        );
    }
    let table = &explained.counterfactuals;
    let _ = writeln!(
        text,
        "\n## What would have happened otherwise\n\nAs it is, the schedule fails in {} runs that differ in timing.\n",
        table.base
    );
    text.push_str("| fails | with this change | |\n|---:|---|---|\n");
    for row in &table.rows {
        let label = plain(&row.label).replace('|', "\\|");
        let words = row.meaning.words();
        let _ = writeln!(text, "| {} | {label} | {words} |", row.rate);
    }
    text.push_str("\n## What mends it\n\n");
    if let Some(why) = explained.no_mend() {
        let _ = writeln!(text, "{why}");
    }
    for mend in &explained.mends {
        let _ = writeln!(text, "- `{}` {}", plain(&mend.label), mend.verdict());
    }
    text.push_str("\n## Commands\n\n```sh\n");
    for command in [&explained.run(), &explained.prove] {
        if !command.is_empty() {
            let _ = writeln!(text, "{}", fenced(command));
        }
    }
    text.push_str("```\n");
    text
}

/// Text of a scenario opens no tag and steers no terminal.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => plain.push_str("&lt;"),
            '`' => plain.push('\''),
            letter if letter.is_control() => plain.push('\u{fffd}'),
            other => plain.push(other),
        }
    }
    plain
}

/// Text inside a fence closes no fence and steers no terminal.
fn fenced(text: &str) -> String {
    let mut clean = text.replace("```", "'''");
    clean.retain(|letter| letter == '\n' || !letter.is_control());
    clean
}

/// The data, indented and ending in a newline.
#[must_use]
pub fn json(explained: &Explained) -> String {
    let mut text = serde_json::to_string_pretty(explained)
        .expect("an explanation has only text keys and no failing writer");
    text.push('\n');
    text
}

/// A life line in columns.
#[must_use]
pub fn columns(steps: &[Step]) -> Vec<String> {
    let wide = steps.iter().map(|step| step.node.chars().count()).max();
    let wide = wide.unwrap_or(0);
    let line = |step: &Step| {
        let (mark, time) = (step.mark(), step.seconds());
        format!("{mark:1} {time:>14}  {:<wide$}  {}", step.node, step.what)
    };
    steps.iter().map(line).collect()
}

/// The beginning of a life line in columns; what is left out at its end is counted.
#[must_use]
pub fn life(steps: &[Step]) -> Vec<String> {
    let mut lines = columns(&steps[..steps.len().min(SHOWN_STEPS)]);
    if steps.len() > SHOWN_STEPS {
        let more = steps.len() - SHOWN_STEPS;
        lines.push(format!("  and {more} more lines in the JSON file"));
    }
    lines
}
