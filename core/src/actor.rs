//! Software as a state machine: one method, given an input and a context to push effects into.

use crate::disk::{DiskOp, DiskReply, DiskVerb, FileId};
use crate::history::Fact;
use crate::id::{CallId, Incarnation, NodeId, PointId, TimerId};
use crate::message::{Message, Reply, Request};
use crate::rng::Stream;
use crate::time::{Mono, Span, Wall};
use serde::{Deserialize, Serialize};

/// The software of one node: one process.
pub trait Actor {
    /// Takes one input. Everything it does leaves through the context.
    fn step(&mut self, input: Input, cx: &mut Context<'_>);

    /// Which lane serves this input. Inputs of one lane are served in order, one at a time; lanes share
    /// the node's cores. Lanes must touch only state of their own.
    fn lane(&self, input: &Input) -> Lane {
        let _ = input;
        Lane(0)
    }

    /// What a person would like to see of its state, for replay. Never enters a fingerprint.
    fn inspect(&self) -> Inspection {
        Inspection::new()
    }
}

/// A queue of inputs on a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane(pub u8);

/// A connection between two incarnations of two nodes. The number is reused; the generation tells uses apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection {
    /// Its slot in the World's table.
    pub slot: u32,
    /// Which use of the slot.
    pub generation: u32,
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The other side closed it.
    Closed,
    /// The other side's process is gone, or a fault reset it.
    Reset,
    /// Nobody listens there.
    Refused,
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Over this connection; replies go back on it.
    Connection(Connection),
    /// As a datagram.
    Datagram,
}

/// What an actor is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The node has booted; nothing is left but its disk.
    Start,
    /// A connection is established: at the server when the first packet arrives, at the client when the
    /// answer does. A client may send before that.
    Opened {
        /// Which.
        connection: Connection,
        /// The other node.
        peer: NodeId,
    },
    /// A connection has ended; nothing more comes from it.
    Closed {
        /// Which.
        connection: Connection,
        /// The other node.
        peer: NodeId,
        /// Why.
        reason: CloseReason,
    },
    /// A message.
    Message {
        /// Over what.
        origin: Origin,
        /// The sending node.
        peer: NodeId,
        /// The message.
        message: Message,
    },
    /// A timer has run out.
    Timer(TimerId),
    /// The disk has answered.
    Disk(DiskReply),
    /// An operator's or the storage's doing.
    Control(Control),
}

impl Input {
    /// The number in a [`Message::number`] that has arrived.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        if let Input::Message { message, .. } = self
            && let Message::Custom { body, .. } = message
        {
            return body[..].try_into().ok().map(u64::from_le_bytes);
        }
        None
    }
}

/// What happens to a part from outside the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// A source owes nothing more.
    Stop,
    /// The controller moves leaderships although nobody failed.
    ForceElection,
    /// The controller gives every topic that can expand its further partitions.
    ExpandPartitions,
    /// A log drops everything below its high watermark but this many records.
    ForceRetention {
        /// Records kept in each partition.
        keep: u64,
    },
    /// A consumer group starts again from the earliest offset.
    Rewind,
    /// A broker forgets its idempotent producers.
    ExpireProducers,
    /// A member of a group gives up what it has, leaves, and stays away.
    Leave,
    /// It joins again.
    Join,
    /// A processor's operator fails on the events of one key in so many, every time.
    Poison {
        /// One key in so many, 1 is every key.
        one_in: u32,
    },
    /// The operator is mended.
    Mend,
    /// A setting of a user's part.
    Configure {
        /// Which.
        name: String,
        /// Its new value.
        value: i64,
    },
}

