//! What the parts claim to withstand, as a budget that a plan draws from (B9): how many nodes of a part may
//! be down at once, what a power loss excludes, and for how long a fault holds its share. Overlapping faults
//! count as striking distinct nodes, whatever their roles resolve to.

use crate::spec::faults::SwarmKind;
use crate::spec::{BrokerSpec, Scenario, references, target};
use std::collections::BTreeMap;
use stormglass_core::fault::{Fault, FaultKind, Target};
use stormglass_core::time::{Span, Time};

/// What one part withstands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartBudget {
    /// Its nodes.
    pub nodes: u16,
    /// Nodes down, cut off or slowed at once at most.
    pub down: u16,
    /// Whether it withstands the power loss of one node while no other is down.
    pub power_loss: bool,
    /// How long after a heal until a node counts as whole again.
    pub catch_up: Span,
    /// The kinds that it withstands.
    pub kinds: Vec<SwarmKind>,
}

/// A share of the budget in use.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hold {
    part: String,
    from: Time,
    until: Time,
    nodes: u16,
    is_power_loss: bool,
}

/// What all parts withstand, and what is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeBudget {
    parts: BTreeMap<String, PartBudget>,
    holds: Vec<Hold>,
    is_open: bool,
}

/// Kinds that every node withstands: they hold back, lose on the wire or cut off, and nothing is forgotten.
const NETWORK: &[SwarmKind] = &[
    SwarmKind::Partition,
    SwarmKind::Oneway,
    SwarmKind::Loss,
    SwarmKind::Delay,
    SwarmKind::Drop,
    SwarmKind::Reset,
    SwarmKind::SlowLink,
    SwarmKind::SlowNode,
    SwarmKind::ClockStep,
    SwarmKind::ClockDrift,
];

impl EnvelopeBudget {
    /// The budget of a scenario's parts, nothing in use.
    #[must_use]
    pub fn of(scenario: &Scenario) -> EnvelopeBudget {
        let parts = references::parts(scenario)
            .into_iter()
            .map(|(name, nodes)| {
                let budget = part(scenario, &name, nodes);
                (name, budget)
            })
            .collect();
        EnvelopeBudget {
            parts,
            holds: Vec::new(),
            is_open: false,
        }
    }

    /// Admits everything from here on.
    pub fn open(&mut self) {
        self.is_open = true;
        for part in self.parts.values_mut() {
            part.kinds = SwarmKind::ALL.to_vec();
        }
    }

    /// The parts by their full name.
    #[must_use]
    pub fn parts(&self) -> &BTreeMap<String, PartBudget> {
        &self.parts
    }

    /// Takes a fault's share.
    pub fn hold(&mut self, fault: &Fault) {
        let hold = self.holds_of(fault);
        self.holds.extend(hold);
    }

    /// Whether a fault fits into what is left.
    #[must_use]
    pub fn admits(&self, fault: &Fault) -> bool {
        self.free_from(fault).is_none()
    }

    /// If a fault does not fit: the earliest instant from which nothing that excludes it is in use.
    #[must_use]
    pub fn free_from(&self, fault: &Fault) -> Option<Time> {
        if self.is_open {
            return None;
        }
        self.holds_of(fault)
            .iter()
            .filter_map(|wanted| self.conflict(wanted))
            .max()
    }

    fn conflict(&self, wanted: &Hold) -> Option<Time> {
        let part = self.parts.get(&wanted.part)?;
        if wanted.nodes > part.down || (wanted.is_power_loss && !part.power_loss) {
            return Some(Time::NEVER);
        }
        let overlapping = || {
            self.holds.iter().filter(|hold| {
                hold.part == wanted.part && hold.from < wanted.until && wanted.from < hold.until
            })
        };
        // The worst resolution: everything that overlaps the wanted interval is down at the same time.
        let down: u16 = overlapping().map(|hold| hold.nodes).sum();
        let excludes = wanted.is_power_loss || overlapping().any(|hold| hold.is_power_loss);
        let too_many = down + wanted.nodes > part.down;
        if down > 0 && (too_many || excludes) {
            overlapping().map(|hold| hold.until).max()
        } else {
            None
        }
    }

