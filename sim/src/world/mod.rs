//! The World: it routes. It knows that a message has a fate; the network knows which. It knows that an
//! operation takes time; the disk knows how long.

mod arrivals;
mod clocks;
mod effects;
mod entry;
mod faults;
mod node;
mod outside;
mod plan;
mod roles;
mod stalls;
mod station;
mod timers;
mod trace;
mod view;

pub use clocks::{ClockNote, TimeService};
pub use entry::{Entry, Outside};
pub use faults::FaultRecord;
pub use node::{Load, NodePlan, Software, State};
pub use plan::{Limits, Stop, WorldPlan};
pub use trace::{Blocks, Step, Trace};

use crate::agenda::Agenda;
use crate::clock::NodeClock;
use crate::disk::Disk;
use crate::network::Network;
use crate::profile::Profile;
use clocks::Clocks;
use faults::Faults;
use node::Node;
use roles::Roles;
use std::collections::VecDeque;
use stormglass_core::actor::{Context, Control, Effect, Input, Origin};
use stormglass_core::digest::{Digest, digest_of};
use stormglass_core::disk::{DiskOp, DiskReply};
use stormglass_core::fault::FaultKind;
use stormglass_core::history::{Fact, Kinds, Observation, Stage};
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::rng::Seed;
use stormglass_core::time::Time;

/// All that is simulated.
pub struct World {
    seed: Seed,
    now: Time,
    agenda: Agenda<Entry>,
    network: Network,
    nodes: Vec<Node>,
    profile: Profile,
    faults: Faults,
    clocks: Clocks,
    roles: Roles,
    parts: Vec<String>,
    wanted: Kinds,
    limits: Limits,
    observations: VecDeque<Observation>,
    outside: VecDeque<Outside>,
    trace: Trace,
    fingerprint: Digest,
    steps: u64,
    steps_at_instant: u64,
    stop: Option<Stop>,
    spare_effects: Vec<Vec<Effect>>,
    /// Entries of the agenda for timers that were unset or replaced.
    void_timers: usize,
    drained: bool,
}

impl World {
    /// A world at its first instant; nothing has booted.
    ///
    /// # Panics
    /// If there are more than 4,096 nodes.
    #[must_use]
    pub fn new(plan: WorldPlan) -> World {
        assert!(
            plan.nodes.len() <= 4_096,
            "{} nodes are more than a world holds",
            plan.nodes.len()
        );
        let seed = plan.seed;
        let places = plan.nodes.iter();
        let places = places.map(|node| (node.name.clone(), node.zone)).unzip();
        let mut agenda = Agenda::new();
        for (index, node) in plan.nodes.iter().enumerate() {
            agenda.push(node.boot_at, Entry::Boot(NodeId(index as u16)));
        }
        for (index, fault) in plan.faults.faults.iter().enumerate() {
            agenda.push(fault.at, Entry::FaultStart(index as u32));
            agenda.push(fault.at + fault.lasts, Entry::FaultEnd(index as u32));
        }
        if let Some(stalls) = &plan.profile.stalls {
            for (index, node) in plan.nodes.iter().enumerate() {
                let first = stalls.gap.at(stalls::draws(seed, &node.name).at(0));
                agenda.push(node.boot_at + first, Entry::Stall(NodeId(index as u16), 0));
            }
        }
        if let Some(service) = &plan.time_service {
            agenda.push(Time::ZERO + service.interval, Entry::TimeService);
        }
        let clocks = Clocks::new(plan.time_service, plan.nodes.len());
        agenda.push(plan.heal_at, Entry::Heal);
        agenda.push(plan.drain_at, Entry::Drain);
        // Only then does anybody ask for the facts of what is durable already.
        let mut kinds = plan.faults.faults.iter().map(|fault| &fault.kind);
        let keeps_facts = kinds.any(|kind| *kind == FaultKind::Corrupt);
        let nodes = plan
            .nodes
            .into_iter()
            .map(|node| World::machine(seed, node, keeps_facts))
            .collect();
        World {
            seed,
            now: Time::ZERO,
            agenda,
            network: Network::new(
                seed,
                places,
                plan.profile.link.clone(),
                plan.faults.faults.len(),
            ),
            nodes,
            profile: plan.profile,
            faults: Faults::new(plan.faults),
            clocks,
            roles: Roles::default(),
            parts: plan.parts,
            wanted: plan.wanted,
            limits: plan.limits,
            observations: VecDeque::new(),
            outside: VecDeque::new(),
            trace: Trace::new(plan.trace),
            fingerprint: Digest::new(),
            steps: 0,
            steps_at_instant: 0,
            stop: None,
            spare_effects: Vec::new(),
            void_timers: 0,
            drained: false,
        }
    }

