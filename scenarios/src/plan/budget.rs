//! What the parts claim to withstand, as a budget that a plan draws from (B9): how many nodes of a part may
//! be down at once, what a power loss excludes, and for how long a fault holds its share. Overlapping faults
//! count as striking distinct nodes, whatever their roles resolve to.

use super::broker_of;
use crate::hardware::Hardware;
use crate::load::Case;
use crate::spec::faults::SwarmKind;
use crate::spec::{BrokerSpec, Scenario, references};
use std::collections::BTreeMap;
use stormglass_core::fault::{Fault, FaultKind, Target};
use stormglass_core::processor::config::DeliveryMode;
use stormglass_core::promise::Claim;
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
    /// What the scenario holds it to, in place of the bounds above.
    pub claim: Option<Claim>,
    /// Whether anything on its disks outlives it: where nothing does, a loss of power is a crash.
    stores: bool,
    /// Whether it stands in a zone; sources are the world outside.
    has_zone: bool,
}

/// A share of the budget in use.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hold {
    part: String,
    from: Time,
    until: Time,
    nodes: u16,
    is_power_loss: bool,
    /// Whether the process is down, for whatever reason.
    is_down: bool,
    /// Whether the node is cut off or stands still.
    is_cut_off: bool,
}

/// How many nodes at once, and whether a share counts towards them.
type Bound = (Option<u16>, fn(&Hold) -> bool);

/// What all parts withstand, and what is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeBudget {
    parts: BTreeMap<String, PartBudget>,
    /// The broker whose node coordinates a processor's group.
    coordinators: BTreeMap<String, String>,
    /// Over how many zones the nodes of each part are spread in turn.
    zones: u16,
    /// How far a wall clock may stray in a fault before retention by age acts early.
    clock: Span,
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
    SwarmKind::Quota,
    SwarmKind::SlowLink,
    SwarmKind::SlowNode,
    SwarmKind::ClockStep,
    SwarmKind::ClockDrift,
    SwarmKind::ClockSlew,
    SwarmKind::LeapSecond,
    SwarmKind::ClockFreeze,
];

/// Kinds that everything with a disk withstands besides: a write that finds no space, or a sync that fails, is
/// answered with a refusal and tried again.
const STORING: [SwarmKind; 5] = [
    SwarmKind::Crash,
    SwarmKind::Pause,
    SwarmKind::SlowDisk,
    SwarmKind::DiskFull,
    SwarmKind::FailedSync,
];

impl EnvelopeBudget {
    /// The budget of a case's parts on its hardware, nothing in use.
    #[must_use]
    pub fn of_case(case: &Case) -> EnvelopeBudget {
        EnvelopeBudget {
            zones: case.hardware.as_ref().map_or(1, Hardware::zones),
            ..EnvelopeBudget::of(&case.scenario)
        }
    }

    /// The budget of a scenario's parts in one zone, nothing in use.
    #[must_use]
    pub fn of(scenario: &Scenario) -> EnvelopeBudget {
        let parts = references::parts(scenario)
            .into_iter()
            .map(|(name, nodes)| {
                let budget = part(scenario, &name, nodes);
                (name, budget)
            })
            .collect();
        let coordinators = scenario
            .processors
            .keys()
            .map(|name| format!("processor.{name}"))
            .filter_map(|name| Some((name.clone(), broker_of(scenario, &name)?)))
            .collect();
        // A log tolerates a 32nd of its retention; no fault takes more than an eighth of that, so that
        // faults on one clock may add up.
        let clock = scenario
            .brokers
            .values()
            .filter_map(|broker| match broker {
                BrokerSpec::Log(config) => Some(config.log_retention / 256),
                BrokerSpec::Queue(_) | BrokerSpec::Fanout(_) => None,
            })
            .min()
            .unwrap_or(Span::MAX);
        EnvelopeBudget {
            parts,
            coordinators,
            zones: 1,
            clock,
            holds: Vec::new(),
            is_open: false,
        }
    }

    /// Over how many zones the nodes of each part are spread.
    #[must_use]
    pub const fn zones(&self) -> u16 {
        self.zones
    }

    /// How far a fault may move a wall clock.
    #[must_use]
    pub const fn clock(&self) -> Span {
        self.clock
    }

    /// Admits everything from here on.
    pub fn open(&mut self) {
        self.is_open = true;
        self.clock = Span::MAX;
        for part in self.parts.values_mut() {
            part.kinds = SwarmKind::ALL.to_vec();
        }
    }

