//! Under which faults a part keeps its promises, and whether a plan stays within that.
//!
//! A plan is judged before the run, on the worst way to resolve it (B9): role targets that overlap in time
//! count as distinct nodes, and a fault holds its budget until its heal and the part's catch-up bound.

use crate::actor::Control;
use crate::check::Topology;
use crate::check::retention::clock_slack;
use crate::fault::{Fault, FaultKind, FaultPlan, Target};
use crate::id::PartId;
use crate::part::PartKind;
use crate::processor::config::DeliveryMode;
use crate::time::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of the envelopes; it changes with any bound below.
pub const ENVELOPE_VERSION: u32 = 4;

/// How many nodes of a part may be struck at once; none is any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Envelope {
    /// Processes down, for whatever reason.
    pub crashes: Option<u16>,
    /// Machines without power.
    pub power_losses: Option<u16>,
    /// Nodes that are down or cut off while one lost its power: a log that does not sync rests on the others.
    pub struck_with_power: Option<u16>,
    /// Nodes that read less than they had made durable.
    pub corrupted: Option<u16>,
    /// Nodes that are cut off or stand still.
    pub cut_off: Option<u16>,
    /// Nodes whose disk is full.
    pub full_disks: Option<u16>,
    /// How far a wall clock may stray.
    pub clock: Option<Span>,
    /// How long after its heal a fault still counts.
    pub catch_up: Span,
}

/// What a part is held to withstand at once, where a scenario says so in place of the part's settings. What is
/// left out has no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Claim {
    /// Nodes down, for whatever reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crashes: Option<u16>,
    /// Nodes without power.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_losses: Option<u16>,
    /// Nodes that are cut off or stand still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<u16>,
}

impl Claim {
    /// Whether all of so many nodes may be down at once, or without power.
    #[must_use]
    pub fn outlives(&self, nodes: u16, power: bool) -> bool {
        let is_enough = |bound: Option<u16>| bound.is_none_or(|bound| bound >= nodes);
        is_enough(self.crashes) && (!power || is_enough(self.power_losses))
    }
}

impl Envelope {
    /// Any fault.
    pub const ANY: Envelope = Envelope {
        crashes: None,
        power_losses: None,
        struck_with_power: None,
        corrupted: None,
        cut_off: None,
        full_disks: None,
        clock: None,
        catch_up: Span::ZERO,
    };

    /// The envelope of a part: what it is claimed to withstand, if anything is, else what its settings imply.
    #[must_use]
    pub fn of(topology: &Topology, part: PartId) -> Envelope {
        let own = Envelope::implied(topology, part);
        match topology.claims.get(&part) {
            None => own,
            Some(claim) => Envelope {
                crashes: claim.crashes,
                power_losses: claim.power_losses,
                struck_with_power: None,
                cut_off: claim.cut_off,
                ..own
            },
        }
    }

    /// The envelope once a sync has failed. A log does not write anew what counts as clean: it rests on its other
    /// replicas as one that never syncs does. Everybody else writes all of it again before answering.
    fn after_failed_sync(self, topology: &Topology, part: PartId) -> Envelope {
        let Some(log) = topology.log(part) else {
            return self;
        };
        let spare = log.min_insync.saturating_sub(1);
        Envelope {
            power_losses: Some(self.power_losses.unwrap_or(spare).min(spare)),
            struck_with_power: Some(self.struck_with_power.unwrap_or(spare).min(spare)),
            ..self
        }
    }

    fn implied(topology: &Topology, part: PartId) -> Envelope {
        if let Some(log) = topology.log(part) {
            let spare = log.min_insync.saturating_sub(1);
            let unsynced = (!log.sync_before_ack).then_some(spare);
            return Envelope {
                // An unclean stop takes a replica out of the in-sync set (K6): one must stay.
                crashes: Some(spare.max(1)),
                power_losses: unsynced,
                struck_with_power: unsynced,
                // What was synced is gone too, so that only other replicas have it; one that is cut off still has.
                corrupted: Some(spare),
                clock: Some(clock_slack(topology, log)),
                catch_up: log.catch_up,
                ..Envelope::ANY
            };
        }
        let syncs = topology
            .queue(part)
            .map(|queue| queue.sync_before_ack)
            .or_else(|| {
                let sink = topology.sink(part)?;
                Some(topology.sinks[sink].sync_before_ack)
            });
        // Sources and processors keep nothing on their disks. Everybody else has one copy, and no other to mend it.
        let kind = topology.part(part).kind;
        let is_processor = topology.processors.iter().any(|one| one.part == part);
        if kind != PartKind::Source && !is_processor {
            return Envelope {
                power_losses: (syncs == Some(false)).then_some(0),
                corrupted: Some(0),
                ..Envelope::ANY
            };
        }
        // Record time is the producers': their clocks bind as the log's own.
        let feeds = topology.sources.iter().find(|source| source.part == part);
        let log = feeds.and_then(|source| topology.log(source.broker));
        Envelope {
            clock: log.map(|log| clock_slack(topology, log)),
            ..Envelope::ANY
        }
    }
}

