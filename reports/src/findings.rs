//! What a reviewer is pointed at: one finding a signature, missed objective, regression or gap, with the line of
//! the scenario that asks for it. SARIF, GitLab's code quality and GitHub's annotations render these.

use crate::exit::ExitClass;
use crate::html::words::tame;
use crate::model::known::Standing;
use crate::model::outcome::Answer;
use crate::summary::{Summary, shown_or_dash};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It turns the gate red.
    Error,
    /// It does not, because of `--warn` or of what it is.
    Warning,
    /// It is known, or only told.
    Note,
}

/// One thing that a reviewer should see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is broken: a check's name, `slo`, `regression`, `coverage`, `nondeterminism`, `internal` or `stale`.
    pub rule: String,
    /// What the rule holds the system to.
    pub about: String,
    /// One line.
    pub title: String,
    /// What happened, and the command that shows it again.
    pub message: String,
    /// How much it weighs.
    pub level: Level,
    /// What makes it the same finding in another run: no seeds, times or offsets.
    pub identity: String,
    /// The line of the scenario, counted from 1.
    pub line: u32,
    /// In how many seeds it was seen.
    pub count: u64,
    /// Why it may stay, if it is known.
    pub known: Option<String>,
}

impl Finding {
    /// The identity as 16 hexadecimal digits, the same on every machine: FNV-1a over scenario and identity.
    #[must_use]
    pub fn fingerprint(&self, summary: &Summary) -> String {
        let title = summary.title();
        let bytes = title.bytes().chain([0]).chain(self.identity.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

/// All findings, the heaviest first.
#[must_use]
pub fn of(summary: &Summary) -> Vec<Finding> {
    let mut found = broken(summary);
    found.extend(missed(summary));
    let list = |rule: &str, class: ExitClass, about: &str, lines: &[String]| {
        let level = level(summary, class);
        let finding = |line: &String| Finding {
            rule: rule.to_owned(),
            about: about.to_owned(),
            title: format!("{rule}: {}", summary.title()),
            message: format!("{line}\n{}", summary.identity.command),
            level,
            // What stands before the colon names the figure; what follows is numbers.
            identity: format!("{rule} {}", line.split(':').next().unwrap_or_default()),
            line: summary.identity.line_of(rule),
            count: 1,
            known: None,
        };
        lines.iter().map(finding).collect::<Vec<_>>()
    };
    let differing: Vec<String> = summary.determinism.differing.iter().cloned().collect();
    let lists: [(&str, ExitClass, &str, &[String]); 5] = [
        (
            "nondeterminism",
            ExitClass::Nondeterminism,
            "The same seed gives the same fingerprint.",
            &differing,
        ),
        (
            "internal",
            ExitClass::Internal,
            "The tool itself does not break.",
            &summary.internal_errors,
        ),
        (
            "regression",
            ExitClass::Regression,
            "No figure is worse than the baseline by more than its margin.",
            &summary.regressions,
        ),
        (
            "stale",
            ExitClass::Usage,
            "Every known failure is still seen.",
            &summary.stale,
        ),
        (
            "coverage",
            ExitClass::Coverage,
            "Enough was tested to say that nothing is broken.",
            if classes(summary).any(|class| class == "coverage") {
                &summary.not_covered
            } else {
                &[]
            },
        ),
    ];
    for (rule, class, about, lines) in lists {
        found.extend(list(rule, class, about, lines));
    }
    let (code, expected) = (summary.exit.code, summary.identity.expected_exit);
    if code != 0 && code == expected {
        // It exists to show a failure, and shows it.
        found
            .iter_mut()
            .for_each(|finding| finding.level = Level::Note);
    }
    found.sort_by_key(|finding| finding.level);
    for finding in &mut found {
        for text in [
            &mut finding.rule,
            &mut finding.about,
            &mut finding.title,
            &mut finding.message,
        ] {
            *text = tame(text);
        }
    }
    found
}

/// Every class that applies.
fn classes(summary: &Summary) -> impl Iterator<Item = &str> {
    let exit = &summary.exit;
    let all = exit.also.iter().chain(&exit.warned).chain([&exit.class]);
    all.map(String::as_str)
}

fn level(summary: &Summary, class: ExitClass) -> Level {
    if summary.exit.warned.iter().any(|word| word == class.word()) {
        Level::Warning
    } else {
        Level::Error
    }
}

fn broken(summary: &Summary) -> Vec<Finding> {
    let level = level(summary, ExitClass::Correctness);
    let groups = summary.failures.iter().map(|group| Finding {
        rule: group.check.clone(),
        about: group.promise.clone(),
        title: format!("{} · {}: {}", group.check, group.anomaly, summary.title()),
        message: format!(
            "{}\nseen in {}\nreplay: {}",
            group.sentence,
            group.share.sentence(),
            group.replay
        ),
        level: if group.standing.is_known() {
            Level::Note
        } else {
            level
        },
        identity: group.signature.clone(),
        line: summary.identity.line_of(&group.check),
        count: group.share.count,
        known: match &group.standing {
            Standing::Known { .. } => group.standing.words(),
            Standing::Unasked | Standing::New | Standing::AtBase { .. } => None,
        },
    });
    groups.collect()
}

fn missed(summary: &Summary) -> Vec<Finding> {
    let level = level(summary, ExitClass::Slo);
    let missed = summary.slos.iter().filter(|slo| slo.answer == Answer::Fail);
    let findings = missed.map(|slo| {
        let worst = slo.worst.as_ref();
        let replay = worst.map_or_else(String::new, |run| format!("\nreplay: {}", run.replay));
        Finding {
            rule: "slo".to_owned(),
            about: "Every objective is met in every seed that it allows for.".to_owned(),
            title: format!("{} is missed: {}", slo.expression, summary.title()),
            message: format!(
                "worst seed {} against {} ({}), pooled {}{replay}",
                shown_or_dash(worst.map(|run| run.value)),
                slo.threshold,
                slo.margin(),
                slo.pooled_text().unwrap_or_else(|| "–".to_owned()),
            ),
            level,
            identity: format!("slo {} {}", slo.expression, slo.phase),
            line: summary.identity.line_of(&slo.expression),
            count: slo.answers.fail,
            known: None,
        }
    });
    findings.collect()
}
