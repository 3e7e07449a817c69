//! The plan's faults begin and end. A target is resolved once, when its fault begins; with no holder the
//! fault waits, up to its length.

use super::node::State;
use super::{Entry, Outside, Software, World};
use crate::network::{Action, Quota, Rule, Rules, Scope, class_filter};
use stormglass_core::actor::Input;
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::{Fact, Stage as Told};
use stormglass_core::id::{GroupId, NodeId, PartId, PointId, name_hash};
use stormglass_core::part::PartKind;
use stormglass_core::time::{Span, Time};

/// What became of one fault of the plan.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FaultRecord {
    /// The fault as planned.
    pub fault: Fault,
    /// The nodes it struck.
    pub resolved: Vec<String>,
    /// When it began to act.
    pub started: Option<Time>,
    /// When it was healed.
    pub ended: Option<Time>,
    /// How often it had an effect: packets held or lost, nodes killed, controls delivered.
    pub effects: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not yet due.
    Ahead,
    /// Due, without a holder of the targeted role.
    Waiting,
    /// Acting.
    Active,
    /// Over.
    Over,
}

#[derive(Debug)]
struct Progress {
    stage: Stage,
    nodes: Vec<NodeId>,
    resolved: Vec<String>,
    started: Option<Time>,
    ended: Option<Time>,
    /// Nodes that this fault keeps down.
    killed: Vec<NodeId>,
    /// Passages left until a `crash_at` strikes.
    passages: u32,
}

/// The plan and how far it has come.
#[derive(Debug)]
pub(super) struct Faults {
    plan: FaultPlan,
    progress: Vec<Progress>,
    /// Active faults that watch a point: its hash and the fault.
    watched: Vec<(u64, u32)>,
    healed: bool,
}

/// What a point does to the step that passes it.
pub(super) enum AtPoint {
    /// Nothing.
    GoOn,
    /// The node is dead.
    Crashed,
    /// The rest is held until then.
    Hold(Time),
}

impl Faults {
    pub(super) fn new(plan: FaultPlan) -> Faults {
        let progress = plan
            .faults
            .iter()
            .map(|fault| Progress {
                stage: Stage::Ahead,
                nodes: Vec::new(),
                resolved: Vec::new(),
                started: None,
                ended: None,
                killed: Vec::new(),
                passages: if let FaultKind::CrashAt { nth, .. } = fault.kind {
                    nth.max(1)
                } else {
                    0
                },
            })
            .collect();
        Faults {
            plan,
            progress,
            watched: Vec::new(),
            healed: false,
        }
    }

    pub(super) fn struck(&self, fault: u32) -> &[NodeId] {
        &self.progress[fault as usize].nodes
    }

    pub(super) fn log(&self, rules: &Rules) -> Vec<FaultRecord> {
        self.plan
            .faults
            .iter()
            .zip(&self.progress)
            .enumerate()
            .map(|(index, (fault, progress))| FaultRecord {
                fault: fault.clone(),
                resolved: progress.resolved.clone(),
                started: progress.started,
                ended: progress.ended,
                effects: rules.effects(index as u32),
            })
            .collect()
    }
}

/// The same nodes, each once, in the order of their first mention.
fn distinct(nodes: Vec<NodeId>) -> Vec<NodeId> {
    let mut seen = Vec::with_capacity(nodes.len());
    for node in nodes {
        if !seen.contains(&node) {
            seen.push(node);
        }
    }
    seen
}

impl World {
    fn part_named(&self, name: &str) -> Option<PartId> {
        self.parts
            .iter()
            .position(|part| part == name)
            .map(|index| PartId(index as u16))
    }

    fn nodes_of(&self, part: PartId) -> Vec<NodeId> {
        (0..self.nodes.len() as u16)
            .map(NodeId)
            .filter(|node| self.part(*node) == part)
            .collect()
    }

