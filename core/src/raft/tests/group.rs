//! A whole group in one loop: members, disks and a network that delays, loses, reorders and forgets, all
//! drawn from one seed. It checks Raft's safety properties (figure 3 of the paper) at every step.

use super::plan;
use crate::actor::{Connection, ConnectionSlots, Context, Counters, Effect};
use crate::disk::{DiskDone, DiskError, DiskOp, DiskRecord, DiskReply, DiskVerb, FileId};
use crate::history::Fact;
use crate::id::{Incarnation, NodeId, TimerId};
use crate::message::Message;
use crate::message::raft::{Command, MetadataRecord, RaftEntry, RaftMessage, Term};
use crate::raft::Raft;
use crate::rng::{Seed, Stream};
use crate::time::{Mono, SECOND, Wall};
use std::collections::BTreeMap;

const MILLI: u64 = SECOND / 1_000;

/// What goes wrong, in parts of a million.
#[derive(Clone, Copy)]
pub(super) struct Weather {
    pub(super) loss: u32,
    pub(super) delay_max: u64,
    pub(super) disk_failure: u32,
    pub(super) forget_vote: bool,
}

pub(super) const CALM: Weather = Weather {
    loss: 0,
    delay_max: 5 * MILLI,
    disk_failure: 0,
    forget_vote: false,
};

enum Event {
    Deliver {
        to: u16,
        boot: u32,
        via: Connection,
        from: u16,
        message: RaftMessage,
    },
    Closed(u16, u32, Connection),
    Timer(u16, u32, TimerId, u64),
    Disk(u16, u32, DiskReply),
}

#[derive(Default)]
struct File {
    cache: Vec<DiskRecord>,
    durable: Vec<DiskRecord>,
    /// What the sync under way will make durable.
    syncing: Option<Vec<DiskRecord>>,
    /// A sync has failed: the pages count as clean and are never written, until all are replaced.
    poisoned: bool,
    busy_until: u64,
}

struct Member {
    raft: Option<Raft>,
    boot: u32,
    booted_at: u64,
    files: BTreeMap<FileId, File>,
    counters: Counters,
    rng: Stream,
    timers: BTreeMap<TimerId, u64>,
}

/// Both ends of a connection with their boots.
#[derive(Clone, Copy)]
struct Ends {
    client: (u16, u32),
    server: (u16, u32),
}

pub(super) struct Group {
    pub(super) now: u64,
    pub(super) weather: Weather,
    pub(super) rng: Stream,
    voters: u16,
    members: Vec<Member>,
    agenda: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    slots: ConnectionSlots,
    connections: BTreeMap<Connection, Ends>,
    /// Pairs of members that cannot reach each other.
    pub(super) cut: Vec<(u16, u16)>,
    leaders: BTreeMap<Term, u16>,
    pub(super) committed: Vec<Command>,
    proposed: u64,
    /// The first rule that was broken.
    pub(super) broken: Option<String>,
}

impl Group {
    pub(super) fn new(seed: u64, nodes: u16, voters: u16, weather: Weather) -> Group {
        let member = |index: u16| Member {
            raft: None,
            boot: 0,
            booted_at: 0,
            files: BTreeMap::new(),
            counters: Counters::default(),
            rng: Seed(seed).stream(&format!("member {index}")),
            timers: BTreeMap::new(),
        };
        let mut group = Group {
            now: 0,
            weather,
            rng: Seed(seed).stream("group"),
            voters,
            members: (0..nodes).map(member).collect(),
            agenda: BTreeMap::new(),
            sequence: 0,
            slots: ConnectionSlots::default(),
            connections: BTreeMap::new(),
            cut: Vec::new(),
            leaders: BTreeMap::new(),
            committed: Vec::new(),
            proposed: 0,
            broken: None,
        };
        for index in 0..nodes {
            group.start(index);
        }
        group
    }

    pub(super) fn len(&self) -> u16 {
        self.members.len() as u16
    }

    pub(super) fn raft(&self, index: u16) -> Option<&Raft> {
        self.members[usize::from(index)].raft.as_ref()
    }

    pub(super) fn leader(&self) -> Option<u16> {
        (0..self.len())
            .filter(|index| self.raft(*index).is_some_and(Raft::is_settled))
            .max_by_key(|index| self.raft(*index).map(Raft::term))
    }

    pub(super) fn start(&mut self, index: u16) {
        let mut plan = plan(index, self.len(), self.voters);
        plan.forget_vote = self.weather.forget_vote;
        let now = self.now;
        let member = &mut self.members[usize::from(index)];
        if member.raft.is_some() {
            return;
        }
        member.boot += 1;
        member.booted_at = now;
        member.raft = Some(Raft::new(plan));
        self.step(index, |raft, cx| raft.boot(cx));
    }

