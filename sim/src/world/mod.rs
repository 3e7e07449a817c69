//! The World: it routes. It knows that a message has a fate; the network knows which. It knows that an
//! operation takes time; the disk knows how long.

mod effects;
mod faults;
mod node;
mod outside;
mod roles;
mod station;
mod trace;

pub use faults::FaultRecord;
pub use node::{NodePlan, Software, State};
pub use trace::{Step, Trace};

use crate::agenda::Agenda;
use crate::clock::NodeClock;
use crate::disk::Disk;
use crate::network::{Arrival, Item, Network};
use crate::profile::Profile;
use faults::Faults;
use node::{Armed, Node};
use roles::Roles;
use std::collections::VecDeque;
use stormglass_core::actor::{
    CloseReason, Connection, Context, Control, Effect, Input, Inspection, Origin,
};
use stormglass_core::digest::{Digest, digest_of};
use stormglass_core::disk::{DiskOp, DiskReply};
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::{Fact, Kinds, Observation, Stage};
use stormglass_core::id::{Incarnation, NodeId, PartId, TimerId};
use stormglass_core::message::Message;
use stormglass_core::rng::Seed;
use stormglass_core::time::Time;

/// Everything a run is made of.
pub struct WorldPlan {
    /// The number that decides it.
    pub seed: Seed,
    /// The hardware.
    pub profile: Profile,
    /// The machines, in the order of their numbers.
    pub nodes: Vec<NodePlan>,
    /// What goes wrong.
    pub faults: FaultPlan,
    /// The names of the parts, by `PartId`.
    pub parts: Vec<String>,
    /// When everything is healed and `calm` begins.
    pub heal_at: Time,
    /// When the sources stop and `drain` begins.
    pub drain_at: Time,
    /// Which facts somebody wants.
    pub wanted: Kinds,
    /// Bounds of the run.
    pub limits: Limits,
    /// Which steps to keep in full, if any.
    pub trace: Option<std::ops::Range<u64>>,
}

/// Bounds that every run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps in all.
    pub steps: u64,
    /// Steps at one instant; more is a livelock.
    pub steps_at_instant: u64,
    /// Modelled bytes on all disks.
    pub disk_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            steps: 200_000_000,
            steps_at_instant: 100_000,
            disk_bytes: 8 << 30,
        }
    }
}

/// Why a run was stopped before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Too many steps.
    Steps,
    /// Too many steps at one instant: these nodes are in the loop.
    Livelock(Vec<String>),
    /// Too many modelled bytes.
    DiskBytes,
}

/// An entry of the agenda.
#[derive(Debug)]
pub enum Entry {
    /// An item of a connection has come to the end of its way.
    Arrive {
        /// Which connection.
        connection: Connection,
        /// Which direction.
        to_server: bool,
        /// What.
        item: Item,
    },
    /// A datagram has come to the end of its way.
    Datagram {
        /// Who sent it.
        from: NodeId,
        /// Who gets it.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// A connection's retransmission after a cut.
    Resume {
        /// Which connection.
        connection: Connection,
        /// Which direction.
        to_server: bool,
    },
    /// A timer runs out.
    Timer {
        /// Whose.
        node: NodeId,
        /// Which.
        timer: TimerId,
        /// Which setting of it.
        setting: u32,
    },
    /// A disk operation is done.
    Disk {
        /// Whose.
        node: NodeId,
        /// Asked for in which boot.
        incarnation: Incarnation,
        /// Which.
        op: Box<DiskOp>,
    },
    /// A step's service ends.
    Release {
        /// Whose.
        node: NodeId,
        /// In which boot.
        incarnation: Incarnation,
        /// Which.
        service: u32,
    },
    /// A node boots.
    Boot(NodeId),
    /// A fault of the plan starts.
    FaultStart(u32),
    /// A fault of the plan ends.
    FaultEnd(u32),
    /// Everything is healed.
    Heal,
    /// The sources stop.
    Drain,
}

/// Something for, or about, a program outside.
#[derive(Debug)]
pub enum Outside {
    /// An input; a timer of the program comes as [`Input::Timer`].
    Deliver(NodeId, Input),
    /// The node has booted: start the program.
    Restart(NodeId, Incarnation),
    /// The node's process is gone: drop the program.
    Kill(NodeId),
    /// The node stands still.
    Pause(NodeId),
    /// The node goes on.
    Resume(NodeId),
}

/// All that is simulated.
pub struct World {
    seed: Seed,
    now: Time,
    agenda: Agenda<Entry>,
    network: Network,
    nodes: Vec<Node>,
    profile: Profile,
    faults: Faults,
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
        let names = plan.nodes.iter().map(|node| node.name.clone()).collect();
        let mut agenda = Agenda::new();
        for (index, node) in plan.nodes.iter().enumerate() {
            agenda.push(node.boot_at, Entry::Boot(NodeId(index as u16)));
        }
        for (index, fault) in plan.faults.faults.iter().enumerate() {
            agenda.push(fault.at, Entry::FaultStart(index as u32));
            agenda.push(fault.at + fault.lasts, Entry::FaultEnd(index as u32));
        }
        agenda.push(plan.heal_at, Entry::Heal);
        agenda.push(plan.drain_at, Entry::Drain);
        let nodes = plan
            .nodes
            .into_iter()
            .map(|node| World::machine(seed, node))
            .collect();
        World {
            seed,
            now: Time::ZERO,
            agenda,
            network: Network::new(
                seed,
                names,
                plan.profile.link.clone(),
                plan.faults.faults.len(),
            ),
            nodes,
            profile: plan.profile,
            faults: Faults::new(plan.faults),
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

    fn machine(seed: Seed, plan: NodePlan) -> Node {
        Node {
            rng: seed.stream(&format!("node/{}", plan.name)),
            disk: Disk::new(seed.keyed(&format!("disk/{}", plan.name))),
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
            busy_cores: 0,
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
            if self.void_timers > VOID_TIMERS_MIN && self.void_timers > self.agenda.len() / 2 {
                self.sweep_timers();
            }
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
            } => match self.network.arrive(self.now, connection, to_server, item) {
                Some(Arrival::Here(item)) => self.arrived(connection, to_server, item),
                Some(Arrival::Stalled) | None => {}
            },
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
                    self.arrived(connection, to_server, item);
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
            Entry::Heal => self.heal(),
            Entry::Drain => self.drain(),
        }
    }

