//! The checks by name: what each holds the system to, and how it is made.

use crate::check::commit_implies_processed::CommitImpliesProcessed;
use crate::check::committed_prefix::CommittedPrefix;
use crate::check::conservation::Conservation;
use crate::check::equivalence::{Equivalence, References};
use crate::check::facts::Facts;
use crate::check::fencing::Fencing;
use crate::check::gap_free::GapFree;
use crate::check::log_matching::LogMatching;
use crate::check::no_duplicates::NoDuplicates;
use crate::check::no_loss::NoLoss;
use crate::check::nothing_in_flight::NothingInFlight;
use crate::check::one_holder::OneHolder;
use crate::check::one_leader::OneLeader;
use crate::check::order::Order;
use crate::check::recovery::Recovery;
use crate::check::retention::Retention;
use crate::check::watermark_soundness::WatermarkSoundness;
use crate::check::window_equivalence::WindowEquivalence;
use crate::check::{Checker, Topology};
use crate::fault::FaultPlan;
use std::sync::Arc;

/// Every check with what it holds the system to.
pub const CHECKS: [(&str, &str); 20] = [
    (
        "no-loss",
        "every acknowledged event is stored and takes effect",
    ),
    (
        "no-log-loss",
        "every event that a log acknowledged is stored",
    ),
    ("no-duplicates", "no event is stored or takes effect twice"),
    ("no-log-duplicates", "no event is stored twice in a log"),
    (
        "order",
        "events of a key are stored and first take effect in the order they were owed",
    ),
    ("gap-free", "consumers of a log are given every record"),
    (
        "log-matching",
        "one offset of one epoch is one record on every replica and for every reader",
    ),
    (
        "committed-prefix",
        "every new leader has everything that was committed",
    ),
    ("one-leader", "an office has one holder in an epoch"),
    ("retention", "nothing is removed from a log before its time"),
    (
        "commit-implies-processed",
        "a position moves only past events that are done",
    ),
    (
        "conservation",
        "what enters a stage leaves it in a way that is accounted for",
    ),
    (
        "equivalence",
        "the sink shows what one sequential program would make of the log",
    ),
    (
        "window-equivalence",
        "windows show what a batch would make of the log, less what was accounted late",
    ),
    (
        "watermark-soundness",
        "event time moves as the slowest input does, and never back",
    ),
    ("fencing", "a deposed writer has no effect"),
    (
        "one-holder",
        "writes under a lease take effect in the order of its tokens",
    ),
    (
        "recovery",
        "once everything is healed, new events get through",
    ),
    (
        "nothing-in-flight",
        "at the end of the drain nothing waits to be processed",
    ),
    ("facts", "parts store what they say they store"),
];

/// What a check holds the system to, none if there is no such check.
#[must_use]
pub fn promise(name: &str) -> Option<&'static str> {
    let found = CHECKS.iter().find(|(known, _)| *known == name);
    found.map(|(_, promise)| *promise)
}

/// The checks that a word of a scenario stands for; `exactly-once` is two.
#[must_use]
pub fn expand(word: &str) -> Option<Vec<&'static str>> {
    match word {
        "exactly-once" => Some(vec!["no-loss", "no-duplicates"]),
        "at-least-once" => Some(vec!["no-loss"]),
        "at-most-once" => Some(vec!["no-duplicates"]),
        _ => {
            let found = CHECKS.iter().find(|(known, _)| *known == word);
            found.map(|(name, _)| vec![*name])
        }
    }
}

/// Makes a check by name. `references` are the programs of users' operators, for `equivalence` alone.
#[must_use]
pub fn make(
    name: &str,
    topology: &Arc<Topology>,
    plan: &Arc<FaultPlan>,
    references: References,
) -> Option<Box<dyn Checker>> {
    Some(match name {
        "no-loss" => Box::new(NoLoss::new(topology, plan)),
        "no-log-loss" => Box::new(NoLoss::in_log(topology, plan)),
        "no-duplicates" => Box::new(NoDuplicates::new(topology)),
        "no-log-duplicates" => Box::new(NoDuplicates::in_log(topology)),
        "order" => Box::new(Order::new(topology)),
        "gap-free" => Box::new(GapFree::new(topology)),
        "log-matching" => Box::new(LogMatching::new(topology)),
        "committed-prefix" => Box::new(CommittedPrefix::new(topology)),
        "one-leader" => Box::new(OneLeader::new(topology)),
        "retention" => Box::new(Retention::new(topology, plan)),
        "commit-implies-processed" => Box::new(CommitImpliesProcessed::new(topology)),
        "conservation" => Box::new(Conservation::new(topology)),
        "equivalence" => Box::new(Equivalence::new(topology, references)),
        "window-equivalence" => Box::new(WindowEquivalence::new(topology)),
        "watermark-soundness" => Box::new(WatermarkSoundness::new(topology)),
        "fencing" => Box::new(Fencing::new(topology)),
        "one-holder" => Box::new(OneHolder::new(topology)),
        "recovery" => Box::new(Recovery::new(topology)),
        "nothing-in-flight" => Box::new(NothingInFlight::new(topology)),
        "facts" => Box::new(Facts::new(topology)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests_support::log_pipeline;

    #[test]
    fn every_check_can_be_made_under_its_own_name() {
        let (topology, plan) = (log_pipeline(), Arc::default());
        for (name, _) in CHECKS {
            let checker = make(name, &topology, &plan, References::new()).unwrap();
            assert_eq!(checker.name(), name);
            assert_eq!(expand(name), Some(vec![name]));
        }
        assert!(make("exactly-once", &topology, &plan, References::new()).is_none());
    }
}