    /// Ends a member's process; with `power`, its page cache keeps a drawn prefix of what was not synced.
    pub(super) fn crash(&mut self, index: u16, power: bool) {
        let member = &mut self.members[usize::from(index)];
        if member.raft.take().is_none() {
            return;
        }
        member.timers.clear();
        for file in member.files.values_mut() {
            file.syncing = None;
            if power {
                let kept = file.durable.len();
                let mut left = file.durable.clone();
                if file.cache.starts_with(&file.durable) {
                    let torn = self.rng.between(kept as u64, file.cache.len() as u64);
                    left = file.cache[..torn as usize].to_vec();
                }
                file.cache = left;
                file.poisoned = false;
            }
        }
        let broken: Vec<(Connection, Ends)> = self
            .connections
            .iter()
            .filter(|(_, ends)| ends.client.0 == index || ends.server.0 == index)
            .map(|(connection, ends)| (*connection, *ends))
            .collect();
        for (connection, ends) in broken {
            self.connections.remove(&connection);
            if ends.server.0 == index && !power {
                let (client, boot) = ends.client;
                self.after(5 * MILLI, Event::Closed(client, boot, connection));
            }
        }
    }

    /// Asks the leader, if there is one, for a fresh command.
    pub(super) fn propose(&mut self) {
        let Some(leader) = self.leader() else {
            return;
        };
        self.proposed += 1;
        let record = MetadataRecord::ProducerIds {
            next: self.proposed,
        };
        self.step(leader, |raft, cx| {
            raft.propose(cx, Command::Metadata(record));
        });
    }