    fn resolve(&self, target: &Target) -> Option<Vec<NodeId>> {
        let one = |node: Option<NodeId>| node.map(|node| vec![node]);
        match target {
            Target::Node(name) => one(self
                .nodes
                .iter()
                .position(|node| node.name == *name)
                .map(|index| NodeId(index as u16))),
            Target::Leader(part) => one(self.roles.leader(self.part_named(part)?)),
            Target::Controller(part) => one(self.roles.controller(self.part_named(part)?)),
            Target::Coordinator(part) => {
                one(self.roles.coordinator(GroupId(self.part_named(part)?.0)))
            }
            Target::OneOf(part, index) => {
                let nodes = self.nodes_of(self.part_named(part)?);
                one(nodes.get(usize::from(*index) % nodes.len().max(1)).copied())
            }
            Target::All(part) => {
                Some(self.nodes_of(self.part_named(part)?)).filter(|nodes| !nodes.is_empty())
            }
            Target::Zone(zone) => {
                let is_outside = |node: NodeId| {
                    let part = self.parts.get(usize::from(self.part(node).0));
                    part.is_none_or(|part| part.starts_with(PartKind::Source.name()))
                };
                let nodes = (0..self.nodes.len() as u16).map(NodeId);
                let inside =
                    nodes.filter(|node| self.network.zone(*node) == *zone && !is_outside(*node));
                Some(inside.collect()).filter(|nodes: &Vec<NodeId>| !nodes.is_empty())
            }
            Target::Set(ends) => {
                // A role that nobody holds is waited for: the set is struck at once or not at all.
                let found: Option<Vec<Vec<NodeId>>> =
                    ends.iter().map(|end| self.resolve(end)).collect();
                Some(distinct(found?.concat()))
            }
            Target::Link(from, to) => {
                let mut nodes = self.resolve(from)?;
                nodes.extend(self.resolve(to)?);
                Some(nodes)
            }
        }
    }

    fn set_of(&self, nodes: &[NodeId]) -> Vec<bool> {
        let mut set = vec![false; self.nodes.len()];
        for node in nodes {
            set[usize::from(node.0)] = true;
        }
        set
    }

    fn scope(&self, target: &Target, nodes: &[NodeId]) -> Option<Scope> {
        match target {
            Target::Link(from, to) => Some(Scope::Link(
                self.set_of(&self.resolve(from)?),
                self.set_of(&self.resolve(to)?),
            )),
            Target::Node(_)
            | Target::Leader(_)
            | Target::Controller(_)
            | Target::Coordinator(_)
            | Target::OneOf(..)
            | Target::All(_)
            | Target::Zone(_)
            | Target::Set(_) => Some(Scope::Nodes(self.set_of(nodes))),
        }
    }

    pub(super) fn start_fault(&mut self, index: u32) {
        let progress = &mut self.faults.progress[index as usize];
        if self.faults.healed || progress.stage == Stage::Over {
            progress.stage = Stage::Over;
            return;
        }
        // Two offices that were taken at once each start it: the second finds it under way, and must not make
        // it wait again, or nothing would end it.
        if progress.stage == Stage::Active {
            return;
        }
        let target = self.faults.plan.faults[index as usize].target.clone();
        let Some(nodes) = self.resolve(&target) else {
            self.faults.progress[index as usize].stage = Stage::Waiting;
            return;
        };
        let names = nodes
            .iter()
            .map(|node| self.name(*node).to_owned())
            .collect();
        let progress = &mut self.faults.progress[index as usize];
        progress.stage = Stage::Active;
        progress.nodes = nodes.clone();
        progress.resolved = names;
        progress.started = Some(self.now);
        self.observe_world(Fact::FaultStarted(index));
        for node in &nodes {
            let incarnation = self.nodes[usize::from(node.0)].incarnation;
            self.mix(*node, incarnation, super::FAULT, u64::from(index));
        }
        let kind = self.faults.plan.faults[index as usize].kind.clone();
        self.strike(index, &kind, &target, &nodes);
    }

    /// Somebody took an office: faults that waited for one may begin.
    pub(super) fn resolve_waiting(&mut self) {
        let waiting: Vec<u32> = (0..self.faults.progress.len() as u32)
            .filter(|index| self.faults.progress[*index as usize].stage == Stage::Waiting)
            .collect();
        for index in waiting {
            // Not at once: the step that took the office is still being released.
            self.agenda.push(self.now, Entry::FaultStart(index));
        }
    }

