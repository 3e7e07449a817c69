//! A few actors on a perfect network without delay, for tests of actors that talk to each other. Messages
//! are delivered in the order sent; when none is left, time moves to the next timer.

use crate::actor::{
    Actor, CloseReason, Connection, ConnectionSlots, Context, Counters, Effect, Input, Origin,
};
use crate::disk::{DiskDone, DiskRecord, DiskReply, DiskVerb, FileId};
use crate::history::Fact;
use crate::id::{Incarnation, NodeId, PointId, TimerId};
use crate::message::Message;
use crate::rng::{Seed, Stream};
use crate::time::{Mono, Span, Wall};
use std::collections::{BTreeMap, VecDeque};

struct Machine {
    actor: Option<Box<dyn Actor>>,
    make: Box<dyn Fn() -> Box<dyn Actor>>,
    incarnation: u32,
    counters: Counters,
    timers: BTreeMap<TimerId, Mono>,
    files: BTreeMap<FileId, (Vec<DiskRecord>, usize)>,
}

/// The actors and what is between them.
pub struct Net {
    machines: BTreeMap<NodeId, Machine>,
    queue: VecDeque<(NodeId, u32, Input)>,
    ends: BTreeMap<Connection, (NodeId, NodeId)>,
    slots: ConnectionSlots,
    rng: Stream,
    /// The time on every clock.
    pub now: Mono,
    /// What was observed or written, in order.
    pub facts: Vec<(NodeId, Fact)>,
    /// Points passed, in order.
    pub points: Vec<PointId>,
    /// A node that passes this point dies there, once.
    pub crash_at: Option<PointId>,
    /// Messages of this class are lost, so many.
    pub loses: Option<(&'static str, u32)>,
}

impl Default for Net {
    fn default() -> Net {
        Net {
            machines: BTreeMap::new(),
            queue: VecDeque::new(),
            ends: BTreeMap::new(),
            slots: ConnectionSlots::default(),
            rng: Seed(1).stream("test"),
            now: Mono(0),
            facts: Vec::new(),
            points: Vec::new(),
            crash_at: None,
            loses: None,
        }
    }
}

impl Net {
    /// Adds a node and boots it.
    pub fn add(&mut self, node: u16, make: impl Fn() -> Box<dyn Actor> + 'static) {
        let machine = Machine {
            actor: None,
            make: Box::new(make),
            incarnation: 0,
            counters: Counters::default(),
            timers: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        self.machines.insert(NodeId(node), machine);
        self.boot(node);
    }

    /// Boots a node that is down.
    pub fn boot(&mut self, node: u16) {
        let machine = self.machines.get_mut(&NodeId(node)).expect("it was added");
        assert!(machine.actor.is_none(), "node {node} is up");
        machine.actor = Some((machine.make)());
        machine.incarnation += 1;
        let incarnation = machine.incarnation;
        self.queue
            .push_back((NodeId(node), incarnation, Input::Start));
    }

    /// Kills a node; its connections are reset.
    pub fn kill(&mut self, node: u16) {
        let node = NodeId(node);
        let machine = self.machines.get_mut(&node).expect("it was added");
        machine.actor = None;
        machine.timers.clear();
        let ended: Vec<(Connection, NodeId)> = self
            .ends
            .iter()
            .filter(|(_, (a, b))| *a == node || *b == node)
            .map(|(c, (a, b))| (*c, if *a == node { *b } else { *a }))
            .collect();
        for (connection, peer) in ended {
            self.close(connection, peer, node);
        }
    }

    /// Whether a node is up.
    pub fn is_up(&self, node: u16) -> bool {
        self.machines[&NodeId(node)].actor.is_some()
    }

    fn close(&mut self, connection: Connection, told: NodeId, peer: NodeId) {
        self.ends.remove(&connection);
        let reason = CloseReason::Reset;
        let input = Input::Closed {
            connection,
            peer,
            reason,
        };
        self.put(told, input);
    }

    fn put(&mut self, node: NodeId, input: Input) {
        if let Some(machine) = self.machines.get(&node) {
            self.queue.push_back((node, machine.incarnation, input));
        }
    }

    /// Lets a node take an input now.
    pub fn give(&mut self, node: u16, input: Input) {
        self.put(NodeId(node), input);
        self.drain();
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Span) {
        let until = self.now + span;
        self.drain();
        loop {
            let timers = self.machines.iter().flat_map(|(node, machine)| {
                machine
                    .timers
                    .iter()
                    .map(move |(timer, at)| (*at, *node, *timer))
            });
            let Some((at, node, timer)) = timers.min().filter(|(at, ..)| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            let machine = self.machines.get_mut(&node).expect("it has a timer");
            machine.timers.remove(&timer);
            self.put(node, Input::Timer(timer));
            self.drain();
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let mut steps = 0;
        while let Some((node, incarnation, input)) = self.queue.pop_front() {
            steps += 1;
            assert!(steps < 100_000, "the actors never come to rest");
            self.step(node, incarnation, input);
        }
    }

    fn step(&mut self, node: NodeId, incarnation: u32, input: Input) {
        let Some(machine) = self.machines.get_mut(&node) else {
            return;
        };
        let Some(actor) = machine
            .actor
            .as_mut()
            .filter(|_| machine.incarnation == incarnation)
        else {
            return;
        };
        let mut effects = Vec::new();
        let mut cx = Context::new(
            node,
            Incarnation(incarnation),
            self.now,
            Wall(self.now.0 as i64),
            &mut self.rng,
            &mut machine.counters,
            &mut self.slots,
            &mut effects,
        );
        actor.step(input, &mut cx);
        for effect in effects {
            if let Effect::Point(point) = effect {
                self.points.push(point);
                if self.crash_at == Some(point) {
                    self.crash_at = None;
                    return self.kill(node.0);
                }
            }
            self.apply(node, effect);
        }
    }

    fn apply(&mut self, node: NodeId, effect: Effect) {
        let machine = self.machines.get_mut(&node).expect("it took a step");
        match effect {
            Effect::Connect { connection, to } => {
                self.ends.insert(connection, (node, to));
                if self
                    .machines
                    .get(&to)
                    .is_none_or(|peer| peer.actor.is_none())
                {
                    self.close(connection, node, to);
                }
            }
            Effect::Send {
                connection,
                message,
            } => self.send(node, connection, message),
            Effect::Close(connection) => {
                if let Some((a, b)) = self.ends.get(&connection).copied() {
                    let peer = if a == node { b } else { a };
                    self.close(connection, peer, node);
                }
            }
            Effect::Arm { timer, at } => {
                machine.timers.insert(timer, at);
            }
            Effect::Disarm(timer) => {
                machine.timers.remove(&timer);
            }
            Effect::Disk(op) => {
                let (records, durable) = machine.files.entry(op.file).or_default();
                let mut done = DiskDone::Done;
                match op.verb {
                    DiskVerb::Append(more) => records.extend(more),
                    DiskVerb::Sync => *durable = records.len(),
                    DiskVerb::Truncate { records: kept } => records.truncate(kept as usize),
                    DiskVerb::Replace(all) => *records = all,
                    DiskVerb::Delete => records.clear(),
                    DiskVerb::Scan => done = DiskDone::Scanned(records.clone()),
                    DiskVerb::List => done = DiskDone::Listed(Vec::new()),
                }
                self.facts.extend(op.fact.map(|fact| (node, fact)));
                let reply = DiskReply {
                    file: op.file,
                    token: op.token,
                    outcome: Ok(done),
                };
                self.put(node, Input::Disk(reply));
            }
            Effect::Observe(fact) => self.facts.push((node, fact)),
            Effect::Point(_) | Effect::Datagram { .. } => {}
        }
    }

    fn send(&mut self, node: NodeId, connection: Connection, message: Message) {
        if let Some((class, left)) = &mut self.loses
            && *left > 0
            && message.class().name() == *class
        {
            *left -= 1;
            return;
        }
        let Some((a, b)) = self.ends.get(&connection).copied() else {
            return;
        };
        self.facts
            .extend(message.witness().map(|fact| (node, fact)));
        let to = if a == node { b } else { a };
        let origin = Origin::Connection(connection);
        self.put(
            to,
            Input::Message {
                origin,
                peer: node,
                message,
            },
        );
    }
}