/// Whether a plan stays within all envelopes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Fit {
    /// Every promise holds.
    Inside,
    /// Promises of durability do not hold.
    Outside {
        /// The fault that goes too far, by its position in the plan.
        fault: usize,
        /// Why, for people.
        why: String,
    },
}

/// Which nodes of a part a fault may strike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Struck {
    /// This one, known beforehand.
    Node(u16),
    /// One that only the run decides, by the fault and the place of the role in its target; distinct from all others
    /// in the worst case.
    Unknown(usize, usize),
}

/// A fault's share in one part.
#[derive(Clone, Debug)]
struct Share {
    fault: usize,
    from: Time,
    until: Time,
    sort: Sort,
    nodes: BTreeSet<Struck>,
}

/// What a fault does to a node, as far as budgets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Down,
    Power,
    CutOff,
    FullDisk,
    Corrupted,
}

/// What kind of budget a fault draws on, if any. Slowness and lost packets are delay, not loss.
const fn sort(kind: &FaultKind) -> Option<Sort> {
    match kind {
        FaultKind::Crash | FaultKind::CrashAt { .. } => Some(Sort::Down),
        FaultKind::PowerLoss { .. } => Some(Sort::Power),
        FaultKind::Pause { .. } | FaultKind::Partition | FaultKind::Oneway => Some(Sort::CutOff),
        FaultKind::DiskFull => Some(Sort::FullDisk),
        FaultKind::Corrupt => Some(Sort::Corrupted),
        FaultKind::Loss { .. }
        | FaultKind::Duplicate { .. }
        | FaultKind::Delay { .. }
        | FaultKind::Drop { .. }
        | FaultKind::Reset { .. }
        | FaultKind::Quota { .. }
        | FaultKind::SlowDisk { .. }
        | FaultKind::FailedSync
        | FaultKind::SlowNode { .. }
        | FaultKind::SlowLink { .. }
        | FaultKind::ClockStep { .. }
        | FaultKind::ClockDrift { .. }
        | FaultKind::ClockSlew { .. }
        | FaultKind::LeapSecond
        | FaultKind::ClockFreeze
        | FaultKind::YieldAt { .. }
        | FaultKind::Control(_) => None,
    }
}

/// The nodes of `part` that a target may be, and whether that depends on the run.
fn strikes(topology: &Topology, part: PartId, target: &Target, fault: usize) -> BTreeSet<Struck> {
    let ends = ends(target).into_iter().enumerate();
    ends.flat_map(|(place, end)| strikes_end(topology, part, end, (fault, place)))
        .collect()
}

/// The targets of which a link or a set is made, or the target itself.
fn ends(target: &Target) -> Vec<&Target> {
    match target {
        Target::Link(one, other) => [ends(one), ends(other)].concat(),
        Target::Set(several) => several.iter().flat_map(ends).collect(),
        Target::Node(_)
        | Target::Leader(_)
        | Target::Controller(_)
        | Target::Coordinator(_)
        | Target::OneOf(..)
        | Target::All(_)
        | Target::Zone(_) => vec![target],
    }
}