    fn strike(&mut self, index: u32, kind: &FaultKind, target: &Target, nodes: &[NodeId]) {
        match kind {
            FaultKind::Crash => self.kill(index, nodes, false, false),
            FaultKind::PowerLoss { torn } => self.kill(index, nodes, true, *torn),
            FaultKind::Corrupt => self.corrupt(index, nodes),
            FaultKind::Pause { clock_stops } => {
                for id in nodes {
                    self.pause(index, *id, *clock_stops);
                }
            }
            FaultKind::Partition => self.rule(index, target, nodes, Action::Cut),
            FaultKind::Oneway => self.rule(index, target, nodes, Action::CutOneWay),
            FaultKind::Loss { parts } => self.rule(index, target, nodes, Action::Loss(*parts)),
            FaultKind::Duplicate { parts } => {
                self.rule(index, target, nodes, Action::Duplicate(*parts))
            }
            FaultKind::Delay { class, by } => {
                self.rule(
                    index,
                    target,
                    nodes,
                    Action::Delay(class_filter(class), *by),
                );
            }
            FaultKind::Drop { class, count } => {
                self.rule(index, target, nodes, Action::Drop(name_hash(class), *count));
            }
            FaultKind::Reset { class, after } => {
                let action = Action::Reset {
                    class: name_hash(class),
                    after: *after,
                    left: 1,
                };
                self.rule(index, target, nodes, action);
            }
            FaultKind::Quota { class, per_second } => {
                let lasts = self.faults.plan.faults[index as usize].lasts;
                let quota = Quota {
                    class: class_filter(class),
                    gap: Span::secs(1) / u64::from((*per_second).max(1)),
                    next: self.now,
                    until: self.now + lasts,
                };
                self.rule(index, target, nodes, Action::Quota(quota));
            }
            FaultKind::SlowLink { factor } => {
                self.rule(index, target, nodes, Action::Slow(*factor))
            }
            FaultKind::SlowDisk { .. }
            | FaultKind::DiskFull
            | FaultKind::FailedSync
            | FaultKind::SlowNode { .. } => {
                self.count_each(index, nodes);
                self.refresh_factors();
            }
            FaultKind::ClockStep { .. }
            | FaultKind::ClockDrift { .. }
            | FaultKind::ClockSlew { .. }
            | FaultKind::LeapSecond
            | FaultKind::ClockFreeze => {
                self.strike_clocks(index, kind, nodes);
                self.count_each(index, nodes);
            }
            FaultKind::CrashAt { point, .. } | FaultKind::YieldAt { point, .. } => {
                self.faults.watched.push((name_hash(point), index));
            }
            FaultKind::Control(control) => {
                for id in nodes {
                    self.control(*id, control.clone());
                }
                self.count_each(index, nodes);
            }
        }
    }

    fn count_each(&mut self, index: u32, nodes: &[NodeId]) {
        for _ in nodes {
            self.network.rules.count(index);
        }
    }

    fn rule(&mut self, index: u32, target: &Target, nodes: &[NodeId], action: Action) {
        if let Some(scope) = self.scope(target, nodes) {
            self.network.rules.add(Rule {
                fault: index,
                scope,
                action,
            });
        }
    }

    fn kill(&mut self, index: u32, nodes: &[NodeId], power: bool, torn: bool) {
        for id in nodes {
            let node = &mut self.nodes[usize::from(id.0)];
            if node.state == State::Waiting {
                continue;
            }
            node.down_faults += 1;
            let strikes = node.state == State::Up || (power && node.state == State::ProcessDown);
            self.faults.progress[index as usize].killed.push(*id);
            // One that is down already is kept down: that is an effect too.
            self.network.rules.count(index);
            if strikes {
                self.crash(*id, power, torn);
            }
        }
    }

    /// Processes die whose disks have gone bad. One that keeps no data has nothing to lose, and lives on.
    fn corrupt(&mut self, index: u32, nodes: &[NodeId]) {
        for id in nodes {
            let now = self.now;
            let node = &mut self.nodes[usize::from(id.0)];
            let incarnation = node.incarnation;
            let Some(gone) = node.disk.corrupt(now) else {
                continue;
            };
            self.kill(index, &[*id], false, false);
            for fact in gone {
                self.observe(*id, incarnation, Told::Corrupted, None, fact);
            }
        }
    }

