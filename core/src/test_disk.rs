//! A disk of one file for step tests: it works in the order asked, when told to.

use crate::actor::{Actor, Connection, Effect, Input, Origin};
use crate::disk::{DiskDone, DiskError, DiskOp, DiskRecord, DiskReply, DiskVerb};
use crate::id::{CallId, NodeId};
use crate::message::{Message, Reply, Request};
use crate::test_rig::Rig;
use std::collections::VecDeque;

/// The connection over which [`Desk::ask`] asks.
pub const CONNECTION: Connection = Connection {
    slot: 7,
    generation: 0,
};

/// An actor with a disk, asked over one connection.
pub struct Desk<A> {
    /// The actor.
    pub actor: A,
    /// Its surroundings.
    pub rig: Rig,
    /// Who asks.
    pub peer: NodeId,
    /// What the page cache holds.
    pub records: Vec<DiskRecord>,
    /// How many of them are durable.
    pub durable: usize,
    /// Operations not done yet.
    pub pending: VecDeque<DiskOp>,
    /// Answers so far, by call.
    pub replies: Vec<(CallId, Reply)>,
    /// Effects other than disk operations and answers.
    pub others: Vec<Effect>,
    /// Syncs done.
    pub syncs: u32,
    /// What the next operation fails with.
    pub fails: Option<DiskError>,
    calls: u64,
}

impl<A: Actor> Desk<A> {
    /// Boots an actor on an empty disk.
    pub fn boot(actor: A) -> Desk<A> {
        let mut desk = Desk {
            actor,
            rig: Rig::new(NodeId(9)),
            peer: NodeId(1),
            records: Vec::new(),
            durable: 0,
            pending: VecDeque::new(),
            replies: Vec::new(),
            others: Vec::new(),
            syncs: 0,
            fails: None,
            calls: 0,
        };
        desk.step(Input::Start);
        desk.settle();
        desk
    }

    /// The power goes, and `actor` boots on what was durable.
    pub fn power_loss(&mut self, actor: A) {
        self.records.truncate(self.durable);
        self.pending.clear();
        self.actor = actor;
        self.step(Input::Start);
        self.settle();
    }

    /// One step.
    pub fn step(&mut self, input: Input) {
        for effect in self.rig.step(&mut self.actor, input) {
            match effect {
                Effect::Disk(op) => self.pending.push_back(op),
                Effect::Send {
                    message: Message::Reply { call, reply },
                    ..
                } => self.replies.push((call, reply)),
                other @ (Effect::Send { .. }
                | Effect::Connect { .. }
                | Effect::Datagram { .. }
                | Effect::Close(_)
                | Effect::Arm { .. }
                | Effect::Disarm(_)
                | Effect::Observe(_)
                | Effect::Point(_)) => self.others.push(other),
            }
        }
    }

    /// Asks, and leaves the disk alone.
    pub fn ask(&mut self, request: Request) -> CallId {
        let call = CallId(self.calls);
        self.calls += 1;
        self.step(Input::Message {
            origin: Origin::Connection(CONNECTION),
            peer: self.peer,
            message: Message::Request { call, request },
        });
        call
    }

    /// Asks, lets the disk work, and gives the answer.
    pub fn answer(&mut self, request: Request) -> Reply {
        let call = self.ask(request);
        self.settle();
        self.reply(call)
            .expect("an idle disk leaves no question open")
    }

    /// The answer to a call, if it has come.
    pub fn reply(&self, call: CallId) -> Option<Reply> {
        let found = self.replies.iter().find(|(answered, _)| *answered == call);
        found.map(|(_, reply)| reply.clone())
    }

    /// The disk does everything it was asked.
    pub fn settle(&mut self) {
        while self.work() {}
    }

    /// The disk does one operation; false if there is none.
    pub fn work(&mut self) -> bool {
        let Some(op) = self.pending.pop_front() else {
            return false;
        };
        let outcome = match self.fails.take() {
            Some(error) => Err(error),
            None => Ok(self.apply(op.verb)),
        };
        self.step(Input::Disk(DiskReply {
            file: op.file,
            token: op.token,
            outcome,
        }));
        true
    }

    fn apply(&mut self, verb: DiskVerb) -> DiskDone {
        match verb {
            DiskVerb::Append(records) => self.records.extend(records),
            DiskVerb::Sync => {
                self.durable = self.records.len();
                self.syncs += 1;
            }
            DiskVerb::Truncate { records } => self.records.truncate(records as usize),
            DiskVerb::Replace(records) => self.records = records,
            DiskVerb::Delete => self.records.clear(),
            DiskVerb::Scan => return DiskDone::Scanned(self.records.clone()),
            DiskVerb::List => return DiskDone::Listed(Vec::new()),
        }
        DiskDone::Done
    }
}