fn strikes_end(
    topology: &Topology,
    part: PartId,
    target: &Target,
    (fault, place): (usize, usize),
) -> BTreeSet<Struck> {
    let name = topology.name(part);
    let nodes = topology.part(part).cluster.nodes;
    let known = |index: u16| BTreeSet::from([Struck::Node(index)]);
    match target {
        Target::Node(node) => {
            let index = node
                .strip_prefix(&name)
                .and_then(|rest| rest.strip_prefix('.'));
            let index = index.and_then(|index| index.parse().ok());
            index
                .filter(|index| *index < nodes)
                .map(known)
                .unwrap_or_default()
        }
        Target::OneOf(of, index) if *of == name => known(index % nodes.max(1)),
        Target::All(of) if *of == name => (0..nodes).map(Struck::Node).collect(),
        Target::Leader(of) | Target::Controller(of) if *of == name => {
            BTreeSet::from([Struck::Unknown(fault, place)])
        }
        Target::Coordinator(processor) => {
            let reads = topology
                .processors
                .iter()
                .any(|entry| entry.broker == part && topology.name(entry.part) == *processor);
            reads
                .then_some(Struck::Unknown(fault, place))
                .into_iter()
                .collect()
        }
        // Sources are the world outside, whatever zone they stand in.
        Target::Zone(zone) if topology.part(part).kind != PartKind::Source => (0..nodes)
            .filter(|index| index % topology.zones.max(1) == *zone)
            .map(Struck::Node)
            .collect(),
        // Links and sets have been taken apart.
        Target::OneOf(..)
        | Target::All(_)
        | Target::Leader(_)
        | Target::Controller(_)
        | Target::Zone(_)
        | Target::Link(..)
        | Target::Set(_) => BTreeSet::new(),
    }
}

/// Judges a plan on its worst resolution.
#[must_use]
pub fn judge(plan: &FaultPlan, topology: &Topology) -> Fit {
    let parts = (0..topology.parts.len()).map(|part| PartId(part as u16));
    let outside = parts.filter_map(|part| judge_part(plan, topology, part));
    let first = outside.min_by_key(|(fault, _)| *fault);
    let controls =
        plan.faults.iter().enumerate().filter_map(|(index, fault)| {
            judge_control(topology, &fault.kind).map(|why| (index, why))
        });
    let found = first
        .into_iter()
        .chain(controls)
        .min_by_key(|(fault, _)| *fault);
    found.map_or(Fit::Inside, |(fault, why)| Fit::Outside { fault, why })
}

/// An operator's doing that breaks a promise by itself.
fn judge_control(topology: &Topology, kind: &FaultKind) -> Option<String> {
    let FaultKind::Control(control) = kind else {
        return None;
    };
    match control {
        Control::ExpireProducers => {
            Some("a broker that forgets its producers takes their retries twice".to_owned())
        }
        Control::Rewind => {
            let mut processors = topology.processors.iter();
            let settles_first = processors.any(|one| one.delivery == DeliveryMode::AtMostOnce);
            let why = "a group that starts again reads twice what was promised at most once";
            settles_first.then(|| why.to_owned())
        }
        Control::Stop
        | Control::Leave
        | Control::Join
        | Control::Poison { .. }
        | Control::Mend
        | Control::ForceElection
        | Control::ExpandPartitions
        | Control::ForceRetention { .. }
        | Control::Configure { .. } => None,
    }
}

fn judge_part(plan: &FaultPlan, topology: &Topology, part: PartId) -> Option<(usize, String)> {
    let mut envelope = Envelope::of(topology, part);
    let mut faults = plan.faults.iter().enumerate();
    if faults.any(|(index, fault)| {
        fault.kind == FaultKind::FailedSync
            && !strikes(topology, part, &fault.target, index).is_empty()
    }) {
        envelope = envelope.after_failed_sync(topology, part);
    }
    let mut shares: Vec<Share> = Vec::new();
    for (index, fault) in plan.faults.iter().enumerate() {
        let nodes = strikes(topology, part, &fault.target, index);
        if nodes.is_empty() {
            continue;
        }
        if let Some(why) = judge_clock(fault, envelope) {
            return Some((index, format!("{}: {why}", topology.name(part))));
        }
        let Some(sort) = sort(&fault.kind) else {
            continue;
        };
        // Without a holder the fault waits up to its length, then lasts as long.
        let waits = if fault.target.waits_for_a_holder() {
            fault.lasts
        } else {
            Span::ZERO
        };
        shares.push(Share {
            fault: index,
            from: fault.at,
            until: fault.at + fault.lasts + waits + envelope.catch_up,
            sort,
            nodes,
        });
    }
    catch_up_late(&mut shares);
    // The most are struck at the beginning of some fault.
    let mut found = shares.iter().filter_map(|last| {
        let active = shares
            .iter()
            .filter(|share| (share.from..share.until).contains(&last.from));
        let why = exceeds(topology, part, envelope, &active.collect::<Vec<_>>())?;
        Some((last.fault, why))
    });
    found.next()
}