    fn pause(&mut self, index: u32, id: NodeId, clock_stops: bool) {
        if self.stand_still(id, clock_stops) {
            self.network.rules.count(index);
        }
    }

    /// A node stands still, if it is up, until it may [go on](World::go_on). Gives back whether it is up.
    pub(super) fn stand_still(&mut self, id: NodeId, clock_stops: bool) -> bool {
        let now = self.now;
        let node = &mut self.nodes[usize::from(id.0)];
        if node.state != State::Up {
            return false;
        }
        node.paused += 1;
        if clock_stops {
            node.clock.stop(now);
        }
        if matches!(node.software, Software::Outside) {
            self.outside.push_back(Outside::Pause(id));
        }
        true
    }

    /// What made the node stand still, and its clock if `clock_stopped`, is over; the node goes on when nothing
    /// else makes it stand still.
    pub(super) fn go_on(&mut self, id: NodeId, clock_stopped: bool) {
        let now = self.now;
        let node = &mut self.nodes[usize::from(id.0)];
        if node.paused == 0 {
            return;
        }
        node.paused -= 1;
        if clock_stopped {
            node.clock.go_on(now);
        }
        if node.state != State::Up {
            return;
        }
        if node.paused > 0 {
            // What still keeps the node may leave its clock alone.
            return self.re_key_timers(id);
        }
        let incarnation = node.incarnation;
        let mut overdue = std::mem::take(&mut node.overdue);
        overdue.sort();
        let held = std::mem::take(&mut node.held);
        for (slot, service) in &mut node.services {
            if std::mem::take(&mut service.overdue) {
                let entry = Entry::Release {
                    node: id,
                    incarnation,
                    service: slot as u32,
                };
                self.agenda.push(now, entry);
            }
        }
        if matches!(node.software, Software::Outside) {
            self.outside.push_back(Outside::Resume(id));
        }
        self.re_key_timers(id);
        for (_, timer) in overdue {
            self.give(id, Input::Timer(timer));
        }
        for input in held {
            self.give(id, input);
        }
        self.take_next(id);
    }

    /// Factors of slow nodes and disks, from the faults that are active.
    fn refresh_factors(&mut self) {
        for node in &mut self.nodes {
            (node.slow_factor, node.disk.slow_factor) = (1, 1);
            (node.disk.full, node.disk.fails_syncs) = (false, false);
        }
        for (fault, progress) in self.faults.plan.faults.iter().zip(&self.faults.progress) {
            if progress.stage != Stage::Active {
                continue;
            }
            for id in &progress.nodes {
                let node = &mut self.nodes[usize::from(id.0)];
                if let FaultKind::SlowDisk { factor } = fault.kind {
                    node.disk.slow_factor *= factor.max(1);
                }
                if let FaultKind::SlowNode { factor } = fault.kind {
                    node.slow_factor *= factor.max(1);
                }
                node.disk.full |= fault.kind == FaultKind::DiskFull;
                node.disk.fails_syncs |= fault.kind == FaultKind::FailedSync;
            }
        }
    }

