//! A plan, changed in one to three places: what a guided search tries next.
//!
//! Planned faults of the file stay as they are. Everything else stays inside chaos and inside the budget, as if
//! it had been drawn.

use super::draw::Sampler;
use super::{EnvelopeBudget, assert_inside, lengths};
use crate::load::Case;
use crate::spec::faults::EnvelopeRule;
use crate::spec::{BrokerSpec, target};
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::rng::Stream;
use stormglass_core::time::Span;

/// Changes of one mutation at most.
const CHANGES: u64 = 3;

/// A neighbour of `plan`, drawn from `stream`. `base` is the scenario as written.
#[must_use]
pub fn mutate(stream: Stream, base: &Case, plan: &FaultPlan) -> FaultPlan {
    let (planned, mut faults): (Vec<Fault>, Vec<Fault>) =
        plan.faults.iter().cloned().partition(|fault| fault.planned);
    let mut budget = EnvelopeBudget::of_case(base);
    if base.scenario.faults.envelope == EnvelopeRule::Off {
        budget.open();
    }
    let mut sampler = Sampler::new(stream, &base.scenario, &base.phases, budget);
    for _ in 0..sampler.stream.between(1, CHANGES) {
        sampler.change(&planned, &mut faults);
    }
    faults.extend(planned);
    // A stable sort by time and then by what was asked for, as a drawn plan is.
    faults.sort_by_key(|fault| (fault.at, !fault.planned));
    assert_inside(&faults, &base.phases);
    FaultPlan { faults }
}

impl Sampler<'_> {
    /// One change: a fault is added, removed, moved, or made another.
    fn change(&mut self, planned: &[Fault], faults: &mut Vec<Fault>) {
        let most = self.scenario.faults.max as usize;
        let adds = faults.is_empty() || (faults.len() < most && self.stream.chance(250_000));
        if adds {
            self.forget_all_but(planned, faults);
            faults.extend(self.any());
            return;
        }
        let place = self.stream.below(faults.len() as u64) as usize;
        let old = faults.remove(place);
        self.forget_all_but(planned, faults);
        let new = match self.stream.below(5) {
            0 if !faults.is_empty() => return,
            0 | 1 => self.place(old.kind.clone(), old.target.clone(), old.lasts),
            2 => {
                let lasts = self.other_length(&old);
                self.place_at(old.kind.clone(), old.target.clone(), old.at, lasts)
            }
            3 => {
                let target = self.other_target(&old.target);
                self.place_at(old.kind.clone(), target, old.at, old.lasts)
            }
            _ => self.any(),
        };
        match new {
            Some(new) => faults.push(new),
            None => {
                // It fitted before.
                faults.push(old);
            }
        }
    }

    /// Nothing in use but what these faults hold.
    fn forget_all_but(&mut self, planned: &[Fault], faults: &[Fault]) {
        self.budget.forget();
        for fault in planned.iter().chain(faults) {
            self.budget.hold(fault);
        }
    }

    /// A fault of any kind that the file lists; from a template as often as elsewhere.
    fn any(&mut self) -> Option<Fault> {
        let spec = &self.scenario.faults;
        if self.stream.chance(spec.templates)
            && let Some(first) = self.template().into_iter().next()
        {
            return Some(first);
        }
        let kind = self.stream.pick(&spec.swarm).copied()?;
        self.single(kind)
    }

    fn other_length(&mut self, fault: &Fault) -> Span {
        let part = target::parts(&fault.target).into_iter().next();
        let timeouts = lengths::timeouts(self.scenario, part.as_deref().unwrap_or_default());
        let lasts = self.length(&timeouts);
        if fault.kind == FaultKind::ClockFreeze {
            // A clock that stands still strays by as long as it does.
            lasts.min(self.budget.clock())
        } else {
            lasts
        }
    }

    /// Another node or role of the same part.
    fn other_target(&mut self, target: &Target) -> Target {
        match target {
            Target::OneOf(part, _) | Target::Leader(part) => {
                let name = part.strip_prefix("broker.");
                let broker = name.and_then(|name| self.scenario.brokers.get(name));
                if matches!(broker, Some(BrokerSpec::Log(_))) && self.stream.chance(500_000) {
                    Target::Leader(part.clone())
                } else {
                    self.one_of(part)
                }
            }
            Target::Link(from, to) => {
                let from = self.other_target(from);
                Target::Link(Box::new(from), to.clone())
            }
            // The only office of its kind, or all there are.
            Target::Node(_)
            | Target::Controller(_)
            | Target::Coordinator(_)
            | Target::All(_)
            | Target::Zone(_)
            | Target::Set(_) => target.clone(),
        }
    }
}
