//! What the console says: the verdict, what broke with its replay line, and what was not covered.
//!
//! At most eight lines a failure; thresholds stand beside observed values, delivered / owed beside
//! percentiles. Wall time is not known here: the command line adds its own line.

use crate::model::against::AgainstRow;
use crate::model::explained::{Explained, Meaning};
use crate::model::outcome::Answer;
use crate::model::value::Value;
use crate::summary::{
    CheckSummary, FailureSummary, SloSummary, Summary, seeds_text, shown_or_dash,
};

/// Witness lines shown of a failure: with the other lines they stay within eight.
const WITNESS_LINES: usize = 3;
/// Lines shown of what was not covered and of notes, each.
const REMARK_LINES: usize = 8;
/// Failure groups shown: the rest is in the other files.
const GROUPS: usize = 10;

/// How words are emphasised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// No escape codes: for files, pipes and CI logs.
    Plain,
    /// ANSI colours: for a terminal.
    Ansi,
}

impl Ink {
    fn paint(self, answer: Answer, word: &str) -> String {
        let code = match answer {
            Answer::Pass => "32",
            Answer::Fail => "1;31",
            Answer::Unknown => "33",
            Answer::NotApplicable => "2",
        };
        match self {
            Self::Plain => word.to_owned(),
            Self::Ansi => format!("\u{1b}[{code}m{word}\u{1b}[0m"),
        }
    }
}

/// The text, ending in a newline.
#[must_use]
pub fn render(summary: &Summary, ink: Ink) -> String {
    let mut lines = head(summary);
    lines.push(String::new());
    for group in summary.failures.iter().take(GROUPS) {
        lines.extend(failure(group, ink));
    }
    if summary.failures.len() > GROUPS {
        lines.push(format!(
            "      +{} more failure groups",
            summary.failures.len() - GROUPS
        ));
    }
    lines.extend(ungrouped(summary, ink));
    for slo in summary
        .slos
        .iter()
        .filter(|slo| slo.answer != Answer::NotApplicable)
    {
        lines.extend(slo_lines(slo, ink));
    }
    lines.extend(checks(summary, ink));
    lines.extend(baseline(summary));
    lines.extend(numbers(summary));
    lines.extend(stages(summary));
    lines.extend(faults(summary));
    lines.extend(flow(summary));
    let cells = summary.coverage.iter().filter(|cells| cells.possible > 0);
    lines.extend(cells.map(|cells| format!("coverage: {}", cells.sentence())));
    lines.extend(remarks("not covered", &summary.not_covered));
    lines.extend(remarks("note", &summary.notes));
    lines.push(String::new());
    lines.extend(summary.absence.clone());
    lines.push(last_line(summary, ink));
    let mut text: String = lines
        .iter()
        .map(|line| printable(line, ink))
        .collect::<Vec<_>>()
        .join("\n");
    text.push('\n');
    text
}

/// Text of a scenario must not steer the terminal: control characters other than our own colours
/// are shown as their Unicode pictures.
fn printable(line: &str, ink: Ink) -> String {
    let codes = ["0m", "2m", "32m", "33m", "1;31m"];
    let is_code = |rest: &str| codes.iter().any(|code| rest.starts_with(code));
    let ours = |rest: &str| ink == Ink::Ansi && rest.strip_prefix("\u{1b}[").is_some_and(is_code);
    line.char_indices()
        .map(|(at, letter)| match letter {
            '\u{1b}' if ours(&line[at..]) => letter,
            '\0'..='\u{1f}' => char::from_u32(0x2400 + letter as u32).unwrap_or('?'),
            '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            other => other,
        })
        .collect()
}

fn first_sentence(text: &str) -> &str {
    let ends = text
        .char_indices()
        .filter(|(_, letter)| matches!(letter, '?' | '.' | '!'));
    // A point inside a number or a name ends no sentence.
    ends.map(|(at, letter)| at + letter.len_utf8())
        .find(|end| text[*end..].starts_with(char::is_whitespace))
        .map_or(text, |end| &text[..end])
}

