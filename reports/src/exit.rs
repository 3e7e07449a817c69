//! Exit classes of the command line, and how a report decides its own.
//!
//! The codes are part of the interface: CI jobs branch on them. All are below 126, which shells
//! reserve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{CheckRow, Mode, PointRow, Report, SloRow};

/// Why the process ends, in order of precedence: the first class that applies decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitClass {
    /// Bad usage, invalid scenario or baseline.
    Usage,
    /// A bug of the tool itself.
    Internal,
    /// The same seed gave another fingerprint.
    Nondeterminism,
    /// A safety or liveness promise was broken.
    Correctness,
    /// An SLO was violated and nothing else was.
    Slo,
    /// Worse than the baseline only.
    Regression,
    /// Nothing, or not enough, was tested.
    Coverage,
    /// A budget or limit was reached before a judgement.
    Inconclusive,
    /// All gates pass with sufficient coverage.
    Success,
}

impl ExitClass {
    /// The process exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Correctness => 1,
            Self::Usage => 2,
            Self::Slo => 3,
            Self::Coverage => 4,
            Self::Inconclusive => 5,
            Self::Regression => 6,
            Self::Nondeterminism => 7,
            Self::Internal => 70,
        }
    }

    /// The word in the last line of the console and in `--warn`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Correctness => "correctness",
            Self::Usage => "usage",
            Self::Slo => "slo",
            Self::Coverage => "coverage",
            Self::Inconclusive => "inconclusive",
            Self::Regression => "regression",
            Self::Nondeterminism => "nondeterminism",
            Self::Internal => "internal",
        }
    }

    /// Whether `--warn` may name the class: the others say that no result can be trusted.
    #[must_use]
    pub fn can_be_warned(self) -> bool {
        match self {
            Self::Correctness
            | Self::Slo
            | Self::Regression
            | Self::Coverage
            | Self::Inconclusive => true,
            Self::Usage | Self::Internal | Self::Nondeterminism | Self::Success => false,
        }
    }

    /// What a reader is told.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Success => Verdict::Pass,
            Self::Coverage | Self::Inconclusive => Verdict::Unknown,
            Self::Usage
            | Self::Internal
            | Self::Nondeterminism
            | Self::Correctness
            | Self::Slo
            | Self::Regression => Verdict::Fail,
        }
    }

    /// The class that decides among several: the one with the highest precedence.
    #[must_use]
    pub fn decide(classes: impl IntoIterator<Item = Self>) -> Self {
        classes.into_iter().min().unwrap_or(Self::Success)
    }
}

/// The answer of a whole report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every gate holds and enough was tested.
    Pass,
    /// Nothing was violated, but too little was tested to say that nothing is.
    Unknown,
    /// Something was violated.
    Fail,
}

impl Verdict {
    /// The word shown to a reader.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Unknown => "UNKNOWN",
            Self::Fail => "FAIL",
        }
    }
}

impl Report {
    /// Every class that applies, demoted ones included, without repetition and in order of
    /// precedence. Empty means success.
    #[must_use]
    pub fn exit_classes(&self) -> Vec<ExitClass> {
        let applies = [
            (ExitClass::Usage, !self.stale.is_empty()),
            (ExitClass::Internal, !self.internal_errors.is_empty()),
            (
                ExitClass::Nondeterminism,
                !self.determinism.differing.is_empty(),
            ),
            (ExitClass::Correctness, self.breaks_a_promise()),
            (ExitClass::Slo, self.slos.iter().any(SloRow::is_violated)),
            (ExitClass::Regression, !self.regressions.is_empty()),
            (ExitClass::Coverage, self.lacks_coverage()),
            (ExitClass::Inconclusive, self.has_unknown()),
        ];
        applies
            .into_iter()
            .filter(|(_, applies)| *applies)
            .map(|(class, _)| class)
            .collect()
    }

    /// The class that decides the exit code.
    #[must_use]
    pub fn exit_class(&self) -> ExitClass {
        let demoted = |class: &ExitClass| class.can_be_warned() && self.warn.contains(class);
        ExitClass::decide(
            self.exit_classes()
                .into_iter()
                .filter(|class| !demoted(class)),
        )
    }

    /// Whether anything is broken that is not known to be: a check may fail without a signature of its own.
    fn breaks_a_promise(&self) -> bool {
        let has_group = |name: &str| self.failures.iter().any(|group| group.check == name);
        self.failures.iter().any(|group| !group.standing.is_known())
            || self
                .checks
                .iter()
                .any(|check| check.answers.fail > 0 && !has_group(&check.name))
    }

    /// Whether too little was tested. One seed can not cover points of a sweep, so `run` asks only
    /// that anything ran at all (decisions B16).
    fn lacks_coverage(&self) -> bool {
        let runs = self.seeds.len() as u64;
        match self.identity.mode {
            Mode::Run => runs == 0,
            Mode::Gate => {
                runs == 0
                    || self.points.iter().any(|point| !point.is_covered(runs))
                    || self.checks.iter().any(CheckRow::is_vacuous)
                    || self.slos.iter().any(SloRow::is_vacuous)
            }
        }
    }

    fn has_unknown(&self) -> bool {
        self.seeds
            .iter()
            .any(|seed| seed.answer == crate::model::outcome::Answer::Unknown)
            || self.checks.iter().any(|check| check.answers.unknown > 0)
            || self.slos.iter().any(|slo| slo.answers.unknown > 0)
    }
}

impl CheckRow {
    /// Whether the check applied somewhere and never had anything to judge.
    #[must_use]
    pub fn is_vacuous(&self) -> bool {
        let applied = self.answers.total() - self.answers.not_applicable;
        applied > 0 && self.exercised == 0 && self.answers.fail == 0
    }
}

impl SloRow {
    /// Whether more runs violate it than it allows (decisions B5).
    #[must_use]
    pub fn is_violated(&self) -> bool {
        self.answers.fail > self.allow
    }
}

impl SloRow {
    /// Whether no run at all could be asked: a scenario that states an SLO expects its phase.
    #[must_use]
    pub fn is_vacuous(&self) -> bool {
        self.answers.total() == self.answers.not_applicable
    }
}

impl PointRow {
    /// The number of `runs` that must reach the point: its share rounded up, at least its minimum,
    /// and never more than there are runs.
    #[must_use]
    pub fn required(&self, runs: u64) -> u64 {
        let share = (u128::from(runs) * u128::from(self.min_share_ppm)).div_ceil(1_000_000);
        u64::try_from(share)
            .expect("a share of a u64 fits")
            .max(self.min_runs)
            .min(runs)
    }

    /// Whether enough of `runs` reached it.
    #[must_use]
    pub fn is_covered(&self, runs: u64) -> bool {
        self.reached >= self.required(runs)
    }
}