impl Control {
    /// What it is called as a fault, in scenario files and reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Control::Stop => "stop",
            Control::ForceElection => "force-election",
            Control::ExpandPartitions => "expand-partitions",
            Control::ForceRetention { .. } => "force-retention",
            Control::Rewind => "rewind",
            Control::ExpireProducers => "expire-producers",
            Control::Leave => "member-churn",
            Control::Join => "join",
            Control::Poison { .. } => "poison",
            Control::Mend => "mend",
            Control::Configure { .. } => "configure",
        }
    }

    /// What takes it back when the fault that it came with ends; none where it was done once and for all.
    #[must_use]
    pub const fn undone_by(&self) -> Option<Control> {
        match self {
            Control::Leave => Some(Control::Join),
            Control::Poison { .. } => Some(Control::Mend),
            Control::Stop
            | Control::ForceElection
            | Control::ExpandPartitions
            | Control::ForceRetention { .. }
            | Control::Rewind
            | Control::ExpireProducers
            | Control::Join
            | Control::Mend
            | Control::Configure { .. } => None,
        }
    }
}

/// What an actor asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection.
    Connect {
        /// The number handed out.
        connection: Connection,
        /// To whom.
        to: NodeId,
    },
    /// Send on a connection.
    Send {
        /// Which.
        connection: Connection,
        /// What.
        message: Message,
    },
    /// Send a datagram: unordered, may be lost or doubled.
    Datagram {
        /// To whom.
        to: NodeId,
        /// What.
        message: Message,
    },
    /// End a connection after what was sent on it.
    Close(Connection),
    /// Set a timer; it replaces one of the same name.
    Arm {
        /// Its name.
        timer: TimerId,
        /// When it runs out, on this node's monotonic clock.
        at: Mono,
    },
    /// Unset a timer.
    Disarm(TimerId),
    /// Use the disk.
    Disk(DiskOp),
    /// Tell the history.
    Observe(Fact),
    /// Pass a named place.
    Point(PointId),
}

/// What a step costs; the node's hardware profile turns it into service time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Requests handled.
    pub requests: u32,
    /// Records handled.
    pub records: u32,
    /// Bytes handled.
    pub bytes: u32,
}

impl Work {
    /// Handling one request of so many records and bytes.
    #[must_use]
    pub const fn request(records: u32, bytes: u32) -> Work {
        Work {
            requests: 1,
            records,
            bytes,
        }
    }
}

/// Numbers of connections, handed out when asked and taken back by the World when both ends are done.
#[derive(Clone, Debug, Default)]
pub struct ConnectionSlots {
    free: Vec<u32>,
    generations: Vec<u32>,
}

impl ConnectionSlots {
    /// A number not in use.
    pub fn take(&mut self) -> Connection {
        if let Some(slot) = self.free.pop() {
            return Connection {
                slot,
                generation: self.generations[slot as usize],
            };
        }
        let slot = self.generations.len() as u32;
        self.generations.push(0);
        Connection {
            slot,
            generation: 0,
        }
    }

    /// Whether the number is in use.
    #[must_use]
    pub fn is_live(&self, connection: Connection) -> bool {
        self.generations.get(connection.slot as usize) == Some(&connection.generation)
    }

    /// Takes a number back.
    ///
    /// # Panics
    /// If it is not in use.
    pub fn give_back(&mut self, connection: Connection) {
        assert!(
            self.is_live(connection),
            "{connection:?} was given back twice"
        );
        self.generations[connection.slot as usize] += 1;
        self.free.push(connection.slot);
    }
}

/// The numbers a node hands out over its life; they survive a crash so that none is used twice.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// The next call.
    pub next_call: u64,
}

/// Everything an actor may know and do during a step.
pub struct Context<'a> {
    node: NodeId,
    incarnation: Incarnation,
    monotonic: Mono,
    wall: Wall,
    rng: &'a mut Stream,
    counters: &'a mut Counters,
    slots: &'a mut ConnectionSlots,
    effects: &'a mut Vec<Effect>,
    work: Work,
}

