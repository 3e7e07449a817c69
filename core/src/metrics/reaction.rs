//! How soon a fault was noticed, and how soon after its heal what had queued up was gone.
//!
//! Model: a fault is noticed by the first thing that anybody does who has found something wrong: an office is taken,
//! a group is assigned anew, a lease that its holder should have renewed is over, a client sends again or gives up.
//! Limits: whose fault it was cannot be seen. Of faults that overlap each counts the reaction, and one that
//! nobody notices while it lasts or is recovered from counts none.

use crate::check::{FaultLog, Topology};
use crate::fault::FaultPlan;
use crate::history::{Fact, FactKind, Flow, Observation};
use crate::metrics::Phases;
use crate::metrics::recovery::{Episode, Level, healed_at};
use crate::time::{Span, Time};
use serde::Serialize;

/// What somebody does who has found something wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reaction {
    /// A node took an office: it leads a partition, the cluster or a group.
    RoleTaken,
    /// A member of a group was assigned a partition.
    Rebalanced,
    /// A lease was over that its holder should have renewed.
    LeaseExpired,
    /// A client sent a request again, or would have if its budget had paid.
    Retried,
    /// A client gave events up, or its circuit breaker opened.
    GaveUp,
}

impl Reaction {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reaction::RoleTaken => "role taken",
            Reaction::Rebalanced => "rebalanced",
            Reaction::LeaseExpired => "lease expired",
            Reaction::Retried => "retried",
            Reaction::GaveUp => "gave up",
        }
    }

    fn of(seen: &Observation, topology: &Topology) -> Option<Reaction> {
        if let Fact::RoleTaken { .. } = seen.fact {
            Some(Reaction::RoleTaken)
        } else if let Fact::Assigned { .. } = seen.fact {
            Some(Reaction::Rebalanced)
        } else if let Fact::LeaseExpired { group, .. } = seen.fact {
            // A lease that goes round ends without anything wrong.
            let mut leases = topology.leases.iter();
            let renews = leases.any(|lease| lease.group == group && lease.renews);
            renews.then_some(Reaction::LeaseExpired)
        } else if let Fact::GaveUp { .. } = seen.fact {
            Some(Reaction::GaveUp)
        } else if let Fact::Flow(flow) = seen.fact {
            match flow {
                Flow::Retried | Flow::Refused => Some(Reaction::Retried),
                Flow::Opened => Some(Reaction::GaveUp),
                Flow::Waited => None,
            }
        } else {
            None
        }
    }
}

/// How one fault was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FaultTimes {
    /// The fault, by position in the plan.
    pub fault: u32,
    /// The first reaction, and how long after the fault began it came; none if nobody noticed.
    pub detected: Option<(Reaction, Span)>,
    /// From its heal until the backlog was back at its level and stayed; none is never.
    pub drained: Option<Span>,
}

/// The first reaction after each fault began.
#[derive(Clone, Debug, Default)]
pub(super) struct Reactions {
    /// Faults that began.
    began: usize,
    /// Those that somebody reacted to, in the order in which they began. Invariant: a prefix of those that
    /// began, since a reaction counts for all that wait for one.
    first: Vec<(Time, Reaction)>,
}

impl Reactions {
    /// The kinds of facts it wants.
    pub(super) const WANTS: [FactKind; 6] = [
        FactKind::FaultStarted,
        FactKind::RoleTaken,
        FactKind::Assigned,
        FactKind::LeaseExpired,
        FactKind::GaveUp,
        FactKind::Flow,
    ];

    /// Takes the beginning of a fault or a reaction; other facts are passed over.
    pub(super) fn observe(&mut self, seen: &Observation, topology: &Topology) {
        if let Fact::FaultStarted(_) = seen.fact {
            self.began += 1;
        } else if self.first.len() < self.began
            && let Some(reaction) = Reaction::of(seen, topology)
        {
            self.first.resize(self.began, (seen.time, reaction));
        }
    }

    /// How each fault was met that began.
    pub(super) fn times(
        &self,
        level: &Level<'_>,
        (faults, plan): (&FaultLog, &FaultPlan),
        episodes: &[Episode],
        phases: &Phases,
    ) -> Vec<FaultTimes> {
        let began = faults.intervals().iter().enumerate();
        let times = began.map(|(at, (index, started, ended))| {
            let mut belongs = episodes.iter();
            let episode = belongs.find(|episode| episode.faults.contains(index));
            // What happens once everything is back, or has stopped, is no answer to this fault.
            let over = episode.and_then(|episode| Some(episode.healed + episode.recovery?));
            let until = over.unwrap_or(phases.drain);
            let first = self.first.get(at).filter(|(time, _)| *time <= until);
            FaultTimes {
                fault: *index,
                detected: first.map(|(time, reaction)| (*reaction, time.since(*started))),
                drained: level.drained(healed_at(plan, (*index, *started, *ended)), phases),
            }
        });
        times.collect()
    }
}