    fn machine(seed: Seed, plan: NodePlan, keeps_facts: bool) -> Node {
        let mut disk = Disk::new(seed.keyed(&format!("disk/{}", plan.name)));
        disk.keeps_facts = keeps_facts;
        Node {
            rng: seed.stream(&format!("node/{}", plan.name)),
            disk,
            name: plan.name,
            part: plan.part,
            software: plan.software,
            actor: None,
            incarnation: Incarnation(0),
            state: State::Waiting,
            down_faults: 0,
            paused: 0,
            overdue: Vec::new(),
            held: VecDeque::new(),
            slow_factor: 1,
            clock: NodeClock::new(plan.clock_offset, plan.clock_drift),
            counters: Default::default(),
            connections: Vec::new(),
            timers: Default::default(),
            next_setting: 0,
            lanes: Vec::new(),
            ready: VecDeque::new(),
            occupancy: Default::default(),
            services: slab::Slab::new(),
            steps: 0,
            queue_max: 0,
        }
    }

    /// When something happens next, none if nothing ever will or the run was stopped.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Time> {
        if self.stop.is_some() {
            None
        } else {
            self.agenda.next_time()
        }
    }

    /// Lets everything happen that is due by `now`.
    ///
    /// # Panics
    /// If time would go backwards.
    pub fn advance(&mut self, now: Time) {
        assert!(now >= self.now, "time went back from {} to {now}", self.now);
        while self.stop.is_none()
            && let Some((time, entry)) = self.agenda.pop_until(now)
        {
            if time > self.now {
                self.now = time;
                self.steps_at_instant = 0;
            }
            self.handle(entry);
            self.sweep_void_timers();
        }
        self.now = self.now.max(now);
    }

    /// What a node outside has done: runs `body` with a context of the node at this instant and lets the
    /// effects happen. Nothing happens if that boot of the node is over.
    pub fn act<R>(
        &mut self,
        id: NodeId,
        incarnation: Incarnation,
        body: impl FnOnce(&mut Context<'_>) -> R,
    ) -> Option<R> {
        let node = &mut self.nodes[usize::from(id.0)];
        if node.incarnation != incarnation || node.state != State::Up {
            return None;
        }
        let mut effects = self.spare_effects.pop().unwrap_or_default();
        let mut cx = Context::new(
            id,
            incarnation,
            node.clock.monotonic(self.now),
            node.clock.wall(self.now),
            &mut node.rng,
            &mut node.counters,
            &mut self.network.slots,
            &mut effects,
        );
        let result = body(&mut cx);
        self.steps += 1;
        self.release_all(id, effects);
        Some(result)
    }

    /// Something for a program outside, in order.
    pub fn poll_outside(&mut self) -> Option<Outside> {
        self.outside.pop_front()
    }

    /// What has happened, in order.
    pub fn poll_observation(&mut self) -> Option<Observation> {
        self.observations.pop_front()
    }

    fn handle(&mut self, entry: Entry) {
        match entry {
            Entry::Arrive {
                connection,
                to_server,
                item,
            } => {
                let Some(way) = self.network.way(connection, to_server) else {
                    return;
                };
                if self.network.must_wait(way) {
                    self.network.stall(self.now, connection, to_server, item);
                } else {
                    self.arrived(connection, to_server, way, item);
                }
            }
            Entry::Datagram { from, to, message } => {
                if self.network.datagram_arrives(from, to) {
                    let input = Input::Message {
                        origin: Origin::Datagram,
                        peer: from,
                        message,
                    };
                    self.give(to, input);
                }
            }
            Entry::Resume {
                connection,
                to_server,
            } => {
                for item in self.network.resume(connection, to_server) {
                    let Some(way) = self.network.way(connection, to_server) else {
                        return;
                    };
                    self.arrived(connection, to_server, way, item);
                }
            }
            Entry::Timer {
                node,
                timer,
                setting,
            } => self.timer_runs_out(node, timer, setting),
            Entry::Disk {
                node,
                incarnation,
                op,
            } => self.disk_done(node, incarnation, *op),
            Entry::Release {
                node,
                incarnation,
                service,
            } => self.service_ends(node, incarnation, service),
            Entry::Boot(node) => self.boot(node),
            Entry::FaultStart(fault) => self.start_fault(fault),
            Entry::FaultEnd(fault) => self.end_fault(fault),
            Entry::Stall(node, nth) => self.stall(node, nth),
            Entry::StallEnd(node, incarnation) => self.stall_ends(node, incarnation),
            Entry::SlewEnd(fault) => self.slew_reached(fault),
            Entry::TimeService => self.time_service(),
            Entry::Corrected(node) => self.stop_moving(node),
            Entry::Heal => self.heal(),
            Entry::Drain => self.drain(),
        }
    }

    fn mix(&mut self, node: NodeId, incarnation: Incarnation, class: u64, digest: u64) {
        self.fingerprint.word(digest_of(&[
            self.now.0,
            u64::from(node.0) << 32 | u64::from(incarnation.0),
            class,
            digest,
        ]));
    }

    fn disk_done(&mut self, id: NodeId, incarnation: Incarnation, op: DiskOp) {
        let node = &mut self.nodes[usize::from(id.0)];
        if node.incarnation != incarnation || node.state != State::Up {
            return;
        }
        let (file, token) = (op.file, op.token);
        let (outcome, applied) = node.disk.apply(self.now, op, &self.profile.disk);
        if node.disk.bytes() > self.limits.disk_bytes {
            self.stop.get_or_insert(Stop::DiskBytes);
        }
        if let Some(fact) = applied.written {
            self.observe(id, incarnation, Stage::Written, None, fact);
        }
        for fact in applied.durable {
            self.observe(id, incarnation, Stage::Durable, None, fact);
        }
        self.give(
            id,
            Input::Disk(DiskReply {
                file,
                token,
                outcome,
            }),
        );
    }

    fn observe(
        &mut self,
        node: NodeId,
        incarnation: Incarnation,
        stage: Stage,
        peer: Option<NodeId>,
        fact: Fact,
    ) {
        if self.wanted.contains(fact.kind()) {
            self.observations.push_back(Observation {
                time: self.now,
                node,
                incarnation,
                stage,
                peer,
                fact,
            });
        }
    }

    fn observe_world(&mut self, fact: Fact) {
        self.observe(NodeId(u16::MAX), Incarnation(0), Stage::Seen, None, fact);
    }

    fn boot(&mut self, id: NodeId) {
        let node = &mut self.nodes[usize::from(id.0)];
        assert!(
            node.state != State::Up,
            "{} booted while it was up",
            node.name
        );
        node.incarnation.0 += 1;
        node.state = State::Up;
        node.clock.boot(self.now);
        let incarnation = node.incarnation;
        match &node.software {
            Software::Actor(factory) => node.actor = Some(factory()),
            Software::Outside => self.outside.push_back(Outside::Restart(id, incarnation)),
        }
        self.observe(id, incarnation, Stage::Seen, None, Fact::Booted);
        self.give(id, Input::Start);
        self.remind(id);
    }

    fn drain(&mut self) {
        self.drained = true;
        self.observe_world(Fact::Drained);
        for index in 0..self.nodes.len() {
            self.control(NodeId(index as u16), Control::Stop);
        }
    }

    /// Delivers a control input, off the network, to a node that is up.
    pub fn control(&mut self, id: NodeId, control: Control) {
        if self.nodes[usize::from(id.0)].state == State::Up {
            self.give(id, Input::Control(control));
        }
    }
}

/// The class under which a discarded message enters the fingerprint.
const DISCARDED: u64 = 0xD15C;
/// The class under which a resolved fault enters the fingerprint.
const FAULT: u64 = 0xFA17;
