//! `junit.xml`: one suite a scenario, one test case a check or SLO.
//!
//! Times are virtual: the suite carries the virtual time of all runs, and so does each case, since
//! each case judges all of them. There is no time stamp (decisions B15). The structure is that of
//! Jenkins' `junit-10.xsd`: a case has no properties, so its figures stand in `system-out`.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use crate::model::against::{Against, AgainstRow};
use crate::model::outcome::Answer;
use crate::model::value::Value;
use crate::summary::{CheckSummary, SloSummary, Summary, seeds_text, shown_or_dash};

/// The file.
#[must_use]
pub fn render(summary: &Summary) -> String {
    let virtual_time = Duration::from_micros(summary.virtual_duration.0);
    let mut suite = TestSuite::new(summary.title());
    suite.set_time(virtual_time);
    let seeds = &summary.seeds;
    for (name, value) in [
        ("exit_code", summary.exit.code.to_string()),
        ("verdict", summary.verdict.word().to_owned()),
        ("fingerprint", summary.fingerprint.clone()),
        ("calibration", summary.stamp()),
        ("seeds", seeds.total().to_string()),
        ("seeds_failed", seeds.fail.to_string()),
        ("seeds_unknown", seeds.unknown.to_string()),
    ] {
        suite.add_property(Property::new(name, value));
    }
    let class = summary.title();
    let checks = summary
        .checks
        .iter()
        .map(|check| check_case(check, summary));
    let slos = summary.slos.iter().map(slo_case);
    let coverage = std::iter::once(coverage_case(summary));
    let baseline = summary.baseline.as_ref().map(baseline_case);
    for mut case in checks.chain(slos).chain(baseline).chain(coverage) {
        case.set_classname(class.clone());
        case.set_time(virtual_time);
        suite.add_test_case(case);
    }
    let mut report = Junit::new("stormglass");
    report.set_time(virtual_time);
    report.add_test_suite(suite);
    let text = report.to_string();
    without_outer_skipped(&text.expect("text of a summary is written to memory"))
}

/// The schema of Jenkins knows `skipped` on a suite and not on the outer element.
fn without_outer_skipped(text: &str) -> String {
    let (outer, suites) = text.split_at(text.find("<testsuite ").unwrap_or(text.len()));
    let Some(start) = outer.find(" skipped=\"") else {
        return text.to_owned();
    };
    let after_value = outer[start..].splitn(3, '"').nth(2).unwrap_or_default();
    format!("{}{after_value}{suites}", &outer[..start])
}

fn check_case(check: &CheckSummary, summary: &Summary) -> TestCase {
    let reasons: Vec<_> = check
        .reasons
        .iter()
        .map(|(reason, runs)| format!("{reason} ({})", seeds_text(*runs)))
        .collect();
    let groups = summary
        .failures
        .iter()
        .filter(|group| group.check == check.name);
    let details: Vec<_> = groups
        .map(|group| {
            let mut lines = vec![
                format!("{}: {}", group.anomaly, group.sentence),
                format!("signature: {}", group.signature),
                format!("seen in: {}", group.share.sentence()),
                format!("first seed: {}", group.first_seed),
            ];
            let words = group.standing.words();
            lines.extend(words.map(|words| format!("list: {words}")));
            lines.extend(group.witness.iter().map(|line| format!("  {line}")));
            lines.extend(group.faults.iter().map(|line| format!("fault: {line}")));
            lines.push(format!("replay: {}", group.replay));
            lines.join("\n")
        })
        .chain(reasons)
        .collect();
    // A failure that is known turns no job red: a skipped case says why.
    let answer = if check.is_known {
        Answer::NotApplicable
    } else {
        check.answer
    };
    let status = status(answer, &check.observed, "check", &details.join("\n\n"));
    let mut case = TestCase::new(check.name.clone(), status);
    case.set_system_out(format!(
        "promise: {}
observed: {}
events judged: {}",
        check.promise, check.observed, check.judged
    ));
    case
}

fn slo_case(slo: &SloSummary) -> TestCase {
    let worst = slo.worst.as_ref();
    let observed = format!(
        "threshold {}, pooled {}, worst seed {} ({}), {} of {} seeds failing, delivered {}/{}",
        slo.threshold,
        slo.pooled_text().unwrap_or_else(|| "–".to_owned()),
        shown_or_dash(worst.map(|run| run.value)),
        slo.margin(),
        Value::Count(slo.answers.fail),
        Value::Count(slo.answers.total()),
        slo.delivered,
        slo.owed
    );
    let replay = worst
        .map(|run| format!("replay: {}", run.replay))
        .unwrap_or_default();
    let status = status(slo.answer, &observed, "slo", &replay);
    let mut case = TestCase::new(format!("slo {} ({})", slo.expression, slo.phase), status);
    case.set_system_out(format!("observed: {observed}"));
    case
}

/// One case for all figures: which of them moved stands in its text.
fn baseline_case(against: &Against) -> TestCase {
    let regressions = against.regressions();
    let answer = if regressions.is_empty() {
        Answer::Pass
    } else {
        Answer::Fail
    };
    let moved: Vec<String> = against.moved().map(AgainstRow::sentence).collect();
    let observed = against.sentence();
    let status = status(answer, &observed, "regression", &regressions.join("\n"));
    let mut case = TestCase::new("baseline", status);
    case.set_system_out(format!("observed: {observed}\n{}", moved.join("\n")));
    case
}

/// Coverage is a case of its own, so that a suite in which nothing was tested is not green.
fn coverage_case(summary: &Summary) -> TestCase {
    let missed: Vec<_> = summary
        .points
        .iter()
        .filter(|point| !point.is_covered)
        .map(|point| {
            format!(
                "{} reached in {} seeds of {} needed",
                point.name, point.reached, point.required
            )
        })
        .collect();
    let classes = summary
        .exit
        .also
        .iter()
        .chain(std::iter::once(&summary.exit.class));
    let counts = classes.into_iter().any(|class| class == "coverage");
    let answer = if counts {
        Answer::Unknown
    } else {
        Answer::Pass
    };
    let message = format!(
        "{} seeds, {} points missed",
        summary.seeds.total(),
        missed.len()
    );
    TestCase::new(
        "coverage",
        status(answer, &message, "coverage", &missed.join("\n")),
    )
}

fn status(answer: Answer, message: &str, kind: &str, details: &str) -> TestCaseStatus {
    let mut status = match answer {
        Answer::Pass => return TestCaseStatus::success(),
        Answer::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Answer::Unknown => TestCaseStatus::non_success(NonSuccessKind::Error),
        Answer::NotApplicable => TestCaseStatus::skipped(),
    };
    status.set_message(message);
    status.set_type(kind);
    if !details.is_empty() {
        status.set_description(details);
    }
    status
}