    fn arrived(&mut self, connection: Connection, to_server: bool, item: Item) {
        let Some(state) = self.network.get(connection) else {
            return;
        };
        let (from, to) = state.direction(to_server);
        let open = state.receiver(to_server).open;
        match item {
            Item::Syn => self.accept(connection, from, to),
            Item::Accepted => {
                if open {
                    self.give(
                        to,
                        Input::Opened {
                            connection,
                            peer: from,
                        },
                    );
                }
            }
            Item::Message(message) => self.message_arrived(connection, to_server, open, message),
            Item::Fin(reason) => {
                if open {
                    self.end_of(connection, to_server, to);
                    self.give(
                        to,
                        Input::Closed {
                            connection,
                            peer: from,
                            reason,
                        },
                    );
                } else if to_server {
                    self.network.close_end(connection, true);
                }
            }
        }
    }

    /// The first packet of a connection has reached the server's machine.
    fn accept(&mut self, connection: Connection, client: NodeId, server: NodeId) {
        match self.nodes[usize::from(server.0)].state {
            State::Up => {
                if let Some(state) = self.network.get_mut(connection) {
                    state.server.open = true;
                    state.accepted = true;
                }
                self.nodes[usize::from(server.0)]
                    .connections
                    .push(connection);
                self.network.send(
                    self.now,
                    connection,
                    false,
                    Item::Accepted,
                    &mut self.agenda,
                );
                self.give(
                    server,
                    Input::Opened {
                        connection,
                        peer: client,
                    },
                );
            }
            State::ProcessDown => {
                let refused = Item::Fin(CloseReason::Refused);
                self.network
                    .send(self.now, connection, false, refused, &mut self.agenda);
                self.network.close_end(connection, true);
            }
            State::Waiting | State::PowerOff => {
                self.network.close_end(connection, true);
            }
        }
    }

    fn message_arrived(
        &mut self,
        connection: Connection,
        to_server: bool,
        open: bool,
        message: Message,
    ) {
        let Some(state) = self.network.get(connection) else {
            return;
        };
        let (from, to) = state.direction(to_server);
        let sender_open = state.receiver(!to_server).open;
        if !open {
            self.discard(to, &message);
            let machine_answers = matches!(
                self.nodes[usize::from(to.0)].state,
                State::Up | State::ProcessDown
            );
            if machine_answers && sender_open {
                let reset = Item::Fin(CloseReason::Reset);
                self.network
                    .send(self.now, connection, !to_server, reset, &mut self.agenda);
            }
            return;
        }
        if to_server
            && !self.network.rules.is_empty()
            && let Message::Request { call, .. } = &message
        {
            match self.network.rules.reset(from, to, message.class().hash()) {
                None => {}
                Some(false) => {
                    self.discard(to, &message);
                    self.network.reset(self.now, connection, &mut self.agenda);
                    return;
                }
                Some(true) => {
                    let call = *call;
                    if let Some(state) = self.network.get_mut(connection) {
                        state.reset_at_reply = Some(call);
                    }
                }
            }
        }
        self.give(
            to,
            Input::Message {
                origin: Origin::Connection(connection),
                peer: from,
                message,
            },
        );
    }

