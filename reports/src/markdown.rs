//! `summary.md` for a pull request or job page: failures first, details folded, at most 60 KB.

use crate::exit::Verdict;
use crate::explanation::life;
use crate::html::words::tame;
use crate::model::explained::Explained;
use crate::model::outcome::Answer;
use crate::model::value::Value;
use crate::summary::{Summary, seeds_text, shown_or_dash};

/// Hosts cut longer job summaries without saying so.
pub const BYTES_MAX: usize = 60 * 1024;

/// The page.
#[must_use]
pub fn render(summary: &Summary) -> String {
    let sections = [
        head(summary),
        broke(summary),
        gate(summary),
        baseline(summary),
        latencies(summary),
        faults(summary),
        late(summary),
        uncovered(summary),
    ];
    let mut page = String::new();
    for section in sections {
        if page.len() + section.len() > BYTES_MAX - 128 {
            page.push_str("\n_The rest does not fit here and is in `report.html`._\n");
            break;
        }
        page.push_str(&section);
    }
    page
}

fn head(summary: &Summary) -> String {
    let icon = match summary.verdict {
        Verdict::Pass => "✔",
        Verdict::Unknown => "?",
        Verdict::Fail => "✘",
    };
    let seeds = &summary.seeds;
    format!(
        "## {icon} {}: {}\n\n{}\n\n{}: {} pass, {} fail, {} unknown, {} n/a · virtual {} · \
         {} {} · **{}** · exit {}\n\n```\n{}\n```\n",
        escape(&summary.verdict_line()),
        escape(&summary.title()),
        escape(&summary.identity.question),
        seeds_text(seeds.total()),
        Value::Count(seeds.pass),
        Value::Count(seeds.fail),
        Value::Count(seeds.unknown),
        Value::Count(seeds.not_applicable),
        summary.virtual_duration,
        escape(&summary.identity.fingerprint_algorithm),
        summary.fingerprint,
        escape(&summary.stamp()),
        summary.exit.code,
        fenced(&summary.identity.command)
    )
}

fn broke(summary: &Summary) -> String {
    let mut text = String::new();
    // Long lists are cut: a job page is read from the top.
    for group in summary.failures.iter().take(10) {
        text.push_str(&format!(
            "\n### ✘ {} · {}\n\n{}\n\n{} · first seed {}\n\n```\n{}\n```\n",
            escape(&group.check),
            escape(&group.anomaly),
            escape(&group.sentence),
            group.share.sentence(),
            group.first_seed,
            fenced(&group.replay)
        ));
        if let Some(words) = group.standing.words() {
            text.push_str(&format!("\n**{}**\n", escape(&words)));
        }
        if let Some(explained) = &group.explained {
            text.push_str(&story(explained));
        }
        if let Some(other) = &group.same_as {
            text.push_str(&format!(
                "\n**Shrunk** to the schedule of {}.\n",
                escape(other)
            ));
        }
        if let Some(other) = &group.same_cause {
            text.push_str(&format!("\n**Cause** that of {}.\n", escape(other)));
        }
        let lines: Vec<_> = group.witness.iter().chain(&group.faults).take(30).collect();
        if !lines.is_empty() {
            let body: Vec<_> = lines.into_iter().map(|line| fenced(line)).collect();
            text.push_str(&format!(
                "\n<details><summary>Witness and faults</summary>\n\n```\n{}\n```\n\n</details>\n",
                body.join("\n")
            ));
        }
    }
    for line in summary.stale.iter().take(10) {
        text.push_str(&format!("\n- stale: {}\n", escape(line)));
    }
    if summary.failures.len() > 10 {
        text.push_str(&format!(
            "\n+{} more failure groups\n",
            summary.failures.len() - 10
        ));
    }
    text
}

/// What is left of the run, what tells something about it, and what may mend it.
fn story(explained: &Explained) -> String {
    let mut text = format!("\n**Shrunk** to {}.\n\n", escape(&explained.cut()));
    for line in explained.schedule.iter().take(10) {
        text.push_str(&format!("- {}\n", escape(line)));
    }
    if explained.schedule.len() > 10 {
        text.push_str(&format!("- +{} more\n", explained.schedule.len() - 10));
    }
    let table = &explained.counterfactuals;
    text.push_str(&format!(
        "\n| fails | with this change | |\n|---:|---|---|\n| {} | as it is | |\n",
        table.base
    ));
    let telling = table.rows.iter().filter(|row| row.meaning.is_telling());
    for row in telling.take(20) {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            row.rate,
            escape(&row.label),
            row.meaning.words()
        ));
    }
    text.push('\n');
    if let Some(why) = explained.no_mend() {
        text.push_str(&format!("{why}\n"));
    }
    for mend in explained.mends.iter().take(10) {
        text.push_str(&format!(
            "- {} {}\n",
            escape(&mend.label),
            escape(&mend.verdict())
        ));
    }
    let commands = [explained.run(), explained.prove.clone()];
    let commands = commands.iter().filter(|text| !text.is_empty());
    let commands: Vec<String> = commands.map(|text| fenced(text)).collect();
    text.push_str(&format!("\n```\n{}\n```\n", commands.join("\n")));
    if !explained.life.is_empty() {
        let lines = life(&explained.life);
        let lines: Vec<String> = lines.iter().map(|line| fenced(line)).collect();
        text.push_str(&format!(
            "\n<details><summary>What became of event {}</summary>\n\n```\n{}\n```\n\n</details>\n",
            escape(&explained.event),
            lines.join("\n")
        ));
    }
    text
}

