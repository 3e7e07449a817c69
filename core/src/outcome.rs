//! One run, judged: what leaves a run and goes into a report.

use crate::check::{Answer, Judgement, Signature};
use crate::digest::FINGERPRINT_VERSION;
use crate::fault::Fault;
use crate::metrics::Metrics;
use crate::part::PartKind;
use crate::time::Time;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The rolling hash of every step of a run, with the version of its algorithm (A13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{FINGERPRINT_VERSION}:{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What became of a fault of the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolvedFault {
    /// The fault as planned, with its symbolic target.
    pub fault: Fault,
    /// The nodes it struck, by name; empty if its target never had a holder.
    pub nodes: Vec<String>,
    /// When it began, if it did.
    pub started: Option<Time>,
    /// When it was healed, if it was before the end.
    pub ended: Option<Time>,
    /// How many inputs, operations or processes it touched.
    pub effects: u64,
}

impl ResolvedFault {
    /// Whether it was asked for and did nothing: the run is unknown then (A6).
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.fault.planned && (self.started.is_none() || self.effects == 0)
    }
}

/// How far a node's wall clock was ahead of true time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClockTrack {
    /// The node, by name.
    pub node: String,
    /// Instants at which its offset or pace changed, in order, with the offset in nanoseconds; between two of them
    /// it changes evenly.
    pub points: Vec<(Time, i64)>,
}

/// A point that nodes of a kind of part passed, and the kinds of faults that were active meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PointUnderFault {
    /// The point, by name.
    pub point: &'static str,
    /// What passed it.
    pub part: PartKind,
    /// Kinds that were active anywhere when it did, in order of their names.
    pub faults: Vec<Reached>,
}

/// A kind of fault under which a point was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reached {
    /// The kind, by name.
    pub kind: &'static str,
    /// Whether one of the kind struck a node that passed the point.
    pub struck: bool,
}

/// Which bound cut a run (A17).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Too many steps in all.
    Steps(u64),
    /// Too many steps at one instant: a livelock of these nodes, which is a failure.
    Livelock(Vec<String>),
    /// Too much memory, in bytes.
    Memory(u64),
    /// Too much time on the machine that runs the simulation.
    WallTime,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Steps(steps) => write!(f, "{steps} steps"),
            Limit::Livelock(nodes) => write!(f, "livelock of {}", nodes.join(", ")),
            Limit::Memory(bytes) => write!(f, "{bytes} bytes of memory"),
            Limit::WallTime => f.write_str("wall time"),
        }
    }
}

/// What the modelled system moved and stored in a run: what its owner would pay for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Packets sent, those of connections being opened and closed included.
    pub messages: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Bytes of them that left their zone.
    pub cross_zone_bytes: u64,
    /// Disk writes.
    pub disk_writes: u64,
    /// Disk syncs.
    pub disk_syncs: u64,
    /// Bytes written to disks.
    pub disk_bytes: u64,
    /// The most bytes that each disk held at once, added up.
    pub stored_bytes: u64,
    /// Nodes that ran, the audit's not counted.
    pub nodes: u64,
}

/// A run, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The rolling hash of every step.
    pub fingerprint: Fingerprint,
    /// Steps in all.
    pub steps: u64,
    /// When the run ended, in true time.
    pub ended: Time,
    /// An answer of every check.
    pub judgements: Vec<Judgement>,
    /// The fault plan, symbolic and resolved.
    pub faults: Vec<ResolvedFault>,
    /// The wall clocks that were ever changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockTrack>,
    /// Points passed, by name, and how often.
    pub points: BTreeMap<&'static str, u64>,
    /// Points passed by nodes of parts, and under which faults; by point and part.
    pub reached: Vec<PointUnderFault>,
    /// What was measured.
    pub metrics: Metrics,
    /// What the modelled system moved and stored.
    pub cost: Cost,
    /// Which bound cut the run, if one did.
    pub limit: Option<Limit>,
}

impl Outcome {
    /// Why the run as a whole cannot be judged, if so.
    #[must_use]
    pub fn unknown(&self) -> Option<String> {
        match &self.limit {
            Some(Limit::Livelock(_)) | None => {}
            Some(limit) => return Some(format!("the run was cut by a limit: {limit}")),
        }
        let idle = self.faults.iter().find(|fault| fault.is_idle())?;
        Some(format!("a planned fault had no effect: {}", idle.fault))
    }

    /// The run's answer (B6): it passes only if every check that applies passes. A livelock is a failure.
    #[must_use]
    pub fn answer(&self) -> Answer {
        let livelock = matches!(self.limit, Some(Limit::Livelock(_)));
        let checks = self.judgements.iter().map(|judgement| judgement.answer);
        let whole = if livelock {
            Answer::Fail
        } else if self.unknown().is_some() {
            Answer::Unknown
        } else {
            Answer::NotApplicable
        };
        checks.fold(whole, Answer::max)
    }

    /// By what its failures are grouped: each signature once, in order.
    #[must_use]
    pub fn signatures(&self) -> BTreeSet<&Signature> {
        let violations = self
            .judgements
            .iter()
            .flat_map(|judgement| &judgement.violations);
        violations.map(|violation| &violation.signature).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultKind, Target};
    use crate::time::Span;

    fn outcome(answers: &[Answer]) -> Outcome {
        let judgement = |answer: &Answer| Judgement {
            answer: *answer,
            ..Judgement::not_applicable("test", "")
        };
        Outcome {
            seed: 1,
            fingerprint: Fingerprint(0xAB),
            steps: 0,
            ended: Time::ZERO,
            judgements: answers.iter().map(judgement).collect(),
            faults: Vec::new(),
            clocks: Vec::new(),
            points: BTreeMap::new(),
            reached: Vec::new(),
            metrics: Metrics::default(),
            cost: Cost::default(),
            limit: None,
        }
    }

    #[test]
    fn a_run_passes_only_if_every_check_that_applies_passes() {
        use Answer::{Fail, NotApplicable, Pass, Unknown};
        assert_eq!(outcome(&[Pass, NotApplicable]).answer(), Pass);
        assert_eq!(outcome(&[Pass, Unknown]).answer(), Unknown);
        assert_eq!(outcome(&[Fail, Unknown, Pass]).answer(), Fail);
        assert_eq!(outcome(&[]).answer(), NotApplicable);
    }

    #[test]
    fn a_planned_fault_without_effect_makes_the_run_unknown_and_is_named() {
        let mut outcome = outcome(&[Answer::Pass]);
        outcome.faults.push(ResolvedFault {
            fault: Fault {
                name: None,
                at: Time(Span::secs(1).0),
                lasts: Span::secs(2),
                kind: FaultKind::Crash,
                target: Target::Leader("broker.main".to_owned()),
                planned: true,
            },
            nodes: Vec::new(),
            started: None,
            ended: None,
            effects: 0,
        });
        assert_eq!(outcome.answer(), Answer::Unknown);
        assert!(outcome.unknown().unwrap().contains("leader of broker.main"));
    }

    #[test]
    fn a_livelock_is_a_failure_and_other_limits_are_not() {
        let mut outcome = outcome(&[Answer::Pass]);
        outcome.limit = Some(Limit::Steps(5));
        assert_eq!(outcome.answer(), Answer::Unknown);
        outcome.limit = Some(Limit::Livelock(vec!["broker.main.0".to_owned()]));
        assert_eq!(outcome.answer(), Answer::Fail);
    }

    #[test]
    fn a_fingerprint_prints_its_version() {
        assert_eq!(Fingerprint(0xAB).to_string(), "v1:00000000000000ab");
    }
}