fn head(summary: &Summary) -> Vec<String> {
    let identity = &summary.identity;
    let seeds = &summary.seeds;
    let mut lines = vec![
        format!(
            "stormglass {}  {}  profile {} ({})  {}",
            identity.tool_version,
            summary.title(),
            identity.profile,
            summary.stamp(),
            identity.model_versions.join(" ")
        )
        .trim_end()
        .to_owned(),
    ];
    if !identity.question.is_empty() {
        lines.push(format!(
            "question    {}",
            first_sentence(&identity.question)
        ));
    }
    lines.push(format!(
        "seeds       {} run: {} pass, {} fail, {} unknown, {} n/a   virtual {}   {} {}",
        Value::Count(seeds.total()),
        Value::Count(seeds.pass),
        Value::Count(seeds.fail),
        Value::Count(seeds.unknown),
        Value::Count(seeds.not_applicable),
        summary.virtual_duration,
        identity.fingerprint_algorithm,
        summary.fingerprint
    ));
    let determinism = &summary.determinism;
    if determinism.checked > 0 {
        let same = determinism
            .checked
            .saturating_sub(determinism.differing.len() as u64);
        lines.push(format!(
            "determinism {same}/{} fingerprints reproduced",
            determinism.checked
        ));
    }
    lines
}

fn failure(group: &FailureSummary, ink: Ink) -> Vec<String> {
    let word = if group.standing.is_known() {
        ink.paint(Answer::Unknown, "KNOWN")
    } else {
        ink.paint(Answer::Fail, "FAIL")
    };
    let mut lines = vec![
        format!(
            "{word}  {} · {}   {}",
            group.check,
            group.anomaly,
            group.share.sentence()
        ),
        format!("      cause:   {}", group.sentence),
    ];
    if let Some(words) = group.standing.words() {
        lines.push(format!("      list:    {words}"));
    }
    if group.standing.is_known() {
        lines.push(format!("      replay:  {}", group.replay));
        return lines;
    }
    if group.standing.is_unasked() && !group.promise.is_empty() {
        lines.push(format!("      promise: {}", group.promise));
    }
    match (&group.explained, &group.same_as, &group.same_cause) {
        (Some(explained), _, _) => lines.extend(story(explained)),
        (None, Some(other), _) => lines.push(format!("      shrunk:  to the schedule of {other}")),
        (None, None, Some(other)) => lines.push(format!("      cause:   that of {other}")),
        (None, None, None) => lines.extend(evidence(group)),
    }
    lines.push(format!("      replay:  {}", group.replay));
    lines
}

/// What the run showed and which faults it met.
fn evidence(group: &FailureSummary) -> Vec<String> {
    let mut lines = Vec::new();
    let more = group.witness.len().saturating_sub(WITNESS_LINES);
    let shown = if more == 0 {
        WITNESS_LINES
    } else {
        WITNESS_LINES - 1
    };
    lines.extend(
        group
            .witness
            .iter()
            .take(shown)
            .map(|line| format!("      | {line}")),
    );
    if more > 0 {
        lines.push(format!(
            "      | … {} more lines in the report",
            group.witness.len() - shown
        ));
    }
    if let [first, rest @ ..] = group.faults.as_slice() {
        let others = if rest.is_empty() {
            String::new()
        } else {
            format!(" (+{})", rest.len())
        };
        lines.push(format!("      faults:  {first}{others}"));
    }
    lines
}

/// The short story: what is left of the run, what it needs, and what may mend it; four lines at most.
fn story(explained: &Explained) -> Vec<String> {
    let named = |meaning: Meaning| -> Option<String> {
        let first = explained.rows(meaning).next()?;
        let more = match explained.rows(meaning).count() {
            1 => String::new(),
            count => format!(" (+{})", count - 1),
        };
        Some(format!("{}{more}", first.label))
    };
    let mut lines = vec![format!("      shrunk:  {}", explained.cut())];
    if let Some(label) = named(Meaning::Needed) {
        let base = explained.counterfactuals.base;
        lines.push(format!(
            "      needs:   it fails {base}, and 0/{} {label}",
            base.of
        ));
    }
    if let Some(mend) = explained.mends.first() {
        let more = match explained.mends.len() {
            1 => String::new(),
            count => format!(" (+{})", count - 1),
        };
        let prove = match explained.prove.as_str() {
            "" => String::new(),
            prove => format!("; prove it: {prove}"),
        };
        let of = explained.counterfactuals.base.of;
        lines.push(format!(
            "      mend?:   it fails 0/{of} with {}{more}{prove}",
            mend.label
        ));
    }
    lines.push(format!("      alone:   {}", explained.run()));
    lines
}