fn gate(summary: &Summary) -> String {
    let mut text =
        String::from("\n| | property | threshold | observed | margin | seeds failing |\n");
    text.push_str("|---|---|---|---|---|---|\n");
    for slo in &summary.slos {
        let worst = shown_or_dash(slo.worst.as_ref().map(|run| run.value));
        let pooled = slo
            .pooled_text()
            .map_or_else(String::new, |value| format!("pooled {value}, "));
        text.push_str(&format!(
            "| {} | {} ({}) | {} | {pooled}worst seed {worst}; delivered {} | {} | {} |\n",
            mark(slo.answer),
            escape(&slo.expression),
            escape(&slo.phase.to_string()),
            escape(&slo.threshold.to_string()),
            Summary::delivered_text(slo.delivered, slo.owed),
            slo.margin(),
            Value::Count(slo.answers.fail)
        ));
    }
    for check in &summary.checks {
        text.push_str(&format!(
            "| {} | {} | none violated | {} | – | {} |\n",
            mark(check.answer),
            escape(&check.name),
            escape(&check.observed),
            Value::Count(check.answers.fail)
        ));
    }
    text
}

fn baseline(summary: &Summary) -> String {
    let Some(against) = &summary.baseline else {
        return String::new();
    };
    let mut text = format!("\n**Baseline**: {}\n", escape(&against.sentence()));
    let rows: Vec<_> = against.moved().collect();
    if !rows.is_empty() {
        text.push_str(
            "\n| figure | baseline | here | change | 95 % | |\n|---|---|---|---|---|---|\n",
        );
    }
    for row in rows.iter().take(30) {
        let cells = row.cells().map(|cell| escape(&cell));
        text.push_str(&format!(
            "| {} | {} |\n",
            escape(&row.figure),
            cells.join(" | ")
        ));
    }
    if rows.len() > 30 {
        text.push_str(&format!("\n+{} more figures moved\n", rows.len() - 30));
    }
    for line in against
        .newly_failing
        .iter()
        .chain(&against.remarks)
        .take(20)
    {
        text.push_str(&format!("\n- {}", escape(line)));
    }
    text + "\n"
}

fn latencies(summary: &Summary) -> String {
    if summary.latencies.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n<details><summary>Latencies ({})</summary>\n\n\
         | series | phase | p50 | p90 | p99 | p99.9 | p99.99 | max | delivered / owed |\n\
         |---|---|---|---|---|---|---|---|---|\n",
        escape(&summary.stamp())
    );
    for row in &summary.latencies {
        let columns: Vec<_> = row
            .columns()
            .into_iter()
            .map(|(_, value)| shown_or_dash(value))
            .collect();
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            escape(&row.series),
            escape(&row.phase.to_string()),
            columns.join(" | "),
            Summary::delivered_text(row.delivered, row.owed)
        ));
    }
    text.push_str("\n</details>\n");
    text
}

fn faults(summary: &Summary) -> String {
    if summary.faults.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "\n<details><summary>Faults: time to detect and to drain</summary>\n\n\
         | fault | noticed | first reaction | detect p50 | detect max | drain p50 | drain max |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in &summary.faults {
        let times = row.columns().map(|(_, value)| shown_or_dash(value));
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            escape(&row.fault),
            row.noticed_text(),
            escape(&row.reactions_text()),
            times.join(" | ")
        ));
    }
    text.push_str("\n</details>\n");
    text
}

fn late(summary: &Summary) -> String {
    let late = summary.totals.late_sentence();
    late.map_or(String::new(), |late| format!("\n{}.\n", escape(&late)))
}

fn uncovered(summary: &Summary) -> String {
    let mut text = String::new();
    for (title, all) in [
        ("Not covered", &summary.not_covered),
        ("Notes", &summary.notes),
    ] {
        if all.is_empty() {
            continue;
        }
        text.push_str(&format!("\n**{title}**\n\n"));
        for line in all.iter().take(50) {
            text.push_str(&format!("- {}\n", escape(line)));
        }
        if all.len() > 50 {
            text.push_str(&format!("- +{} more\n", all.len() - 50));
        }
    }
    text
}

fn mark(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "✔ pass",
        Answer::Fail => "✘ fail",
        Answer::Unknown => "? unknown",
        Answer::NotApplicable => "– n/a",
    }
}

/// Text of a scenario as text: neither markup, HTML nor a new table cell or line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in tame(text).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '@' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text inside a fence: it must not close the fence.
fn fenced(text: &str) -> String {
    tame(&text.replace(['\n', '\r'], " ")).replace("```", "'''")
}
