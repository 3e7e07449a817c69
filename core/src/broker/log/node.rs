//! The actor: takes an input, decides by its kind which role it concerns, and at the end of the step works
//! through what the roles have left for each other.

use crate::actor::{Actor, Connection, Context, Control, Input, Inspection, Origin};
use crate::broker::log::applied::Applied;
use crate::broker::log::config::LogConfig;
use crate::broker::log::controller::{Controller, Image, raft_plan};
use crate::broker::log::desk::{Desk, Settings};
use crate::broker::log::fetch::Fetcher;
use crate::broker::log::groups::Groups;
use crate::broker::log::layout::Layout;
use crate::broker::log::metadata::Registrar;
use crate::broker::log::polls::Polls;
use crate::broker::log::replica::Replica;
use crate::broker::log::serve;
use crate::broker::log::storage::{Marks, Recovery};
use crate::id::{CallId, NodeId, Partition, TimerId};
use crate::message::{Message, Reply};
use crate::part::Cluster;
use crate::raft::Raft;
use crate::time::Span;
use std::sync::Arc;

/// Which node of which broker.
#[derive(Clone, Debug)]
pub struct LogPlan {
    /// The broker's settings.
    pub config: Arc<LogConfig>,
    /// Its nodes.
    pub cluster: Cluster,
    /// This node's index among them.
    pub index: u16,
}

/// What a broker is able to do at the moment.
#[derive(Debug)]
pub(super) enum State {
    /// It reads its disk.
    Recovering(Recovery),
    /// It serves.
    Serving,
    /// Its disk refused a write: it is silent until the disk takes one again.
    Down,
}

/// One node of a log broker.
#[derive(Debug)]
pub struct LogBroker {
    pub(super) plan: LogPlan,
    pub(super) state: State,
    pub(super) desk: Desk,
    pub(super) replicas: Vec<Option<Replica>>,
    pub(super) fetcher: Fetcher,
    pub(super) polls: Polls,
    pub(super) registrar: Registrar,
    pub(super) applied: Applied,
    /// What the marks file says.
    pub(super) marks_written: Vec<(Partition, Marks)>,
    pub(super) raft: Raft,
    pub(super) controller: Controller,
    pub(super) groups: Groups,
}

/// This actor's own timers: the kind above, an index or a number below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The next heartbeat to the controller.
    Heartbeat,
    /// The next look at followers that lag.
    Followers,
    /// The next look at retention.
    Retention,
    /// The next writing of the marks.
    Marks,
    /// The next trial of a disk that refused.
    Probe,
    /// The back-off of fetching from the node at an index is over.
    Backoff(u16),
    /// The wait of a follower's fetch is over.
    Session(u16),
    /// The wait of a consumer's poll is over.
    Poll(u64),
}

const KIND: u32 = 40;

impl Clock {
    pub const fn timer(self) -> TimerId {
        let (kind, number) = match self {
            Clock::Heartbeat => (1, 0),
            Clock::Followers => (2, 0),
            Clock::Retention => (3, 0),
            Clock::Marks => (4, 0),
            Clock::Probe => (5, 0),
            Clock::Backoff(index) => (6, index as u64),
            Clock::Session(index) => (7, index as u64),
            Clock::Poll(number) => (8, number),
        };
        TimerId(kind << KIND | number)
    }

    pub const fn of(timer: TimerId) -> Option<Clock> {
        let number = timer.0 & ((1 << KIND) - 1);
        match timer.0 >> KIND {
            1 => Some(Clock::Heartbeat),
            2 => Some(Clock::Followers),
            3 => Some(Clock::Retention),
            4 => Some(Clock::Marks),
            5 => Some(Clock::Probe),
            6 => Some(Clock::Backoff(number as u16)),
            7 => Some(Clock::Session(number as u16)),
            8 => Some(Clock::Poll(number)),
            _ => None,
        }
    }
}

impl LogBroker {
    /// The software of one node, before its boot.
    #[must_use]
    pub fn new(plan: LogPlan) -> LogBroker {
        let layout = Layout::new(&plan.config);
        let slots = layout.len();
        let settings = Settings::new(&plan.config, plan.index);
        let image = Image::new(&plan.config, plan.cluster.nodes);
        let interval = plan.config.broker_heartbeat_interval;
        LogBroker {
            state: State::Down,
            desk: Desk::new(settings, layout, &image),
            replicas: (0..slots).map(|_| None).collect(),
            fetcher: Fetcher::new(plan.cluster, slots, |index| Clock::Backoff(index).timer()),
            polls: Polls::default(),
            registrar: Registrar::new(plan.cluster, plan.index, interval),
            applied: Applied::new(image, slots),
            marks_written: Vec::new(),
            raft: Raft::new(raft_plan(&plan.config, plan.cluster, plan.index)),
            controller: Controller::new(&plan.config),
            groups: Groups::new(&plan.config),
            plan,
        }
    }

    /// How often the marks are written: Kafka's 5 s is ten of its fetch waits, and so it scales with them.
    pub(super) fn marks_interval(&self) -> Span {
        self.plan.config.replica_fetch_wait_max * 10
    }