/// Failures that have no group of their own: a difference of fingerprints, bugs, regressions, and
/// checks whose runs named no signature.
fn ungrouped(summary: &Summary, ink: Ink) -> Vec<String> {
    let word = ink.paint(Answer::Fail, "FAIL");
    let mut lines = Vec::new();
    let kinds = [
        (
            "nondeterminism",
            summary
                .determinism
                .differing
                .iter()
                .cloned()
                .collect::<Vec<_>>(),
        ),
        ("internal error", summary.internal_errors.clone()),
        ("regression", summary.regressions.clone()),
        ("stale", summary.stale.clone()),
    ];
    for (kind, all) in kinds {
        lines.extend(
            all.iter()
                .take(3)
                .map(|line| format!("{word}  {kind}: {line}")),
        );
        if all.len() > 3 {
            lines.push(format!("      +{} more", all.len() - 3));
        }
    }
    let has_group = |name: &str| summary.failures.iter().any(|group| group.check == name);
    for check in &summary.checks {
        if check.answer == Answer::Fail && !has_group(&check.name) {
            lines.push(format!("{word}  {}   {}", check.name, check.observed));
            lines.push(format!("      promise: {}", check.promise));
        }
    }
    lines
}

fn slo_lines(slo: &SloSummary, ink: Ink) -> Vec<String> {
    let word = match slo.answer {
        Answer::Fail => "FAIL",
        Answer::Unknown => "UNKN",
        Answer::Pass | Answer::NotApplicable => "ok  ",
    };
    let worst = slo.worst.as_ref();
    let pooled = slo
        .pooled_text()
        .map(|value| format!("pooled {value}, "))
        .unwrap_or_default();
    let mut lines = vec![format!(
        "{}  slo {} ({}): {pooled}worst seed {} against {} ({})   {} of {} seeds fail   \
         delivered {}",
        ink.paint(slo.answer, word),
        slo.expression,
        slo.phase,
        shown_or_dash(worst.map(|run| run.value)),
        slo.threshold,
        slo.margin(),
        Value::Count(slo.answers.fail),
        Value::Count(slo.answers.total()),
        Summary::delivered_text(slo.delivered, slo.owed)
    )];
    if let (Answer::Fail, Some(run)) = (slo.answer, worst) {
        if !run.cause.is_empty() {
            lines.push(format!("      cause:   {}", run.cause));
        }
        lines.push(format!("      replay:  {}", run.replay));
    }
    lines
}

/// One line a check that did not fail: how much it judged is part of its answer.
fn checks(summary: &Summary, ink: Ink) -> Vec<String> {
    let of = |answer: Answer| {
        summary
            .checks
            .iter()
            .filter(move |check| check.answer == answer)
    };
    let line = |check: &CheckSummary, word: &str| {
        let word = ink.paint(check.answer, word);
        format!("{word}  {}   {}", check.name, check.observed)
    };
    let mut lines = Vec::new();
    for check in of(Answer::Unknown) {
        lines.push(line(check, "UNKN"));
        let reasons = check.reasons.iter().take(3);
        lines.extend(reasons.map(|(why, runs)| format!("      {}: {why}", seeds_text(*runs))));
    }
    lines.extend(of(Answer::Pass).map(|check| line(check, "ok  ")));
    let skipped: Vec<_> = of(Answer::NotApplicable)
        .map(|check| check.name.as_str())
        .collect();
    if !skipped.is_empty() {
        let word = ink.paint(Answer::NotApplicable, "n/a ");
        lines.push(format!("{word}  {}", skipped.join(", ")));
    }
    lines
}

/// What moved against the baseline; what became worse stands above, among the failures.
fn baseline(summary: &Summary) -> Vec<String> {
    let Some(against) = &summary.baseline else {
        return Vec::new();
    };
    let mut lines = vec![format!("baseline    {}", against.sentence())];
    let moved = against.moved().filter(|row| !row.moved.is_worse());
    let moved: Vec<String> = moved.map(AgainstRow::sentence).collect();
    lines.extend(remarks("      moved", &moved));
    lines.extend(remarks("      since", &against.remarks));
    lines
}

