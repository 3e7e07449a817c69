//! Workflow commands of GitHub Actions: a line on the console for each thing that a reviewer has to see, which
//! GitHub shows beside the line of the scenario file that it is about.
//!
//! Limits: GitHub shows ten annotations of a step, so whoever prints these counts them.

use crate::exit::ExitClass;
use crate::model::outcome::Answer;
use crate::summary::Summary;

/// The annotations of a report, most important first. `file` is the path of the scenario file in the
/// repository, and `text` what it says. Failures that were known before need nobody's attention, and what only
/// warns is a warning here too.
#[must_use]
pub fn annotations(summary: &Summary, file: &str, text: &str) -> Vec<String> {
    let of = &summary.identity;
    let name = if of.variant.is_empty() {
        of.scenario.clone()
    } else {
        format!("{} · {}", of.scenario, of.variant)
    };
    let section = line_of(text, |line| line.trim_start().starts_with("[expect]"));
    let warned = &summary.exit.warned;
    let level = |class: ExitClass| {
        let is_warned = warned.iter().any(|word| word == class.word());
        if is_warned { "warning" } else { "error" }
    };
    let groups = summary.failures.iter();
    let groups = groups.filter(|group| !group.standing.is_known());
    let groups = groups.map(|group| {
        let title = format!(
            "{name}: {} in {}/{} seeds",
            group.check, group.share.count, group.share.of
        );
        let said = format!("{}\nreplay: {}", group.sentence, group.replay);
        command(level(ExitClass::Correctness), file, section, &title, &said)
    });
    let slos = summary.slos.iter().filter(|slo| slo.answer == Answer::Fail);
    let slos = slos.map(|slo| {
        let quoted = format!("\"{}\"", slo.expression);
        let line = line_of(text, |line| line.contains(&quoted));
        let title = format!("{name}: {} is missed", slo.expression);
        let said = slo.worst.as_ref().map_or(String::new(), |worst| {
            let value = worst.value.to_string();
            format!(
                "worst seed {}: {value}\nreplay: {}",
                worst.seed, worst.replay
            )
        });
        command(level(ExitClass::Slo), file, line.or(section), &title, &said)
    });
    let title = format!("{name}: regression");
    let worse = summary.regressions.iter();
    let worse =
        worse.map(|line| command(level(ExitClass::Regression), file, section, &title, line));
    let bugs = summary.internal_errors.iter();
    let bugs = bugs.map(|line| command("error", file, None, "stormglass itself failed", line));
    bugs.chain(groups).chain(slos).chain(worse).collect()
}

/// The first line, from 1 on, that `is_it`.
fn line_of(text: &str, is_it: impl Fn(&str) -> bool) -> Option<usize> {
    let at = text.lines().position(is_it);
    at.map(|at| at + 1)
}

/// One command; its texts are escaped, so that no name of a scenario can end it or begin another.
fn command(level: &str, file: &str, line: Option<usize>, title: &str, text: &str) -> String {
    let line = line.unwrap_or(1);
    format!(
        "::{level} file={},line={line},title={}::{}",
        escaped(file, true),
        escaped(title, true),
        escaped(text, false)
    )
}

/// As the runner's toolkit escapes: in properties colons and commas too.
fn escaped(text: &str, is_property: bool) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '%' => escaped.push_str("%25"),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            ':' if is_property => escaped.push_str("%3A"),
            ',' if is_property => escaped.push_str("%2C"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_ends_a_command_or_begins_another() {
        let line = command(
            "error",
            "a,b:c.toml",
            Some(7),
            "100 %\n::error::x",
            "one\r\ntwo: 5 %",
        );
        let wanted = "::error file=a%2Cb%3Ac.toml,line=7,title=100 %25%0A%3A%3Aerror%3A%3Ax\
                      ::one%0D%0Atwo: 5 %25";
        assert_eq!(line, wanted);
    }
}
