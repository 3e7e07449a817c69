//! Drawing single faults: which kind, whom, when, for how long, and how bad.

use super::{EnvelopeBudget, broker_of, lengths, window};
use crate::spec::faults::SwarmKind;
use crate::spec::{BrokerSpec, Phases, Scenario};
use stormglass_core::actor::Control;
use stormglass_core::fault::{Fault, FaultKind, Target};
use stormglass_core::rng::Stream;
use stormglass_core::time::{Span, Time};

/// Weights of kinds are drawn between 1 and this.
const WEIGHT: u64 = 8;

/// Draws the sampled faults of one run.
pub(super) struct Sampler<'a> {
    pub stream: Stream,
    pub scenario: &'a Scenario,
    pub budget: EnvelopeBudget,
    pub starts: Time,
    pub ends: Time,
}

impl<'a> Sampler<'a> {
    pub fn new(
        stream: Stream,
        scenario: &'a Scenario,
        phases: &Phases,
        budget: EnvelopeBudget,
    ) -> Sampler<'a> {
        let (starts, ends) = window(phases);
        Sampler {
            stream,
            scenario,
            budget,
            starts,
            ends,
        }
    }

    /// All sampled faults.
    pub fn swarm(&mut self) -> Vec<Fault> {
        let scenario = self.scenario;
        let spec = &scenario.faults;
        if spec.swarm.is_empty() || spec.max == 0 || self.starts == self.ends {
            return Vec::new();
        }
        let count = self.stream.between(1, spec.max.into()) as usize;
        let mut faults = Vec::new();
        if self.stream.chance(spec.templates) {
            faults.extend(self.template());
        }
        // A schedule that is cut short opens no window; what a run may have at most holds for it too.
        let count = count.max(faults.len()).min(spec.max as usize);
        let kinds = self.subset(&spec.swarm);
        while faults.len() < count {
            // One that fits nowhere is left out, and takes its place so that the loop ends.
            let kind = self.weighted(&kinds);
            match self.single(kind) {
                Some(fault) => faults.push(fault),
                None => break,
            }
        }
        faults.truncate(count);
        faults
    }

    /// A random non-empty subset of the kinds with random weights.
    fn subset(&mut self, kinds: &[SwarmKind]) -> Vec<(SwarmKind, u64)> {
        let mut chosen: Vec<SwarmKind> = kinds
            .iter()
            .copied()
            .filter(|_| self.stream.chance(500_000))
            .collect();
        if chosen.is_empty() {
            chosen.extend(self.stream.pick(kinds));
        }
        chosen
            .into_iter()
            .map(|kind| (kind, self.stream.between(1, WEIGHT)))
            .collect()
    }

    fn weighted(&mut self, kinds: &[(SwarmKind, u64)]) -> SwarmKind {
        let total: u64 = kinds.iter().map(|(_, weight)| weight).sum();
        assert!(total > 0, "a subset is not empty and weights are above 0");
        let mut left = self.stream.below(total);
        for (kind, weight) in kinds {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *kind,
            }
        }
        kinds[0].0
    }

    /// One fault of a kind, none if no part takes it or it fits nowhere.
    pub(super) fn single(&mut self, kind: SwarmKind) -> Option<Fault> {
        if kind == SwarmKind::ZoneLoss {
            return self.zone_loss();
        }
        let parts: Vec<String> = self
            .budget
            .parts()
            .iter()
            .filter(|(_, part)| part.kinds.contains(&kind))
            .filter(|(name, part)| self.can_be_struck(kind, name, part.nodes))
            .map(|(name, _)| name.clone())
            .collect();
        let part = self.stream.pick(&parts)?.clone();
        let timeouts = lengths::timeouts(self.scenario, &part);
        let lasts = self.length(&timeouts);
        // A clock that stands still strays by as long as it does, and a repeated second by one.
        let (clock, second) = (self.budget.clock(), Span::secs(1));
        let lasts = if kind == SwarmKind::ClockFreeze {
            lasts.min(clock)
        } else {
            lasts
        };
        if kind == SwarmKind::LeapSecond && clock < second {
            return None;
        }
        let target = self.target(kind, &part);
        let kind = self.kind(kind, &part, &timeouts);
        self.place(kind, target, lasts)
    }

    /// Whether a kind means anything on a part, whatever it withstands: outside the envelope everything is admitted.
    fn can_be_struck(&self, kind: SwarmKind, part: &str, nodes: u16) -> bool {
        let is_processor = part.starts_with("processor.");
        if kind == SwarmKind::Rewind {
            self.log_of(part).is_some()
        } else if matches!(kind, SwarmKind::MemberChurn | SwarmKind::Poison) {
            is_processor
        } else {
            // Two that miss each other and a third that reaches both.
            kind != SwarmKind::PartialMesh || (part.starts_with("broker.") && nodes > 2)
        }
    }

    /// A length that leaves room to start at different times.
    pub fn length(&mut self, timeouts: &[Span]) -> Span {
        let most = self.ends.since(self.starts) / 2;
        lengths::draw(&mut self.stream, timeouts, most)
    }

    /// A fault at a drawn time, moved behind what excludes it; none if it fits nowhere.
    pub fn place(&mut self, kind: FaultKind, target: Target, lasts: Span) -> Option<Fault> {
        let room = self.ends.since(self.starts).saturating_sub(lasts);
        let at = self.starts + Span(self.stream.between(0, room.0));
        self.place_at(kind, target, at, lasts)
    }

    /// A fault at `at` or behind what excludes it; none if it fits nowhere.
    pub fn place_at(
        &mut self,
        kind: FaultKind,
        target: Target,
        at: Time,
        lasts: Span,
    ) -> Option<Fault> {
        let mut fault = Fault {
            name: None,
            at,
            lasts,
            kind,
            target,
            planned: false,
        };
        // Each move goes behind at least one more hold, so this ends.
        while let Some(free) = self.budget.free_from(&fault) {
            if free >= self.ends {
                return None;
            }
            fault.at = free;
        }
        if fault.at + fault.lasts > self.ends {
            return None;
        }
        self.budget.hold(&fault);
        Some(fault)
    }

    /// Whom on a part: a node by number, or a role.
    fn target(&mut self, kind: SwarmKind, part: &str) -> Target {
        if let Some(link) = self.link(kind, part) {
            return link;
        }
        if kind == SwarmKind::PartialMesh {
            return self.partial_mesh(part);
        }
        if kind == SwarmKind::Rewind {
            return Target::Coordinator(part.to_owned());
        }
        // What is wrong with an event is wrong with it everywhere.
        if kind == SwarmKind::Poison {
            return Target::All(part.to_owned());
        }
        let nodes = self.budget.parts().get(part).map_or(1, |part| part.nodes);
        // What is held to outlive all its machines at once is struck whole in every second draw.
        let is_down = matches!(kind, SwarmKind::Crash | SwarmKind::PowerLoss);
        let claim = self.budget.parts().get(part).and_then(|part| part.claim);
        if is_down
            && claim.is_some_and(|claim| claim.outlives(nodes, kind == SwarmKind::PowerLoss))
            && self.stream.chance(500_000)
        {
            return Target::All(part.to_owned());
        }
        let is_log = part
            .strip_prefix("broker.")
            .and_then(|name| self.scenario.brokers.get(name))
            .is_some_and(|broker| matches!(broker, BrokerSpec::Log(_)));
        let index = self.stream.below(nodes.max(1).into()) as u16;
        let role = self.stream.below(10);
        match (is_log, role) {
            (true, _) if matches!(kind, SwarmKind::ForceElection | SwarmKind::ExpandPartitions) => {
                Target::Controller(part.to_owned())
            }
            (true, 0..=3) => Target::Leader(part.to_owned()),
            (true, 4) => Target::Controller(part.to_owned()),
            _ => Target::OneOf(part.to_owned(), index),
        }
    }

    /// Faults on messages strike the link between a client and the part that answers it.
    fn link(&mut self, kind: SwarmKind, part: &str) -> Option<Target> {
        if !matches!(
            kind,
            SwarmKind::Delay | SwarmKind::Drop | SwarmKind::Reset | SwarmKind::Quota
        ) {
            return None;
        }
        let server = broker_of(self.scenario, part)?;
        Some(Target::Link(
            Box::new(self.one_of(part)),
            Box::new(Target::All(server)),
        ))
    }

    /// The log that a processor's group reads.
    pub(super) fn log_of(&self, part: &str) -> Option<String> {
        part.strip_prefix("processor.")?;
        broker_of(self.scenario, part).filter(|broker| {
            let name = broker.strip_prefix("broker.");
            let broker = name.and_then(|name| self.scenario.brokers.get(name));
            matches!(broker, Some(BrokerSpec::Log(_)))
        })
    }

    /// A drawn node of a part.
    pub fn one_of(&mut self, part: &str) -> Target {
        let nodes = self.budget.parts().get(part).map_or(1, |part| part.nodes);
        let index = self.stream.below(nodes.max(1).into()) as u16;
        Target::OneOf(part.to_owned(), index)
    }

    /// A class of requests that a part sends or answers.
    pub(super) fn class(&mut self, part: &str) -> String {
        let section = part.split_once('.').map_or(part, |(section, _)| section);
        let server = broker_of(self.scenario, part);
        let broker = server.as_deref().unwrap_or(part);
        let is_log = broker
            .strip_prefix("broker.")
            .and_then(|name| self.scenario.brokers.get(name))
            .is_some_and(|broker| matches!(broker, BrokerSpec::Log(_)));
        let classes: &[&str] = match (section, is_log) {
            ("sink", _) => &["write"],
            ("source", _) => &["publish"],
            ("broker", true) => &["publish", "fetch", "broker-heartbeat", "alter-isr"],
            ("broker", false) => &["publish", "receive", "settle"],
            (_, true) => &["fetch", "group-heartbeat", "commit-offsets", "join-group"],
            (_, false) => &["receive", "settle"],
        };
        self.stream
            .pick(classes)
            .map_or("", |class| class)
            .to_owned()
    }

    fn kind(&mut self, kind: SwarmKind, part: &str, timeouts: &[Span]) -> FaultKind {
        let factor = self.stream.pick(&[3, 10, 50]).copied().unwrap_or(10);
        match kind {
            SwarmKind::Crash => FaultKind::Crash,
            SwarmKind::PowerLoss => FaultKind::PowerLoss {
                torn: self.stream.chance(500_000),
            },
            SwarmKind::Pause => FaultKind::Pause {
                clock_stops: self.stream.chance(300_000),
            },
            SwarmKind::Partition => FaultKind::Partition,
            SwarmKind::Oneway => FaultKind::Oneway,
            SwarmKind::Loss => FaultKind::Loss {
                parts: self
                    .stream
                    .pick(&[10_000, 50_000, 200_000])
                    .copied()
                    .unwrap_or(10_000),
            },
            SwarmKind::Delay => FaultKind::Delay {
                class: self.class(part),
                by: self.length(timeouts),
            },
            SwarmKind::Drop => FaultKind::Drop {
                class: self.class(part),
                count: self.stream.between(1, 3) as u32,
            },
            SwarmKind::Reset => FaultKind::Reset {
                class: self.class(part),
                after: self.stream.chance(600_000),
            },
            SwarmKind::Quota => FaultKind::Quota {
                class: self.class(part),
                per_second: self.stream.pick(&[5, 20, 100]).copied().unwrap_or(20),
            },
            SwarmKind::SlowDisk => FaultKind::SlowDisk { factor },
            SwarmKind::DiskFull => FaultKind::DiskFull,
            SwarmKind::FailedSync => FaultKind::FailedSync,
            SwarmKind::Corrupt => FaultKind::Corrupt,
            SwarmKind::SlowNode => FaultKind::SlowNode { factor },
            SwarmKind::SlowLink => FaultKind::SlowLink { factor },
            SwarmKind::ClockStep => {
                let by = self.length(timeouts).min(self.budget.clock()).0 as i64;
                FaultKind::ClockStep {
                    by: if self.stream.chance(500_000) { by } else { -by },
                }
            }
            SwarmKind::ClockDrift => {
                let drawn = self.stream.pick(&[200, 10_000, 100_000]).copied();
                // No fault lasts longer than chaos: what it strays in all of that has to fit.
                let chaos = self.ends.since(self.starts).0.max(1);
                let most = u128::from(self.budget.clock().0) * 1_000_000 / u128::from(chaos);
                let parts = drawn.unwrap_or(200).min(most.min(100_000) as i32);
                FaultKind::ClockDrift {
                    parts: if self.stream.chance(500_000) {
                        parts
                    } else {
                        -parts
                    },
                }
            }
            SwarmKind::ForceElection => FaultKind::Control(Control::ForceElection),
            SwarmKind::ExpandPartitions => FaultKind::Control(Control::ExpandPartitions),
            SwarmKind::Rewind => FaultKind::Control(Control::Rewind),
            SwarmKind::MemberChurn => FaultKind::Control(Control::Leave),
            SwarmKind::Poison => {
                let one_in = self.stream.pick(&[1, 4, 50]).copied().unwrap_or(4);
                FaultKind::Control(Control::Poison { one_in })
            }
            SwarmKind::ClockSlew => {
                let by = self.length(timeouts).min(self.budget.clock()).0 as i64;
                FaultKind::ClockSlew {
                    by: if self.stream.chance(500_000) { by } else { -by },
                    // What NTP does, and what chrony does at most by default.
                    parts: self.stream.pick(&[500, 83_333]).copied().unwrap_or(500),
                }
            }
            SwarmKind::LeapSecond => FaultKind::LeapSecond,
            SwarmKind::ClockFreeze => FaultKind::ClockFreeze,
            SwarmKind::PartialMesh | SwarmKind::ZoneLoss => FaultKind::Partition,
        }
    }
}