/// The headline's percentiles as a table, a line a phase.
fn numbers(summary: &Summary) -> Vec<String> {
    let headline = &summary.identity.headline_series;
    let rows = summary
        .latencies
        .iter()
        .filter(|row| row.series == *headline);
    let table: Vec<(String, Vec<String>, String)> = rows
        .map(|row| {
            let cells = row.columns().map(|(_, value)| shown_or_dash(value));
            let delivered = Summary::delivered_text(row.delivered, row.owed);
            (
                format!("{} {}", row.series, row.phase),
                cells.to_vec(),
                delivered,
            )
        })
        .collect();
    let Some(first) = summary.latencies.first().filter(|_| !table.is_empty()) else {
        return Vec::new();
    };
    let title = format!("latency ({})", summary.stamp());
    let names = table.iter().map(|row| &row.0).chain([&title]);
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let line = |name: &str, cells: &[String], delivered: &str| {
        let cells: String = cells.iter().map(|cell| format!(" {cell:>9}")).collect();
        format!("{name:<width$} {cells}   {delivered}")
    };
    let heads = first.columns().map(|(name, _)| name.to_owned());
    let mut lines = vec![String::new(), line(&title, &heads, "delivered / owed")];
    lines.extend(
        table
            .iter()
            .map(|(name, cells, delivered)| line(name, cells, delivered)),
    );
    lines.push(String::new());
    lines
}

/// Where the time went, a line a phase: each stage's part of the mean.
fn stages(summary: &Summary) -> Vec<String> {
    let mut lines = Vec::new();
    for rows in summary.stages.chunk_by(|a, b| a.phase == b.phase) {
        let parts = rows.iter().map(|row| {
            let share = Value::Ppm(row.share_ppm / 10_000 * 10_000);
            format!("{} {} ({share})", row.stage, row.mean)
        });
        let parts: Vec<String> = parts.collect();
        lines.push(format!("mean {} = {}", rows[0].phase, parts.join(" + ")));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// A line a fault: how soon it was noticed and how soon after the heal the backlog was gone.
fn faults(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary
        .faults
        .iter()
        .map(|row| {
            let times = row
                .columns()
                .map(|(name, value)| format!("{name} {}", shown_or_dash(value)));
            let (noticed, reactions) = (row.noticed_text(), row.reactions_text());
            format!(
                "fault {}: {}; noticed {noticed}: {reactions}",
                row.fault,
                times.join(", ")
            )
        })
        .collect();
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// A line a part whose clients did something about requests that failed: what they did. And one for what came too
/// late.
fn flow(summary: &Summary) -> Vec<String> {
    let mut lines: Vec<String> = summary
        .flow
        .iter()
        .map(|(part, flow)| {
            let counts = flow.columns().into_iter().filter(|(_, count)| *count > 0);
            let counts = counts.map(|(name, count)| format!("{} {name}", Value::Count(count)));
            format!("flow {part}: {}", counts.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let late = summary.totals.late_sentence();
    lines.extend(late.map(|sentence| format!("late: {sentence}")));
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn remarks(word: &str, all: &[String]) -> Vec<String> {
    let mut lines: Vec<_> = all
        .iter()
        .take(REMARK_LINES)
        .map(|line| format!("{word}: {line}"))
        .collect();
    if all.len() > REMARK_LINES {
        lines.push(format!(
            "{word}: +{} more in the report",
            all.len() - REMARK_LINES
        ));
    }
    lines
}

fn last_line(summary: &Summary, ink: Ink) -> String {
    let answer = match summary.verdict {
        crate::exit::Verdict::Pass => Answer::Pass,
        crate::exit::Verdict::Unknown => Answer::Unknown,
        crate::exit::Verdict::Fail => Answer::Fail,
    };
    format!(
        "{}: {}   exit {}",
        match summary.identity.mode {
            crate::model::Mode::Run => "run",
            crate::model::Mode::Gate => "gate",
        },
        ink.paint(answer, &summary.verdict_line()),
        summary.exit.code
    )
}

/// The rows of a table as lines, its columns of one width.
#[must_use]
pub fn aligned(table: &[Vec<String>]) -> Vec<String> {
    let columns = table.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = table.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    table
        .iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let line: Vec<String> = cells
                .map(|(cell, width)| format!("{cell:<width$}"))
                .collect();
            format!("  {}", line.join("  ")).trim_end().to_owned()
        })
        .collect()
}
