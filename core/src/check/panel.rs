//! All checks of a run: each is shown only the kinds of facts it asks for.

use crate::check::{Answer, Checker, End, FaultLog, Judgement, Topology};
use crate::fault::FaultPlan;
use crate::history::{Fact, FactKind, Kinds, Observation};
use std::sync::Arc;

/// One list for each kind of fact.
const KINDS: usize = FactKind::Custom as usize + 1;

/// The checks of a run.
pub struct Panel {
    topology: Arc<Topology>,
    checkers: Vec<Box<dyn Checker>>,
    by_kind: [Vec<usize>; KINDS],
    faults: FaultLog,
    /// Events acknowledged while a fault was active.
    exercised: u64,
}

impl Panel {
    /// A panel of `checkers` for a run of `plan`.
    #[must_use]
    pub fn new(
        topology: Arc<Topology>,
        plan: Arc<FaultPlan>,
        checkers: Vec<Box<dyn Checker>>,
    ) -> Panel {
        let mut by_kind = [const { Vec::new() }; KINDS];
        for (kind, list) in FactKind::ALL.iter().zip(&mut by_kind) {
            let wanting = checkers.iter().enumerate();
            *list = wanting
                .filter(|(_, checker)| checker.wants().contains(*kind))
                .map(|(i, _)| i)
                .collect();
        }
        Panel {
            topology,
            checkers,
            by_kind,
            faults: FaultLog::new(plan),
            exercised: 0,
        }
    }

    /// The kinds of facts that somebody here wants, or that the panel itself needs.
    #[must_use]
    pub fn wants(&self) -> Kinds {
        let own = Kinds::of(&[
            FactKind::Acknowledged,
            FactKind::FaultStarted,
            FactKind::FaultEnded,
        ]);
        self.checkers
            .iter()
            .fold(own, |kinds, checker| kinds.union(checker.wants()))
    }

    /// Shows a fact to those who want it.
    pub fn observe(&mut self, observation: &Observation) {
        self.faults.observe(observation);
        if let Fact::Acknowledged(published) = &observation.fact
            && self.faults.is_active()
        {
            self.exercised += published.batch.count();
        }
        for i in &self.by_kind[observation.fact.kind() as usize] {
            self.checkers[*i].observe(observation);
        }
    }

    /// When the faults were active.
    #[must_use]
    pub const fn faults(&self) -> &FaultLog {
        &self.faults
    }

    /// Judges the run: an answer of every check, in the order given.
    #[must_use]
    pub fn finish(mut self, end: &End) -> Vec<Judgement> {
        let mut judgements = Vec::with_capacity(self.checkers.len());
        for checker in &mut self.checkers {
            let judgement = match &end.outside {
                Some(why) if checker.needs_envelope() => {
                    Judgement::not_applicable(checker.name(), why)
                }
                Some(_) | None => checker.finish(end),
            };
            judgements.push(judgement);
        }
        for judgement in &mut judgements {
            judgement.exercised = match judgement.answer {
                Answer::NotApplicable => 0,
                Answer::Pass | Answer::Unknown | Answer::Fail => {
                    judgement.judged.min(self.exercised)
                }
            };
            for violation in &mut judgement.violations {
                violation.signature.cause = self.faults.cause(violation.time, violation.when);
                violation.signature.part = violation.part.map(|part| self.topology.part(part).kind);
            }
        }
        judgements
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests_support::{History, log_pipeline};
    use crate::check::{Findings, Violation};
    use crate::history::{Kinds, Role};

    struct CountsRoles(Findings);

    impl Checker for CountsRoles {
        fn name(&self) -> &'static str {
            "counts-roles"
        }
        fn wants(&self) -> Kinds {
            Kinds::of(&[FactKind::RoleTaken])
        }
        fn observe(&mut self, seen: &Observation) {
            assert_eq!(seen.fact.kind(), FactKind::RoleTaken);
            self.0.judged += 1;
            self.0
                .add(|| Violation::new("test", seen.time, String::new()));
        }
        fn finish(&mut self, _: &End) -> Judgement {
            self.0.judge()
        }
    }

    fn panel(history: &History) -> Panel {
        let checker = Box::new(CountsRoles(Findings::new("counts-roles")));
        Panel::new(log_pipeline(), history.plan(), vec![checker])
    }

    #[test]
    fn a_check_sees_only_what_it_wants_and_the_fault_that_began_last_explains_its_finding() {
        let mut history = History::new();
        history.fault(crate::fault::FaultKind::Crash);
        history.claim(
            1,
            Fact::RoleTaken {
                role: Role::Controller,
                epoch: 1,
            },
        );
        let mut panel = panel(&history);
        history.show(|seen| panel.observe(seen));
        let judgements = panel.finish(&End::default());
        assert_eq!(judgements[0].judged, 1);
        assert_eq!(judgements[0].violations[0].signature.cause, "crash");
    }

    #[test]
    fn a_plan_outside_the_envelope_leaves_nothing_to_judge() {
        let panel = panel(&History::new());
        let end = End {
            outside: Some("two power losses at once".to_owned()),
            ..End::default()
        };
        assert_eq!(panel.finish(&end)[0].answer, Answer::NotApplicable);
    }
}