    fn message(&mut self, cx: &mut Context<'_>, origin: Origin, peer: NodeId, message: Message) {
        let Origin::Connection(connection) = origin else {
            return;
        };
        match message {
            Message::Request { call, request } => {
                self.request(cx, connection, peer, call, request);
            }
            Message::Reply { call, reply } => self.reply(cx, peer, call, &reply),
            Message::Raft(message) => {
                if let Some(member) = self.plan.cluster.index(peer) {
                    self.raft.on_message(cx, member, connection, &message);
                }
            }
            Message::Custom { .. } => {}
        }
    }

    fn reply(&mut self, cx: &mut Context<'_>, peer: NodeId, call: CallId, reply: &Reply) {
        let replicas = &mut self.replicas;
        if self
            .fetcher
            .answered(cx, &self.desk, replicas, peer, call, reply)
        {
            return;
        }
        let before = self.registrar.broker_epoch;
        self.registrar.answered(cx, replicas, call, reply);
        if self.registrar.broker_epoch != before {
            self.registered(cx);
        }
    }

    fn closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        let replicas = &mut self.replicas;
        self.fetcher.closed(cx, &self.desk, replicas, connection);
        self.registrar.closed(cx, replicas, connection);
        for index in 0..self.desk.sessions.len() {
            if self.desk.sessions[index].closed(connection) {
                cx.disarm(Clock::Session(index as u16).timer());
            }
        }
        for number in self.polls.closed(replicas, connection) {
            cx.disarm(Clock::Poll(number).timer());
        }
        self.raft.on_closed(connection);
        self.controller.on_closed(connection);
        self.groups.on_closed(cx, connection);
    }

    fn control(&mut self, cx: &mut Context<'_>, control: Control) {
        match control {
            Control::ForceElection => self.controller.force_election(cx, &mut self.raft),
            Control::ExpandPartitions => self.controller.expand(cx, &mut self.raft),
            Control::ForceRetention { keep } => {
                for replica in self.replicas.iter_mut().flatten() {
                    replica.force_retention(cx, &mut self.desk, keep);
                }
            }
            Control::ExpireProducers => {
                for replica in self.replicas.iter_mut().flatten() {
                    replica.log.producers.expire();
                }
            }
            Control::Rewind => self.groups.rewind(cx),
            Control::Stop
            | Control::Leave
            | Control::Join
            | Control::Poison { .. }
            | Control::Mend
            | Control::Configure { .. } => {}
        }
    }

    /// Works through what the roles have left for each other.
    fn settle(&mut self, cx: &mut Context<'_>) {
        self.coordinate(cx);
        let replicas = &mut self.replicas;
        for slot in std::mem::take(&mut self.desk.to_follow) {
            if let Some(replica) = replicas[slot as usize].as_mut() {
                self.fetcher.follow(cx, &self.desk, replica);
            }
            let leader = replicas[slot as usize].as_ref().and_then(Replica::followed);
            if let Some(leader) = leader {
                self.fetcher.poll(cx, &self.desk, replicas, leader);
            }
        }
        let mut woken = std::mem::take(&mut self.desk.woken_sessions);
        while woken != 0 {
            let index = woken.trailing_zeros() as u16;
            woken &= woken - 1;
            serve::answer_session(cx, &mut self.desk, replicas, index, Vec::new(), false);
            if !self.desk.sessions[usize::from(index)].is_parked() {
                cx.disarm(Clock::Session(index).timer());
            }
        }
        if !self.desk.woken_polls.is_empty() {
            let mut woken = std::mem::take(&mut self.desk.woken_polls);
            woken.sort_unstable();
            woken.dedup();
            for number in woken {
                if self.polls.wake(cx, &self.desk, replicas, number, false) {
                    cx.disarm(Clock::Poll(number).timer());
                }
            }
        }
        if !self.desk.wishes.is_empty() {
            self.registrar.send_wishes(cx, &mut self.desk, replicas);
        }
    }
}

impl Actor for LogBroker {
    fn step(&mut self, input: Input, cx: &mut Context<'_>) {
        match input {
            Input::Start => self.start(cx),
            Input::Opened { .. } => {}
            Input::Closed { connection, .. } => self.closed(cx, connection),
            Input::Message {
                origin,
                peer,
                message,
            } => self.message(cx, origin, peer, message),
            Input::Timer(timer) => self.timer(cx, timer),
            Input::Disk(reply) => self.disk(cx, reply),
            Input::Control(control) => self.control(cx, control),
        }
        self.learn(cx);
        self.settle(cx);
    }

    fn inspect(&self) -> Inspection {
        const SHOWN: usize = 20;
        let state = match self.state {
            State::Recovering(_) => "recovering",
            State::Serving => "serving",
            State::Down => "down",
        };
        let top = Inspection::new()
            .value("state", state)
            .value("broker epoch", self.registrar.broker_epoch)
            .value("metadata applied", self.applied.image.applied())
            .child("controller", self.raft.inspect());
        self.replicas
            .iter()
            .flatten()
            .take(SHOWN)
            .fold(top, |top, replica| {
                top.child(&replica.log.partition().to_string(), replica.inspect())
            })
    }
}
