//! How a run has to fail for a schedule to count as failing still: it breaks a rule, or a part of the user panics.
//! Whoever judges something else, such as objectives, brings a goal of their own.

use super::trial::same;
use crate::assemble::Assembly;
use crate::run::Ran;
use crate::spec::ExpectSpec;
use crate::sweep::{Broken, PartPanic};
use stormglass_core::check::{Answer, Signature, Violation};
use stormglass_core::outcome::Outcome;
use stormglass_core::time::Time;

/// What a schedule is cut down to.
pub trait Goal {
    /// What is wrong with a run in the way that is looked for. A part of the user that panicked is an error.
    fn found(&self, assembly: &Assembly, ran: Result<&Ran, &PartPanic>) -> Option<Violation>;

    /// What the schedule's file asks for; `expect` is what the scenario asked for.
    fn asks(&self, expect: &ExpectSpec) -> ExpectSpec;
}

/// A rule that is broken by the same part in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(pub Signature);

impl Goal for Rule {
    fn found(&self, _: &Assembly, ran: Result<&Ran, &PartPanic>) -> Option<Violation> {
        violation_like(&ran.ok()?.outcome, &self.0).cloned()
    }

    fn asks(&self, _: &ExpectSpec) -> ExpectSpec {
        // Points and objectives are asked of a sweep, which one schedule is not; an objective may have been why
        // the check is made.
        ExpectSpec {
            checks: vec![self.0.check.to_owned()],
            ..ExpectSpec::default()
        }
    }
}

/// The first violation of a run that is the same as `wanted`.
fn violation_like<'a>(outcome: &'a Outcome, wanted: &Signature) -> Option<&'a Violation> {
    let failed = outcome
        .judgements
        .iter()
        .filter(|judgement| judgement.answer == Answer::Fail);
    failed
        .flat_map(|judgement| &judgement.violations)
        .filter(|violation| same(&violation.signature, wanted))
        .min_by_key(|violation| violation.time)
}

/// The name under which a panic stands where a check would.
pub const NO_PANIC: &str = "no-panic";

/// A part of the user that panics or hangs; what it says may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breaks {
    /// The node of the part.
    pub part: String,
    /// How it broke.
    pub how: Broken,
}

impl Goal for Breaks {
    fn found(&self, _: &Assembly, ran: Result<&Ran, &PartPanic>) -> Option<Violation> {
        let panic = ran.err()?;
        if (&panic.part, panic.how) != (&self.part, self.how) {
            return None;
        }
        let anomaly = match self.how {
            Broken::Panicked => "panic",
            Broken::Hung => "hang",
        };
        let sentence = format!("{} broke: {}", panic.part, panic.message);
        // Nobody knows when: the run ended with it.
        let mut violation = Violation::new(anomaly, Time::NEVER, sentence).of(None, "part");
        violation.signature.check = NO_PANIC;
        violation.signature.cause = self.part.clone();
        Some(violation)
    }

    fn asks(&self, _: &ExpectSpec) -> ExpectSpec {
        ExpectSpec::default()
    }
}