    fn holds_of(&self, fault: &Fault) -> Vec<Hold> {
        if !takes_down(&fault.kind) {
            return Vec::new();
        }
        // A link that is cut may cost either end a node; the worst resolution charges both.
        target::parts(&fault.target)
            .into_iter()
            .filter_map(|name| {
                let part = self.parts.get(&name)?;
                Some(Hold {
                    from: fault.at,
                    until: fault.at + fault.lasts + part.catch_up,
                    nodes: if matches!(fault.target, Target::All(_)) {
                        part.nodes
                    } else {
                        1
                    },
                    is_power_loss: matches!(fault.kind, FaultKind::PowerLoss { .. }),
                    part: name,
                })
            })
            .collect()
    }
}

/// Whether a fault may keep a node from doing its part for longer than others wait for it.
fn takes_down(kind: &FaultKind) -> bool {
    match kind {
        FaultKind::Crash
        | FaultKind::PowerLoss { .. }
        | FaultKind::Pause { .. }
        | FaultKind::Partition
        | FaultKind::Oneway
        | FaultKind::Loss { .. }
        | FaultKind::SlowDisk { .. }
        | FaultKind::DiskFull
        | FaultKind::SlowNode { .. }
        | FaultKind::SlowLink { .. }
        | FaultKind::CrashAt { .. }
        | FaultKind::YieldAt { .. } => true,
        FaultKind::Duplicate { .. }
        | FaultKind::Delay { .. }
        | FaultKind::Drop { .. }
        | FaultKind::Reset { .. }
        | FaultKind::ClockStep { .. }
        | FaultKind::ClockDrift { .. }
        | FaultKind::Control(_) => false,
    }
}

/// What a part claims to withstand.
fn part(scenario: &Scenario, name: &str, nodes: u16) -> PartBudget {
    let (section, own) = name.split_once('.').unwrap_or((name, ""));
    let mut kinds = NETWORK.to_vec();
    let mut budget = PartBudget {
        nodes,
        down: nodes,
        power_loss: false,
        catch_up: Span::ZERO,
        kinds: Vec::new(),
    };
    match section {
        "broker" => {
            kinds.extend([SwarmKind::Crash, SwarmKind::Pause, SwarmKind::SlowDisk]);
            if let Some(broker) = scenario.brokers.get(own) {
                of_broker(broker, &mut budget, &mut kinds);
            }
        }
        "processor" | "service" => kinds.extend([SwarmKind::Crash, SwarmKind::Pause]),
        "sink" => {
            kinds.extend([SwarmKind::Crash, SwarmKind::Pause, SwarmKind::SlowDisk]);
            budget.power_loss = scenario
                .sinks
                .get(own)
                .is_some_and(|sink| sink.sync_before_ack);
        }
        // A source that dies takes what it owed and had not sent with it, which no part can make good.
        _ => kinds.push(SwarmKind::Pause),
    }
    if budget.power_loss {
        kinds.push(SwarmKind::PowerLoss);
    }
    kinds.sort();
    budget.kinds = kinds;
    budget
}

fn of_broker(broker: &BrokerSpec, budget: &mut PartBudget, kinds: &mut Vec<SwarmKind>) {
    match broker {
        BrokerSpec::Log(config) => {
            kinds.push(SwarmKind::ForceElection);
            // The controller's voters are the first three nodes, of which a majority must live; a partition
            // serves while `min_insync_replicas` of its replicas do. One node may always be down: what it
            // had is in its page cache when it comes back.
            let quorum = (config.nodes.min(3) - 1) / 2;
            let replicas = config.replication_factor - config.min_insync_replicas;
            budget.down = quorum.min(replicas).max(1);
            // Unsynced batches live on in another replica, which must not be down before the node that
            // lost power has fetched them again.
            budget.power_loss =
                config.min_insync_replicas >= 2 || config.flush_interval_batches == 1;
            budget.catch_up = config
                .broker_session_timeout
                .saturating_add(config.quorum_fetch_timeout)
                .saturating_add(config.quorum_election_timeout)
                .saturating_add(config.replica_fetch_wait_max * 2);
        }
        BrokerSpec::Queue(config) => budget.power_loss = config.sync_before_ack,
        BrokerSpec::Fanout(config) => budget.power_loss = config.sync_before_ack,
    }
}