    /// Gives back everything in use.
    pub fn forget(&mut self) {
        self.holds.clear();
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
        if let Some(claim) = &part.claim {
            return self.exceeds(claim, part.nodes, wanted);
        }
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

    /// When what is in use leaves room for `wanted` within a claim, if it does not yet.
    fn exceeds(&self, claim: &Claim, nodes: u16, wanted: &Hold) -> Option<Time> {
        let holds = caught_up_late(&self.holds, &wanted.part);
        if let Some(until) = bridged(claim, &holds, wanted) {
            return Some(until);
        }
        let sorts: [Bound; 3] = [
            (claim.crashes, |hold| hold.is_down),
            (claim.power_losses, |hold| hold.is_power_loss),
            (claim.cut_off, |hold| hold.is_cut_off),
        ];
        let conflicts = sorts.into_iter().filter_map(|(bound, is_one)| {
            let bound = bound.filter(|bound| *bound < nodes && is_one(wanted))?;
            if wanted.nodes > bound {
                return Some(Time::NEVER);
            }
            let overlapping = || {
                holds.iter().filter(|hold| {
                    is_one(hold) && hold.from < wanted.until && wanted.from < hold.until
                })
            };
            let struck: u16 = overlapping().map(|hold| hold.nodes).sum();
            let until = overlapping().map(|hold| hold.until).max();
            until.filter(|_| struck + wanted.nodes > bound)
        });
        conflicts.max()
    }

    fn holds_of(&self, fault: &Fault) -> Vec<Hold> {
        if !takes_down(&fault.kind) {
            return Vec::new();
        }
        // A role without a holder is waited for, up to the fault's length.
        let lasts = if fault.target.waits_for_a_holder() {
            fault.lasts * 2
        } else {
            fault.lasts
        };
        let struck = self.parts.iter().filter_map(|(name, part)| {
            let nodes = self.struck(&fault.target, name, part);
            (nodes > 0).then_some((name, part, nodes))
        });
        struck
            .map(|(name, part, nodes)| {
                let has_no_power = matches!(fault.kind, FaultKind::PowerLoss { .. });
                Hold {
                    from: fault.at,
                    until: fault.at + lasts + part.catch_up,
                    nodes,
                    // What is gone of a damaged disk others must have, as after a loss of power.
                    is_power_loss: (has_no_power || fault.kind == FaultKind::Corrupt)
                        && part.stores,
                    is_down: has_no_power
                        || matches!(
                            fault.kind,
                            FaultKind::Crash | FaultKind::CrashAt { .. } | FaultKind::Corrupt
                        ),
                    is_cut_off: matches!(
                        fault.kind,
                        FaultKind::Pause { .. } | FaultKind::Partition | FaultKind::Oneway
                    ),
                    part: name.clone(),
                }
            })
            .collect()
    }

    /// How many nodes of a part a fault may keep from doing their share.
    fn struck(&self, target: &Target, name: &str, part: &PartBudget) -> u16 {
        let Target::Link(one, other) = target else {
            return self.count(target, name, part);
        };
        let (one_count, other_count) = (self.count(one, name, part), self.count(other, name, part));
        if part.claim.is_some() {
            // Those who count what settings imply see one node's absence in a link to all of a part. What is held
            // to a number is counted in full.
            return one_count.saturating_add(other_count).min(part.nodes);
        }
        if one_count > 0 && other_count > 0 && !is_loose(one) && !is_loose(other) {
            // Two groups that miss each other and both reach the rest: the smaller goes without.
            return one_count.min(other_count);
        }
        // A link that is cut may cost either end a node.
        one_count.min(1) + other_count.min(1)
    }

    /// How many nodes of a part an end names, at most.
    fn count(&self, end: &Target, name: &str, part: &PartBudget) -> u16 {
        let of = |is_of: bool, nodes: u16| if is_of { nodes } else { 0 };
        match end {
            Target::Node(node) => {
                let owner = node
                    .rsplit_once('.')
                    .map_or(node.as_str(), |(owner, _)| owner);
                of(owner == name, 1)
            }
            Target::Leader(owner) | Target::Controller(owner) | Target::OneOf(owner, _) => {
                of(owner == name, 1)
            }
            // It is a node of the broker that coordinates the group.
            Target::Coordinator(group) => {
                let broker = self.coordinators.get(group).map(String::as_str);
                of(group == name || broker == Some(name), 1)
            }
            Target::All(owner) => of(owner == name, part.nodes),
            Target::Zone(zone) => {
                let inside = (0..part.nodes).filter(|index| index % self.zones.max(1) == *zone);
                of(part.has_zone, inside.count() as u16)
            }
            Target::Set(ends) => ends
                .iter()
                .map(|end| self.count(end, name, part))
                .fold(0, u16::saturating_add)
                .min(part.nodes),
            // An end of a link is no link.
            Target::Link(..) => 0,
        }
    }
}

/// The holds of a part, those of lost power as long as somebody whom their nodes may need to catch up is away.
fn caught_up_late(holds: &[Hold], part: &str) -> Vec<Hold> {
    let mut holds: Vec<Hold> = holds
        .iter()
        .filter(|hold| hold.part == part)
        .cloned()
        .collect();
    loop {
        let late = holds.iter().enumerate().find_map(|(place, hold)| {
            let others = holds.iter().filter(|_| hold.is_power_loss);
            let away = others.filter(|other| other.from < hold.until && hold.from < other.until);
            let until = away.map(|other| other.until).max()?;
            (until > hold.until).then_some((place, until))
        });
        let Some((place, until)) = late else {
            return holds;
        };
        holds[place].until = until;
    }
}

/// Until when `wanted` would keep a node that has lost power from catching up before too many others lose theirs.
fn bridged(claim: &Claim, holds: &[Hold], wanted: &Hold) -> Option<Time> {
    let bound = claim.power_losses?;
    let mut with: Vec<Hold> = holds.to_vec();
    with.push(wanted.clone());
    let with = caught_up_late(&with, &wanted.part);
    let lost = || with.iter().filter(|hold| hold.is_power_loss);
    let is_too_much = lost().any(|last| {
        let at_once = lost().filter(|hold| (hold.from..hold.until).contains(&last.from));
        at_once.map(|hold| hold.nodes).sum::<u16>() > bound
    });
    let overlaps = |hold: &&Hold| hold.from < wanted.until && wanted.from < hold.until;
    let until = holds.iter().filter(overlaps).map(|hold| hold.until).max();
    // What is in the way only later cannot be gone round by waiting for less.
    is_too_much.then(|| {
        until
            .filter(|until| *until > wanted.from)
            .unwrap_or(Time::NEVER)
    })
}

/// Whether it depends on the run which nodes, or whose, an end of a cut means.
fn is_loose(end: &Target) -> bool {
    matches!(end, Target::All(_)) || end.waits_for_a_holder()
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
        | FaultKind::FailedSync
        | FaultKind::Corrupt
        | FaultKind::SlowNode { .. }
        | FaultKind::SlowLink { .. }
        | FaultKind::CrashAt { .. }
        | FaultKind::YieldAt { .. } => true,
        FaultKind::Duplicate { .. }
        | FaultKind::Delay { .. }
        | FaultKind::Drop { .. }
        | FaultKind::Reset { .. }
        | FaultKind::Quota { .. }
        | FaultKind::ClockStep { .. }
        | FaultKind::ClockDrift { .. }
        | FaultKind::ClockSlew { .. }
        | FaultKind::LeapSecond
        | FaultKind::ClockFreeze
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
        claim: scenario.faults.withstands.get(name).copied(),
        stores: section != "processor",
        has_zone: section != "source",
    };
    match section {
        "broker" => {
            kinds.extend(STORING);
            if let Some(broker) = scenario.brokers.get(own) {
                of_broker(broker, &mut budget, &mut kinds);
            }
        }
        "processor" | "service" => {
            kinds.extend([SwarmKind::Crash, SwarmKind::Pause]);
            if section == "processor" {
                kinds.extend([SwarmKind::MemberChurn, SwarmKind::Poison]);
            }
            // Who settles first promised not to do twice what is read twice.
            let mut processors = scenario.processors.values();
            if !processors.any(|one| one.delivery == DeliveryMode::AtMostOnce) {
                kinds.push(SwarmKind::Rewind);
            }
        }
        "lease" => {
            kinds.extend(STORING);
            // A token is durable before it is handed out.
            budget.power_loss = true;
        }
        "sink" => {
            kinds.extend(STORING);
            budget.power_loss = scenario
                .sinks
                .get(own)
                .is_some_and(|sink| sink.sync_before_ack);
        }
        // A source is the world outside: what it owes and when is not to be doubted, so only the wire to it
        // is struck. One that died, stood still or lost its clock would owe late or not at all, which no part
        // can make good.
        _ => kinds.retain(|kind| {
            !matches!(
                kind,
                SwarmKind::SlowNode
                    | SwarmKind::ClockStep
                    | SwarmKind::ClockDrift
                    | SwarmKind::ClockSlew
                    | SwarmKind::LeapSecond
                    | SwarmKind::ClockFreeze
            )
        }),
    }
    if let Some(claim) = &budget.claim {
        budget.power_loss = claim.power_losses != Some(0) && claim.crashes != Some(0);
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
            if config
                .topics
                .values()
                .any(|topic| topic.expands_to.is_some())
            {
                kinds.push(SwarmKind::ExpandPartitions);
            }
            if config.nodes > 2 {
                kinds.push(SwarmKind::PartialMesh);
            }
            // What one replica no longer has another must have.
            // A claim has no bound of its own for that, so the one on nodes down has to hold it.
            let has_another = config.min_insync_replicas >= 2;
            let bounded = budget.claim.as_ref().is_none_or(|claim| {
                let down = claim.crashes;
                down.is_some_and(|down| down < config.min_insync_replicas)
            });
            if has_another && bounded {
                kinds.push(SwarmKind::Corrupt);
            }
            if !has_another || budget.claim.is_some() {
                kinds.retain(|kind| *kind != SwarmKind::FailedSync);
            }
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
            // Fenced, elected around, and back in the in-sync set.
            budget.catch_up = config
                .broker_session_timeout
                .saturating_add(config.replica_lag_time_max);
        }
        BrokerSpec::Queue(config) => budget.power_loss = config.sync_before_ack,
        BrokerSpec::Fanout(config) => budget.power_loss = config.sync_before_ack,
    }
}
