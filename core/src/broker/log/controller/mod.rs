//! The controller of a log broker, in the manner of KRaft (KIP-500, KIP-631): plain structs that a node's
//! actor owns. [`Image`] is what every node applies from the committed metadata log; [`Controller`] decides,
//! and only on the node that leads the Raft group and has applied everything before its own first entry.
//!
//! *Model.* Brokers register each boot and send heartbeats; a silent one is fenced after a session on this
//! node's own monotonic clock. Leaders are elected from the in-sync set, then from the eligible leader
//! replicas (K4, K6, KIP-966), and from others only where the broker is told to
//! (`unclean_leader_election_enable`), at once and not at an operator's word. Every restart counts as unclean.
//!
//! *Answers.* A request that changes state is answered when all that was proposed up to it is committed, so
//! an answer holds even if this controller dies; brokers act on nothing but the applied image (K3). What was
//! open when the office was lost is refused as [`Refusal::TimedOut`]: its fate is open.
//!
//! *Limits.* Placement is static and nothing moves leaderships back to the preferred replicas.

mod draft;
mod image;
pub mod points;
mod rules;
#[cfg(test)]
mod tests;

pub use image::{BrokerImage, Image, PartitionImage};

use crate::actor::{Connection, Context};
use crate::broker::log::config::{LogConfig, LogFlaw};
use crate::disk::{FileId, FileKind};
use crate::history::Role;
use crate::id::{CallId, TimerId};
use crate::message::log::{AlterIsr, BrokerHeartbeat};
use crate::message::{Refusal, Reply};
use crate::part::Cluster;
use crate::raft::{Raft, RaftPlan};
use crate::time::{Mono, Span};
use draft::Draft;
use rules::Rules;
use std::collections::VecDeque;

/// The one timer of a [`Controller`].
pub const CONTROLLER_TIMER: TimerId = TimerId(1 << 61);

/// The Raft group of a log broker's metadata: the first three nodes vote, or the first alone if there are
/// fewer; the others learn.
#[must_use]
pub fn raft_plan(config: &LogConfig, cluster: Cluster, me: u16) -> RaftPlan {
    RaftPlan {
        cluster,
        me,
        voters: if cluster.nodes >= 3 { 3 } else { 1 },
        fetch_timeout: config.quorum_fetch_timeout,
        election_timeout: config.quorum_election_timeout,
        // A member should miss several heartbeats before it doubts its leader.
        heartbeat_interval: config.quorum_fetch_timeout / 4,
        log_file: FileId::new(FileKind::RaftLog, 0, 0),
        vote_file: FileId::new(FileKind::RaftVote, 0, 0),
        role: Role::Controller,
        forget_vote: config.flaws.contains(&LogFlaw::ForgetVote),
    }
}

/// What a broker asks of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// It lives, or has booted.
    Heartbeat(BrokerHeartbeat),
    /// As a leader it wants another in-sync set.
    AlterIsr(AlterIsr),
    /// It wants producer ids to hand out.
    AllocateProducers,
}

/// An answer that waits until the metadata log is committed up to an index.
#[derive(Clone, Copy, Debug)]
struct Open {
    index: u64,
    connection: Connection,
    call: CallId,
}

/// The controller of one node; it rules only while its node leads the metadata group.
#[derive(Debug)]
pub struct Controller {
    rules: Rules,
    session_timeout: Span,
    draft: Option<Draft>,
    /// In order of index.
    open: VecDeque<(Open, Reply)>,
    armed: Option<Mono>,
}

impl Controller {
    /// A controller that does not rule.
    #[must_use]
    pub fn new(config: &LogConfig) -> Controller {
        Controller {
            rules: Rules {
                min_isr: u32::from(config.min_insync_replicas.min(config.replication_factor)),
                is_unclean: config.unclean_leader_election_enable,
                restarted: config.restarted_replica,
            },
            session_timeout: config.broker_session_timeout,
            draft: None,
            open: VecDeque::new(),
            armed: None,
        }
    }

    /// Whether this node rules.
    #[must_use]
    pub fn is_active(&self, raft: &Raft) -> bool {
        raft.is_leader()
            && self
                .draft
                .as_ref()
                .is_some_and(|draft| draft.term == raft.term())
    }

