//! A missed objective as what a schedule is shrunk to.

use crate::fold::objectives;
use stormglass_core::check::Violation;
use stormglass_core::time::Time;
use stormglass_reports::model::outcome::Answer;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::run::Ran;
use stormglass_scenarios::shrink::Goal;
use stormglass_scenarios::spec::ExpectSpec;
use stormglass_scenarios::sweep::PartPanic;

/// The name under which objectives stand where a check would.
pub const OBJECTIVE: &str = "objective";

/// An objective that a run misses, by its expression.
pub struct Missed(String);

impl Missed {
    /// The first objective that a run misses; if `what` is an expression, that one.
    pub fn by(assembly: &Assembly, ran: &Ran, what: &str) -> Option<Missed> {
        let judged = objectives(assembly, ran).into_iter();
        let mut missed = judged.filter(|one| one.answer == Answer::Fail);
        missed
            .find(|one| what == OBJECTIVE || one.expression == what)
            .map(|one| Missed(one.expression))
    }
}

impl Goal for Missed {
    fn found(&self, assembly: &Assembly, ran: Result<&Ran, &PartPanic>) -> Option<Violation> {
        let mut judged = objectives(assembly, ran.ok()?).into_iter();
        let missed = judged.find(|one| one.expression == self.0 && one.answer == Answer::Fail)?;
        let shown = missed.observed.map(|value| format!(": it was {value}"));
        let sentence = format!("{} was missed{}", self.0, shown.unwrap_or_default());
        let mut violation = Violation::new("missed", Time::NEVER, sentence).of(None, "run");
        violation.signature.check = OBJECTIVE;
        violation.signature.cause.clone_from(&self.0);
        Some(violation)
    }

    fn asks(&self, expect: &ExpectSpec) -> ExpectSpec {
        let own = expect.slo.iter().filter(|slo| slo.text == self.0);
        ExpectSpec {
            slo: own.cloned().collect(),
            ..ExpectSpec::default()
        }
    }
}
