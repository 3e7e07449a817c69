//! When the faults of a plan were active, and which one explains a violation.

use crate::check::When;
use crate::fault::{FaultKind, FaultPlan};
use crate::history::{Fact, Observation};
use crate::time::Time;
use std::sync::Arc;

/// The faults that began, in order.
#[derive(Clone, Debug, Default)]
pub struct FaultLog {
    plan: Arc<FaultPlan>,
    /// Position in the plan, start, end (`Time::NEVER` while active).
    began: Vec<(u32, Time, Time)>,
    active: u32,
}

impl FaultLog {
    /// Nothing has begun.
    #[must_use]
    pub const fn new(plan: Arc<FaultPlan>) -> FaultLog {
        FaultLog {
            plan,
            began: Vec::new(),
            active: 0,
        }
    }

    /// Takes a beginning or an end of a fault; other facts are passed over.
    pub fn observe(&mut self, observation: &Observation) {
        if let Fact::FaultStarted(index) = observation.fact {
            self.began.push((index, observation.time, Time::NEVER));
            self.active += 1;
        } else if let Fact::FaultEnded(index) = observation.fact {
            let open = |entry: &&mut (u32, Time, Time)| entry.0 == index && entry.2 == Time::NEVER;
            if let Some(entry) = self.began.iter_mut().rev().find(open) {
                entry.2 = observation.time;
                self.active -= 1;
            }
        }
    }

    /// Whether a fault is active.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.active > 0
    }

    /// The faults that began: position in the plan, start, end.
    #[must_use]
    pub fn intervals(&self) -> &[(u32, Time, Time)] {
        &self.began
    }

    /// The name of the fault that explains a violation: its class, and its point if it has one.
    #[must_use]
    pub fn cause(&self, time: Time, when: When) -> String {
        let before = || self.began.iter().rev().find(|fault| fault.1 <= time);
        let found = match when {
            When::Happened => before(),
            When::SomeTimeAfter => {
                let after = self.began.iter().find(|fault| fault.2 >= time);
                after.or_else(before)
            }
        };
        let kind = found.and_then(|fault| self.plan.faults.get(fault.0 as usize));
        match kind.map(|fault| &fault.kind) {
            None => "no fault".to_owned(),
            Some(FaultKind::CrashAt { point, .. }) => format!("crash-at {point}"),
            Some(FaultKind::YieldAt { point, .. }) => format!("yield-at {point}"),
            Some(kind) => kind.name().to_owned(),
        }
    }
}
