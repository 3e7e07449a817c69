//! Rules over a run's history, and the panel that shows each rule the facts it asks for.
//!
//! Checks believe the World (A2): facts seen, written or durable may clear a part, what a part merely
//! claims may only raise a violation. No check stores events for ever (A16): each keeps what is
//! outstanding, and sets as intervals. Every file's head says what its check verifies and what it does not.

pub mod catalog;
pub mod commit_implies_processed;
pub mod committed_prefix;
pub mod conservation;
pub mod equivalence;
pub mod facts;
mod fault_log;
pub mod fencing;
pub mod gap_free;
pub mod log_matching;
pub mod no_duplicates;
pub mod no_loss;
pub mod nothing_in_flight;
pub mod one_holder;
pub mod one_leader;
pub mod order;
mod panel;
mod progress;
pub mod recovery;
pub mod reference;
mod replicas;
pub mod retention;
#[cfg(test)]
pub(crate) mod tests_support;
pub mod topology;
mod verdict;
pub mod watermark_soundness;
pub mod window_equivalence;

pub use fault_log::FaultLog;
pub use panel::Panel;
pub use topology::Topology;
pub use verdict::{Answer, Findings, Judgement, SHOWN_VIOLATIONS, Signature, Violation, When};

use crate::history::{Kinds, Observation};
use crate::time::Time;

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// When, in true time.
    pub time: Time,
    /// Which limit cut the run before the end of `drain`, if one did (A17): what rests on the end is unknown.
    pub cut: Option<String>,
    /// Whether the audit has read every log and sink whole.
    pub audited: bool,
    /// Why the fault plan lies outside the envelope, if it does: promises of durability do not hold there.
    pub outside: Option<String>,
}

impl End {
    /// Why what rests on a complete end cannot be judged, if so.
    #[must_use]
    pub fn incomplete(&self) -> Option<String> {
        match (&self.cut, self.audited) {
            (Some(limit), _) => Some(format!("the run was cut by a limit: {limit}")),
            (None, false) => Some("the final read did not complete".to_owned()),
            (None, true) => None,
        }
    }
}

/// One rule.
pub trait Checker {
    /// Its name in scenario files and reports.
    fn name(&self) -> &'static str;

    /// The kinds of facts it wants to see.
    fn wants(&self) -> Kinds;

    /// Whether it holds only for fault plans inside the envelope.
    fn needs_envelope(&self) -> bool {
        true
    }

    /// Sees a fact of a kind it wants.
    fn observe(&mut self, observation: &Observation);

    /// Judges, once, when the run is over.
    fn finish(&mut self, end: &End) -> Judgement;
}