    /// Follows what has happened to the Raft member: takes or leaves office, and answers what is committed.
    /// The owner calls it after every step in which it gave the member an input, when the image has applied
    /// what the member had committed.
    pub fn settle(&mut self, cx: &mut Context<'_>, raft: &mut Raft, image: &Image) {
        if self.draft.is_some() && !self.is_active(raft) {
            self.leave(cx);
        }
        if self.draft.is_none() && raft.is_settled() && image.applied() == raft.last_index() {
            cx.point(points::CONTROLLER_ACTIVE);
            let (rules, timeout) = (self.rules, self.session_timeout);
            self.draft = Some(Draft::new(raft, image, rules, timeout, cx.monotonic()));
            self.arm(cx);
        }
        while let Some((open, _)) = self.open.front()
            && open.index <= raft.commit_index()
            && let Some((open, reply)) = self.open.pop_front()
        {
            cx.reply(open.connection, open.call, reply);
        }
    }

    fn leave(&mut self, cx: &mut Context<'_>) {
        self.draft = None;
        self.armed = None;
        cx.disarm(CONTROLLER_TIMER);
        for (open, _) in self.open.drain(..) {
            cx.reply(
                open.connection,
                open.call,
                Reply::Refused(Refusal::TimedOut),
            );
        }
    }

    /// Takes a request of the broker with index `asker`.
    pub fn on_request(
        &mut self,
        cx: &mut Context<'_>,
        raft: &mut Raft,
        asker: u16,
        (connection, call): (Connection, CallId),
        ask: Ask,
    ) {
        let active = self.is_active(raft);
        let Some(draft) = self.draft.as_mut().filter(|_| active) else {
            cx.reply(connection, call, Reply::Refused(Refusal::NotController));
            return;
        };
        let reply = match ask {
            Ask::Heartbeat(beat) => draft.on_heartbeat(cx, beat),
            Ask::AlterIsr(wish) => draft.on_alter_isr(asker, wish),
            Ask::AllocateProducers => draft.on_allocate_producers(),
        };
        draft.propose(cx, raft);
        let open = Open {
            index: raft.last_index(),
            connection,
            call,
        };
        if open.index <= raft.commit_index() {
            cx.reply(connection, call, reply);
        } else {
            self.open.push_back((open, reply));
        }
        self.arm(cx);
    }

    /// Takes a timer; false if it is not the controller's.
    pub fn on_timer(&mut self, cx: &mut Context<'_>, raft: &mut Raft, timer: TimerId) -> bool {
        if timer != CONTROLLER_TIMER {
            return false;
        }
        self.armed = None;
        let active = self.is_active(raft);
        if let Some(draft) = self.draft.as_mut().filter(|_| active) {
            draft.on_deadline(cx);
            draft.propose(cx, raft);
            self.arm(cx);
        }
        true
    }

    /// Moves every leadership that can be moved, if this node rules.
    pub fn force_election(&mut self, cx: &mut Context<'_>, raft: &mut Raft) {
        self.rule(cx, raft, Draft::force_election);
    }

    /// Gives every topic that can expand its further partitions, if this node rules.
    pub fn expand(&mut self, cx: &mut Context<'_>, raft: &mut Raft) {
        self.rule(cx, raft, Draft::expand);
    }

    /// Decides something and proposes it, if this node rules.
    fn rule(
        &mut self,
        cx: &mut Context<'_>,
        raft: &mut Raft,
        decide: fn(&mut Draft, &mut Context<'_>),
    ) {
        let active = self.is_active(raft);
        if let Some(draft) = self.draft.as_mut().filter(|_| active) {
            decide(draft, cx);
            draft.propose(cx, raft);
        }
    }

    /// A connection has ended: nobody waits for answers on it.
    pub fn on_closed(&mut self, connection: Connection) {
        self.open.retain(|(open, _)| open.connection != connection);
    }

    /// Sets the timer unless it runs out soon enough anyway.
    fn arm(&mut self, cx: &mut Context<'_>) {
        let Some(next) = self.draft.as_ref().and_then(Draft::next_deadline) else {
            return;
        };
        if self.armed.is_none_or(|armed| armed > next) {
            cx.arm(CONTROLLER_TIMER, next.since(cx.monotonic()));
            self.armed = Some(next);
        }
    }
}