impl<'a> Context<'a> {
    /// A context for one step of `node`; the World makes it, and so may a step test.
    #[expect(
        clippy::too_many_arguments,
        reason = "it is the one place where all of a step's surroundings meet"
    )]
    pub fn new(
        node: NodeId,
        incarnation: Incarnation,
        monotonic: Mono,
        wall: Wall,
        rng: &'a mut Stream,
        counters: &'a mut Counters,
        slots: &'a mut ConnectionSlots,
        effects: &'a mut Vec<Effect>,
    ) -> Context<'a> {
        Context {
            node,
            incarnation,
            monotonic,
            wall,
            rng,
            counters,
            slots,
            effects,
            work: Work::default(),
        }
    }

    /// This node.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Which boot this is.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// This node's monotonic clock.
    #[must_use]
    pub const fn monotonic(&self) -> Mono {
        self.monotonic
    }

    /// This node's wall clock.
    #[must_use]
    pub const fn wall(&self) -> Wall {
        self.wall
    }

    /// This node's random numbers.
    pub const fn rng(&mut self) -> &mut Stream {
        self.rng
    }

    /// What has been spent so far in this step.
    #[must_use]
    pub const fn work(&self) -> Work {
        self.work
    }

    /// A fresh call id.
    pub const fn call(&mut self) -> CallId {
        let call = CallId(self.counters.next_call);
        self.counters.next_call += 1;
        call
    }

    /// Opens a connection; it may be used at once.
    pub fn connect(&mut self, to: NodeId) -> Connection {
        let connection = self.slots.take();
        self.effects.push(Effect::Connect { connection, to });
        connection
    }

    /// Sends on a connection. What is sent on one that has ended is dropped.
    pub fn send(&mut self, connection: Connection, message: Message) {
        self.effects.push(Effect::Send {
            connection,
            message,
        });
    }

    /// Sends a datagram.
    pub fn datagram(&mut self, to: NodeId, message: Message) {
        self.effects.push(Effect::Datagram { to, message });
    }

    /// Ends a connection.
    pub fn close(&mut self, connection: Connection) {
        self.effects.push(Effect::Close(connection));
    }

    /// Sends a request and returns its call id. Use [`crate::call::Calls`] where an answer is awaited.
    pub fn request(&mut self, connection: Connection, request: Request) -> CallId {
        let call = self.call();
        self.send(connection, Message::Request { call, request });
        call
    }

    /// Answers a request.
    pub fn reply(&mut self, connection: Connection, call: CallId, reply: Reply) {
        self.send(connection, Message::Reply { call, reply });
    }

    /// Sets a timer that runs out `delay` from now on this node's monotonic clock; one of the same name is
    /// replaced.
    pub fn arm(&mut self, timer: TimerId, delay: Span) {
        self.effects.push(Effect::Arm {
            timer,
            at: self.monotonic + delay,
        });
    }

    /// Unsets a timer, if it is set.
    pub fn disarm(&mut self, timer: TimerId) {
        self.effects.push(Effect::Disarm(timer));
    }

    /// Uses the disk; the reply carries `token`. `fact` is what the operation means to the history.
    pub fn disk(&mut self, file: FileId, verb: DiskVerb, token: u64, fact: Option<Fact>) {
        self.effects.push(Effect::Disk(DiskOp {
            file,
            verb,
            token,
            fact,
        }));
    }

    /// Tells the history what this actor knows and does not store.
    pub fn observe(&mut self, fact: Fact) {
        self.effects.push(Effect::Observe(fact));
    }

    /// Passes a named place: what was asked for before it happens before it.
    pub fn point(&mut self, point: PointId) {
        self.effects.push(Effect::Point(point));
    }

    /// Adds to what this step costs.
    pub const fn spend(&mut self, work: Work) {
        self.work.requests += work.requests;
        self.work.records += work.records;
        self.work.bytes += work.bytes;
    }
}

/// An ordered tree of names and values, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Names and values, in the order given.
    pub values: Vec<(String, String)>,
    /// Named subtrees, in the order given.
    pub children: Vec<(String, Inspection)>,
}

impl Inspection {
    /// Nothing.
    #[must_use]
    pub fn new() -> Inspection {
        Inspection::default()
    }

    /// With one more value.
    #[must_use]
    pub fn value(mut self, name: &str, value: impl ToString) -> Inspection {
        self.values.push((name.to_owned(), value.to_string()));
        self
    }

    /// With one more subtree.
    #[must_use]
    pub fn child(mut self, name: &str, child: Inspection) -> Inspection {
        self.children.push((name.to_owned(), child));
        self
    }
}
