//! What fails under a seed, the first failure first.

use crate::fold::fold;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use stormglass_core::check::Violation;
use stormglass_reports::model::outcome::Answer;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::run::{Driver, Ran, run};
use stormglass_scenarios::sweep::PartPanic;

/// Checks and objectives that fail under a seed, in the order of the instants at which they first did;
/// objectives, which are judged at the end, come last.
pub fn failed(assembly: &Arc<Assembly>, seed: u64) -> Vec<(u64, String)> {
    let ran = match catch_unwind(AssertUnwindSafe(|| run(assembly, seed, Driver::Auto))) {
        Ok(ran) => ran,
        // A user's part that panics is what a gate would be red for.
        Err(payload) if payload.is::<PartPanic>() => return vec![(0, "no-panic".to_owned())],
        Err(payload) => resume_unwind(payload),
    };
    failed_in(assembly, &ran)
}

/// Those that fail in a run.
pub fn failed_in(assembly: &Assembly, ran: &Ran) -> Vec<(u64, String)> {
    let told = fold(assembly, 0, ran);
    let first = |check: &str| {
        let judgements = ran.outcome.judgements.iter();
        let violations = judgements.flat_map(|judgement| &judgement.violations);
        let of = violations.filter(|violation: &&Violation| violation.signature.check == check);
        of.map(|violation| violation.time.0)
            .min()
            .unwrap_or(u64::MAX)
    };
    let checks: BTreeSet<&String> = told.failures.iter().map(|failure| &failure.check).collect();
    let checks = checks
        .into_iter()
        .map(|check| (first(check), check.clone()));
    let slos = told.slos.iter().filter(|slo| slo.answer == Answer::Fail);
    let slos = slos.map(|slo| (u64::MAX, format!("slo {}", slo.expression)));
    let mut failed: Vec<(u64, String)> = checks.chain(slos).collect();
    failed.sort_by_key(|(time, _)| *time);
    failed
}