    /// The receiving end of a direction learns that the other is gone.
    fn end_of(&mut self, connection: Connection, to_server: bool, node: NodeId) {
        let list = &mut self.nodes[usize::from(node.0)].connections;
        if let Some(place) = list.iter().position(|open| *open == connection) {
            list.swap_remove(place);
        }
        // The other end is gone too: it closed, died, or a fault reset both.
        self.network.close_end(connection, to_server);
    }

    fn discard(&mut self, node: NodeId, message: &Message) {
        let digest = message.digest();
        let incarnation = self.nodes[usize::from(node.0)].incarnation;
        self.mix(node, incarnation, DISCARDED, digest);
    }

    fn mix(&mut self, node: NodeId, incarnation: Incarnation, class: u64, digest: u64) {
        self.fingerprint.word(digest_of(&[
            self.now.0,
            u64::from(node.0) << 32 | u64::from(incarnation.0),
            class,
            digest,
        ]));
    }

    fn timer_runs_out(&mut self, id: NodeId, timer: TimerId, setting: u32) {
        let node = &mut self.nodes[usize::from(id.0)];
        let armed = node.timers.get(&timer).copied();
        let Some(armed) = armed.filter(|armed| armed.setting == setting) else {
            self.void_timers -= 1;
            return;
        };
        node.timers.remove(&timer);
        if node.paused > 0 {
            node.overdue.push((armed.at, timer));
        } else {
            self.give(id, Input::Timer(timer));
        }
    }

    /// A timer's entry in the agenda has lost its meaning.
    fn void_timer(&mut self, armed: Option<Armed>) {
        self.void_timers += usize::from(armed.is_some_and(|armed| armed.queued));
    }

    /// Takes void timers out of the agenda. Requests are answered long before they time out, so without this
    /// nearly all of a run's agenda would be timeouts of answered requests.
    fn sweep_timers(&mut self) {
        let nodes = &self.nodes;
        self.agenda.retain(|entry| {
            let Entry::Timer {
                node,
                timer,
                setting,
            } = entry
            else {
                return true;
            };
            let armed = nodes[usize::from(node.0)].timers.get(timer);
            armed.is_some_and(|armed| armed.setting == *setting)
        });
        self.void_timers = 0;
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

    /// True time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Steps taken.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// The rolling hash of everything delivered and discarded so far.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    /// Why the run was stopped, if it was.
    #[must_use]
    pub const fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// The recorded steps and the hash after each block of 1,024.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What became of the plan's faults.
    #[must_use]
    pub fn fault_log(&self) -> Vec<FaultRecord> {
        self.faults.log(&self.network.rules)
    }

    /// Modelled bytes on all disks.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.disk.bytes()).sum()
    }

    /// The most modelled bytes that each disk held at once, added up.
    #[must_use]
    pub fn disk_bytes_max(&self) -> u64 {
        self.nodes.iter().map(|node| node.disk.bytes_max()).sum()
    }

    /// The name of a node.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[usize::from(node.0)].name
    }

    /// The part of a node.
    #[must_use]
    pub fn part(&self, node: NodeId) -> PartId {
        self.nodes[usize::from(node.0)].part
    }

    /// What people can see of every node: its clocks are true time's, its software says the rest.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        self.nodes.iter().fold(Inspection::new(), |tree, node| {
            let state = Inspection::new()
                .value("state", format!("{:?}", node.state))
                .value("incarnation", node.incarnation)
                .value("steps", node.steps)
                .value("queue_max", node.queue_max)
                .value("disk_bytes", node.disk.bytes());
            let state = match &node.actor {
                Some(actor) => state.child("actor", actor.inspect()),
                None => state,
            };
            tree.child(&node.name, state)
        })
    }
}

/// So few void timers are not worth a sweep.
const VOID_TIMERS_MIN: usize = 32;

/// The class under which a discarded message enters the fingerprint.
const DISCARDED: u64 = 0xD15C;
/// The class under which a resolved fault enters the fingerprint.
const FAULT: u64 = 0xFA17;