/// Lengthens the shares of what has lost something: it has caught up only when nobody whom it may need is away any
/// more.
fn catch_up_late(shares: &mut [Share]) {
    loop {
        let late = shares.iter().enumerate().find_map(|(place, share)| {
            let lacks = matches!(share.sort, Sort::Power | Sort::Corrupted);
            let others = shares.iter().filter(|_| lacks);
            let away = others.filter(|other| other.from < share.until && share.from < other.until);
            let until = away.map(|other| other.until).max()?;
            (until > share.until).then_some((place, until))
        });
        let Some((place, until)) = late else {
            return;
        };
        shares[place].until = until;
    }
}

/// How far a repeated second moves a clock.
const LEAP: Span = Span::secs(1);

fn judge_clock(fault: &Fault, envelope: Envelope) -> Option<String> {
    let bound = envelope.clock?;
    let strays = match fault.kind {
        FaultKind::ClockStep { by } => Span(by.unsigned_abs()),
        FaultKind::ClockDrift { parts } => fault
            .lasts
            .ratio(u64::from(parts.unsigned_abs()), 1_000_000),
        FaultKind::ClockSlew { by, .. } => Span(by.unsigned_abs()),
        FaultKind::LeapSecond => LEAP,
        FaultKind::ClockFreeze => fault.lasts,
        FaultKind::Crash
        | FaultKind::PowerLoss { .. }
        | FaultKind::Pause { .. }
        | FaultKind::Partition
        | FaultKind::Oneway
        | FaultKind::Loss { .. }
        | FaultKind::Duplicate { .. }
        | FaultKind::Delay { .. }
        | FaultKind::Drop { .. }
        | FaultKind::Reset { .. }
        | FaultKind::Quota { .. }
        | FaultKind::SlowDisk { .. }
        | FaultKind::DiskFull
        | FaultKind::FailedSync
        | FaultKind::Corrupt
        | FaultKind::SlowNode { .. }
        | FaultKind::SlowLink { .. }
        | FaultKind::CrashAt { .. }
        | FaultKind::YieldAt { .. }
        | FaultKind::Control(_) => return None,
    };
    (strays > bound).then(|| format!("a clock strays by {strays}, the bound is {bound}"))
}

/// Why the faults active together go too far, if they do.
fn exceeds(
    topology: &Topology,
    part: PartId,
    envelope: Envelope,
    active: &[&Share],
) -> Option<String> {
    let nodes = topology.part(part).cluster.nodes;
    let count = |sorts: &[Sort]| {
        let shares = active.iter().filter(|share| sorts.contains(&share.sort));
        let struck: BTreeSet<&Struck> = shares.flat_map(|share| &share.nodes).collect();
        u16::try_from(struck.len()).unwrap_or(u16::MAX).min(nodes)
    };
    let power = count(&[Sort::Power]);
    let corrupted = count(&[Sort::Corrupted]);
    let struck = count(&[
        Sort::Power,
        Sort::Corrupted,
        Sort::Down,
        Sort::CutOff,
        Sort::FullDisk,
    ]);
    let with_power = if power == 0 { 0 } else { struck };
    let name = topology.name(part);
    [
        (power, envelope.power_losses, "without power"),
        (
            with_power,
            envelope.struck_with_power,
            "struck while one has no power",
        ),
        (corrupted, envelope.corrupted, "with a damaged disk"),
        (
            count(&[Sort::Power, Sort::Corrupted, Sort::Down]),
            envelope.crashes,
            "down",
        ),
        (count(&[Sort::CutOff]), envelope.cut_off, "cut off"),
        (
            count(&[Sort::FullDisk]),
            envelope.full_disks,
            "with a full disk",
        ),
    ]
    .into_iter()
    .find_map(|(have, bound, what)| {
        let bound = bound.filter(|bound| have > *bound)?;
        Some(format!(
            "{name}: up to {have} nodes {what} at once, promised for {bound}"
        ))
    })
}

#[cfg(test)]
mod tests;