    pub(super) fn end_fault(&mut self, index: u32) {
        let progress = &mut self.faults.progress[index as usize];
        let was = std::mem::replace(&mut progress.stage, Stage::Over);
        if was != Stage::Active {
            return;
        }
        progress.ended = Some(self.now);
        let (nodes, killed) = (progress.nodes.clone(), std::mem::take(&mut progress.killed));
        let kind = self.faults.plan.faults[index as usize].kind.clone();
        self.observe_world(Fact::FaultEnded(index));
        match kind {
            FaultKind::Crash | FaultKind::PowerLoss { .. } | FaultKind::Corrupt => {
                self.revive(&killed);
            }
            FaultKind::CrashAt { .. } | FaultKind::YieldAt { .. } => {
                self.faults.watched.retain(|(_, fault)| *fault != index);
                self.revive(&killed);
            }
            FaultKind::Pause { clock_stops } => {
                for id in nodes {
                    self.go_on(id, clock_stops);
                }
            }
            FaultKind::Partition
            | FaultKind::Oneway
            | FaultKind::Loss { .. }
            | FaultKind::Duplicate { .. }
            | FaultKind::Delay { .. }
            | FaultKind::Drop { .. }
            | FaultKind::Reset { .. }
            | FaultKind::Quota { .. }
            | FaultKind::SlowLink { .. } => {
                self.network.rules.remove(index);
                self.network.resume_after_heal(self.now, &mut self.agenda);
            }
            FaultKind::SlowDisk { .. }
            | FaultKind::DiskFull
            | FaultKind::FailedSync
            | FaultKind::SlowNode { .. } => {
                self.refresh_factors();
            }
            FaultKind::ClockStep { .. }
            | FaultKind::ClockDrift { .. }
            | FaultKind::ClockSlew { .. }
            | FaultKind::LeapSecond
            | FaultKind::ClockFreeze => {
                let began = self.faults.progress[index as usize].started;
                let since = self.now.since(began.unwrap_or(self.now));
                self.release_clocks(&kind, &nodes, since);
            }
            FaultKind::Control(control) => {
                for id in nodes {
                    if let Some(undo) = control.undone_by() {
                        self.control(id, undo);
                    }
                }
            }
        }
    }

    /// A node that boots is told what it was told before: controls that last as long as their faults.
    pub(super) fn remind(&mut self, id: NodeId) {
        let faults = self.faults.plan.faults.iter().zip(&self.faults.progress);
        let lasting = faults.filter_map(|(fault, progress)| {
            let strikes = progress.stage == Stage::Active && progress.nodes.contains(&id);
            if let FaultKind::Control(control) = &fault.kind
                && strikes
                && control.undone_by().is_some()
            {
                return Some(control.clone());
            }
            None
        });
        for control in lasting.collect::<Vec<_>>() {
            self.control(id, control);
        }
    }

    /// A fault has moved its clocks as far as it wanted.
    pub(super) fn slew_reached(&mut self, index: u32) {
        let progress = &self.faults.progress[index as usize];
        if progress.stage == Stage::Active
            && let FaultKind::ClockSlew { by, parts } = self.faults.plan.faults[index as usize].kind
        {
            let nodes = progress.nodes.clone();
            self.slew_stops(&nodes, by, parts);
        }
    }

    fn revive(&mut self, nodes: &[NodeId]) {
        for id in nodes {
            let node = &mut self.nodes[usize::from(id.0)];
            node.down_faults -= 1;
            if node.down_faults == 0 {
                self.boot(*id);
            }
        }
    }

    pub(super) fn heal(&mut self) {
        for index in 0..self.faults.progress.len() as u32 {
            self.end_fault(index);
        }
        self.right_clocks();
        self.faults.healed = true;
        self.observe_world(Fact::Healed);
    }

    /// A step passes a point: the plan may kill the node there, or hold the rest of the step.
    pub(super) fn at_point(&mut self, id: NodeId, point: PointId) -> AtPoint {
        if self.faults.watched.is_empty() {
            return AtPoint::GoOn;
        }
        let hits: Vec<u32> = self
            .faults
            .watched
            .iter()
            .filter(|(hash, index)| {
                *hash == point.hash() && self.faults.progress[*index as usize].nodes.contains(&id)
            })
            .map(|(_, index)| *index)
            .collect();
        let mut hold = Span::ZERO;
        for index in hits {
            if let FaultKind::YieldAt { by, .. } = &self.faults.plan.faults[index as usize].kind {
                hold = hold.max(*by);
                self.network.rules.count(index);
                continue;
            }
            let progress = &mut self.faults.progress[index as usize];
            if progress.passages == 0 {
                continue;
            }
            progress.passages -= 1;
            if progress.passages == 0 {
                progress.killed.push(id);
                self.nodes[usize::from(id.0)].down_faults += 1;
                self.network.rules.count(index);
                self.crash(id, false, false);
                return AtPoint::Crashed;
            }
        }
        if hold == Span::ZERO {
            AtPoint::GoOn
        } else {
            AtPoint::Hold(self.now + hold)
        }
    }
}