    pub(super) fn run_until(&mut self, until: u64) {
        while let Some(entry) = self.agenda.first_entry() {
            let at = entry.key().0;
            if at > until {
                break;
            }
            let event = entry.remove();
            self.now = self.now.max(at);
            self.handle(event);
        }
        self.now = until;
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Deliver {
                to,
                boot,
                via,
                from,
                message,
            } => {
                if self.lives(to, boot) {
                    self.step(to, |raft, cx| raft.on_message(cx, from, via, &message));
                }
            }
            Event::Closed(index, boot, connection) => {
                if self.lives(index, boot) {
                    self.step(index, |raft, _| {
                        raft.on_closed(connection);
                    });
                }
            }
            Event::Timer(index, boot, timer, at) => {
                let member = &mut self.members[usize::from(index)];
                if member.boot == boot && member.timers.get(&timer) == Some(&at) {
                    member.timers.remove(&timer);
                    self.step(index, |raft, cx| {
                        assert!(raft.on_timer(cx, timer), "{timer} is nobody's");
                    });
                }
            }
            Event::Disk(index, boot, reply) => {
                if self.lives(index, boot) {
                    let files = &mut self.members[usize::from(index)].files;
                    let file = files.entry(reply.file).or_default();
                    if reply.outcome.is_ok()
                        && let Some(synced) = file.syncing.take_if(|_| reply.token & 3 == 2)
                    {
                        file.durable = synced;
                    }
                    self.step(index, |raft, cx| {
                        assert!(raft.on_disk(cx, &reply), "{:?} is nobody's", reply.file);
                    });
                }
            }
        }
    }

    fn lives(&self, index: u16, boot: u32) -> bool {
        let member = &self.members[usize::from(index)];
        member.raft.is_some() && member.boot == boot
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.sequence += 1;
        self.agenda.insert((self.now + delay, self.sequence), event);
    }

    fn step(&mut self, index: u16, body: impl FnOnce(&mut Raft, &mut Context<'_>)) {
        let mut effects = Vec::new();
        let member = &mut self.members[usize::from(index)];
        let Some(raft) = &mut member.raft else {
            return;
        };
        let mut cx = Context::new(
            NodeId(index),
            Incarnation(member.boot),
            Mono(self.now - member.booted_at),
            Wall(0),
            &mut member.rng,
            &mut member.counters,
            &mut self.slots,
            &mut effects,
        );
        body(raft, &mut cx);
        let taken = raft.take_committed();
        for (position, command) in taken {
            self.check_committed(index, position, command);
        }
        let boot = self.members[usize::from(index)].boot;
        for effect in effects {
            self.apply(index, boot, effect);
        }
    }

    fn apply(&mut self, index: u16, boot: u32, effect: Effect) {
        match effect {
            Effect::Connect { connection, to } => {
                let server = &self.members[usize::from(to.0)];
                let ends = Ends {
                    client: (index, boot),
                    server: (to.0, server.boot),
                };
                if server.raft.is_some() {
                    self.connections.insert(connection, ends);
                } else if self.rng.below(2) == 0 {
                    self.after(MILLI, Event::Closed(index, boot, connection));
                }
            }
            Effect::Send {
                connection,
                message,
            } => self.send(index, connection, message),
            Effect::Close(connection) => {
                self.connections.remove(&connection);
            }
            Effect::Arm { timer, at } => {
                let member = &mut self.members[usize::from(index)];
                let at = member.booted_at + at.0;
                member.timers.insert(timer, at);
                self.after(
                    at.saturating_sub(self.now),
                    Event::Timer(index, boot, timer, at),
                );
            }
            Effect::Disarm(timer) => {
                self.members[usize::from(index)].timers.remove(&timer);
            }
            Effect::Disk(op) => self.disk(index, boot, op),
            Effect::Observe(fact) => {
                if let Fact::RoleTaken { epoch, .. } = fact {
                    self.check_leader(index, epoch);
                }
            }
            Effect::Datagram { .. } | Effect::Point(_) => {}
        }
    }

    fn send(&mut self, from: u16, connection: Connection, message: Message) {
        let Some(ends) = self.connections.get(&connection).copied() else {
            return;
        };
        let (to, boot) = if ends.client.0 == from {
            ends.server
        } else {
            ends.client
        };
        let is_cut = self.cut.contains(&(from, to)) || self.cut.contains(&(to, from));
        if is_cut || self.rng.chance(self.weather.loss) {
            return;
        }
        let Message::Raft(message) = message else {
            panic!("a Raft member said {message:?}");
        };
        let delay = self.rng.between(MILLI / 10, self.weather.delay_max);
        let deliver = Event::Deliver {
            to,
            boot,
            via: connection,
            from,
            message,
        };
        self.after(delay, deliver);
    }

    fn disk(&mut self, index: u16, boot: u32, op: DiskOp) {
        let fails = self.rng.chance(self.weather.disk_failure);
        let delay = self.rng.between(MILLI / 10, 20 * MILLI);
        let now = self.now;
        let files = &mut self.members[usize::from(index)].files;
        let file = files.entry(op.file).or_default();
        let outcome = if fails {
            file.poisoned |= op.verb == DiskVerb::Sync;
            Err(DiskError::Failed)
        } else {
            Ok(file.apply(op.verb))
        };
        file.busy_until = file.busy_until.max(now) + delay;
        let reply = DiskReply {
            file: op.file,
            token: op.token,
            outcome,
        };
        let wait = file.busy_until - now;
        self.after(wait, Event::Disk(index, boot, reply));
    }

    fn fail(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    /// Election safety, and leader completeness.
    fn check_leader(&mut self, index: u16, term: Term) {
        let holder = *self.leaders.entry(term).or_insert(index);
        if holder != index {
            self.fail(format!("{holder} and {index} both lead term {term}"));
        }
        let Some(raft) = self.raft(index) else {
            return;
        };
        let missing = self
            .committed
            .iter()
            .zip(1..)
            .find(|(command, position)| {
                raft.log.get(*position).map(|entry| entry.command) != Some(**command)
            })
            .map(|(_, position)| position);
        if let Some(position) = missing {
            self.fail(format!(
                "leader {index} of term {term} lacks committed entry {position}"
            ));
        }
    }

    /// State machine safety.
    fn check_committed(&mut self, index: u16, position: u64, command: Command) {
        let place = position as usize - 1;
        match self.committed.get(place) {
            Some(known) if *known != command => {
                self.fail(format!(
                    "{index} applies {command:?} at {position}, others {known:?}"
                ));
            }
            Some(_) => {}
            None if place == self.committed.len() => self.committed.push(command),
            None => self.fail(format!("{index} applies {position} before its turn")),
        }
    }

    /// Log matching: two logs that agree on the term at an index agree on everything up to it.
    pub(super) fn check_logs(&mut self) {
        let logs: Vec<Vec<RaftEntry>> = self
            .members
            .iter()
            .filter_map(|member| Some(member.raft.as_ref()?.log.entries().to_vec()))
            .collect();
        for (a, b) in logs.iter().zip(logs.iter().skip(1)) {
            let same = a.iter().zip(b).rposition(|(a, b)| a.term == b.term);
            let agree = same.is_none_or(|last| a[..=last] == b[..=last]);
            if !agree {
                self.fail(format!("two logs part before they agree: {a:?} {b:?}"));
            }
        }
    }
}

impl File {
    fn apply(&mut self, verb: DiskVerb) -> DiskDone {
        match verb {
            DiskVerb::Append(records) => self.cache.extend(records),
            DiskVerb::Sync => {
                let synced = if self.poisoned {
                    &self.durable
                } else {
                    &self.cache
                };
                self.syncing = Some(synced.clone());
            }
            DiskVerb::Truncate { records } => self.cache.truncate(records as usize),
            DiskVerb::Replace(records) => {
                self.cache = records;
                self.poisoned = false;
            }
            DiskVerb::Delete => self.cache.clear(),
            DiskVerb::Scan => return DiskDone::Scanned(self.cache.clone()),
            DiskVerb::List => return DiskDone::Listed(Vec::new()),
        }
        DiskDone::Done
    }
}
