//! A member's part in its group (K11): finds the coordinator, joins, beats, commits, and joins again when
//! told that the group rebalances. Eager: everything is given up before it joins again.

use super::plan::LogConsumerPlan;
use super::{HEARTBEAT, MEMBERSHIP_SPACE, MEMBERSHIP_WAKES, points};
use crate::actor::{Connection, Context};
use crate::call::Calls;
use crate::id::{CallId, Epoch, MemberId, NodeId, Offset, Partition, TimerId};
use crate::message::group::{CommitOffsets, GroupHeartbeat, JoinGroup, Joined, Position};
use crate::message::{Refusal, Reply, Request};
use crate::time::Mono;
use std::collections::VecDeque;
use std::sync::Arc;

/// Positions, by partition.
pub(super) type Positions = Arc<[(Partition, Offset)]>;

/// What a membership tells its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A new generation and what it assigns.
    Joined(Arc<Joined>),
    /// Everything is to be given up; `lost` says that others may have it already.
    Revoking {
        lost: bool,
    },
    Committed(Positions),
    CommitFailed(Positions),
}

#[derive(Debug)]
enum Memory {
    Find,
    Join,
    Beat,
    Commit(Positions),
    /// Nothing hangs on the answer: who is not heard any more is out after its session.
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not begun.
    Outside,
    /// Wants to join, or waits for the rebalance to complete.
    Joining,
    Member,
    /// A rebalance waits for the owner to give everything up.
    Releasing,
    /// It has left because its owner was busy for too long; the owner learns of it when it polls again.
    Expelled,
}

#[derive(Debug)]
pub(super) struct Membership {
    plan: LogConsumerPlan,
    calls: Calls<Memory>,
    standing: Standing,
    generation: u32,
    /// How many partitions the topic is known to have.
    partitions: u16,
    /// How many of them the present generation shares out.
    shared: u16,
    coordinator: Option<NodeId>,
    is_finding: bool,
    is_joining: bool,
    is_beating: bool,
    /// Whether it is to stay out of the group.
    is_away: bool,
    /// Since when the owner has been busy with what it was given, none while it would poll.
    busy_since: Option<Mono>,
    retry_at: Mono,
    next_broker: u16,
    news: VecDeque<News>,
}

impl Membership {
    pub(super) fn new(plan: LogConsumerPlan) -> Membership {
        Membership {
            partitions: plan.fetch.partitions,
            plan,
            calls: Calls::new(MEMBERSHIP_SPACE),
            standing: Standing::Outside,
            generation: 0,
            shared: 0,
            coordinator: None,
            is_finding: false,
            is_joining: false,
            is_beating: false,
            is_away: false,
            busy_since: None,
            retry_at: Mono(0),
            next_broker: 0,
            news: VecDeque::new(),
        }
    }

    /// The generation in which the member is, or was last.
    pub(super) const fn generation(&self) -> u32 {
        self.generation
    }

    /// A member that boots anew is another member: its old self runs into the session timeout.
    fn member(cx: &Context<'_>) -> MemberId {
        MemberId(u64::from(cx.node().0) << 32 | u64::from(cx.incarnation().0))
    }

    /// What is next for the owner.
    pub(super) fn take_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// Joins, for the first time or after everything has been given up.
    pub(super) fn join(&mut self, cx: &mut Context<'_>) {
        assert!(
            matches!(self.standing, Standing::Outside | Standing::Releasing),
            "a {:?} member cannot join",
            self.standing
        );
        if self.is_away {
            return self.depart(cx);
        }
        self.standing = Standing::Joining;
        self.pump(cx);
    }

    /// Gives up membership, by and by: the owner finishes what it has first.
    pub(super) fn leave(&mut self, cx: &mut Context<'_>) {
        self.is_away = true;
        match self.standing {
            Standing::Member => self.revoke(cx, false),
            Standing::Joining => self.depart(cx),
            // Whoever gives everything up already, or will, leaves when that is done.
            Standing::Outside | Standing::Releasing | Standing::Expelled => {}
        }
    }

    /// Joins again after it has left, or does not leave after all.
    pub(super) fn come_back(&mut self, cx: &mut Context<'_>) {
        self.is_away = false;
        if self.standing == Standing::Outside {
            self.join(cx);
        }
    }

    /// Stays outside.
    fn depart(&mut self, cx: &mut Context<'_>) {
        self.standing = Standing::Outside;
        cx.point(points::LEFT);
        self.say_goodbye(cx);
    }

    /// The owner has been busy since then, or would poll now. Whoever has left meanwhile learns of it here.
    pub(super) fn busy(&mut self, cx: &mut Context<'_>, since: Option<Mono>) {
        self.busy_since = since;
        if since.is_none() && self.standing == Standing::Expelled {
            self.ask_back(cx, true);
        }
    }

    /// Whether it has left because its owner was busy for too long.
    pub(super) fn is_expelled(&self) -> bool {
        self.standing == Standing::Expelled
    }

    /// Tells the group, which hands the member's share to the others at once.
    fn say_goodbye(&mut self, cx: &mut Context<'_>) {
        if let Some(coordinator) = self.coordinator {
            let request = Request::LeaveGroup {
                group: self.plan.group,
                member: Membership::member(cx),
            };
            let timeout = self.plan.fetch.request_timeout;
            self.calls
                .ask(cx, coordinator, request, timeout, Memory::Leave);
        }
    }

    /// The owner has learnt elsewhere that a newer owner has taken over.
    pub(super) fn give_up(&mut self, cx: &mut Context<'_>) {
        // The group may not know yet: joining at once could give the old generation back for ever.
        self.back_off(cx);
        self.revoke(cx, true);
    }

    /// Commits positions, if the member has a coordinator to tell; false if it has none.
    pub(super) fn commit(
        &mut self,
        cx: &mut Context<'_>,
        positions: Positions,
        epoch_of: impl Fn(Partition) -> Option<Epoch>,
    ) -> bool {
        let Some(coordinator) = self.coordinator else {
            return false;
        };
        if !matches!(self.standing, Standing::Member | Standing::Releasing) {
            return false;
        }
        let commit = CommitOffsets {
            group: self.plan.group,
            member: Membership::member(cx),
            generation: self.generation,
            positions: positions
                .iter()
                .map(|(partition, next)| {
                    let (next, epoch) = (*next, epoch_of(*partition));
                    (*partition, Position { next, epoch })
                })
                .collect(),
        };
        let request = Request::CommitOffsets(Arc::new(commit));
        let timeout = self.plan.fetch.request_timeout;
        self.calls
            .ask(cx, coordinator, request, timeout, Memory::Commit(positions));
        true
    }

    /// The topic is known to have so many partitions: where these are more than the members share, the group comes
    /// together anew.
    pub(super) fn know(&mut self, cx: &mut Context<'_>, partitions: u16) {
        self.partitions = partitions;
        if self.standing == Standing::Member && partitions > self.shared {
            cx.point(points::PARTITIONS_FOUND);
            self.revoke(cx, false);
        }
    }

    /// Asks whatever may be asked now.
    pub(super) fn pump(&mut self, cx: &mut Context<'_>) {
        if matches!(self.standing, Standing::Outside | Standing::Expelled) {
            return;
        }
        let now = cx.monotonic();
        if self.retry_at > now {
            return cx.arm(MEMBERSHIP_WAKES, self.retry_at.since(now));
        }
        let timeout = self.plan.fetch.request_timeout;
        let Some(coordinator) = self.coordinator else {
            if !self.is_finding {
                self.is_finding = true;
                let node = self.plan.fetch.brokers.node(self.next_broker);
                self.next_broker = (self.next_broker + 1) % self.plan.fetch.brokers.nodes;
                let request = Request::FindCoordinator(self.plan.group);
                self.calls.ask(cx, node, request, timeout, Memory::Find);
            }
            return;
        };
        if self.standing == Standing::Joining && !self.is_joining {
            self.is_joining = true;
            let join = JoinGroup {
                group: self.plan.group,
                member: Membership::member(cx),
                topic: self.plan.fetch.topic,
                partitions: self.partitions,
            };
            // The answer waits for every other member to give up what it has, or to be given up.
            let patience = (self.plan.session_timeout * 2).saturating_add(timeout);
            let request = Request::JoinGroup(join);
            self.calls
                .ask(cx, coordinator, request, patience, Memory::Join);
        }
    }

    fn beat(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.standing, Standing::Member | Standing::Releasing) {
            return;
        }
        // The beats come from a thread of their own and would go on for ever, so they look after the owner.
        let is_late = |since: Mono| cx.monotonic().since(since) >= self.plan.max_poll_interval;
        if self.standing == Standing::Member && self.busy_since.is_some_and(is_late) {
            cx.point(points::POLL_EXPIRED);
            self.standing = Standing::Expelled;
            return self.say_goodbye(cx);
        }
        cx.arm(HEARTBEAT, self.plan.heartbeat_interval);
        if let Some(coordinator) = self.coordinator
            && !self.is_beating
        {
            self.is_beating = true;
            let beat = GroupHeartbeat {
                group: self.plan.group,
                member: Membership::member(cx),
                generation: self.generation,
            };
            // A beat that takes longer than the session has failed its purpose.
            let timeout = self
                .plan
                .fetch
                .request_timeout
                .min(self.plan.session_timeout);
            let request = Request::GroupHeartbeat(beat);
            self.calls
                .ask(cx, coordinator, request, timeout, Memory::Beat);
        }
    }

    /// An answer; given back if it is not to one of these questions.
    pub(super) fn on_reply(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        reply: Reply,
    ) -> Option<Reply> {
        let Some(memory) = self.calls.answered(cx, call) else {
            return Some(reply);
        };
        self.asked_no_more(&memory);
        match (memory, reply) {
            (Memory::Find, Reply::Coordinator(Some(node))) => self.coordinator = Some(node),
            (Memory::Find, Reply::Coordinator(None)) => self.back_off(cx),
            (Memory::Join, Reply::Joined(joined)) => self.joined(cx, joined),
            (Memory::Beat, Reply::GroupAlive) | (Memory::Leave, _) => {}
            (Memory::Commit(positions), Reply::OffsetsCommitted) => {
                self.news.push_back(News::Committed(positions));
            }
            (memory, Reply::Refused(refusal)) => self.refused(cx, memory, refusal),
            (memory @ (Memory::Find | Memory::Join | Memory::Beat | Memory::Commit(_)), _) => {
                self.refused(cx, memory, Refusal::Unsupported);
            }
        }
        None
    }

    fn asked_no_more(&mut self, memory: &Memory) {
        match memory {
            Memory::Find => self.is_finding = false,
            Memory::Join => self.is_joining = false,
            Memory::Beat => self.is_beating = false,
            Memory::Commit(_) | Memory::Leave => {}
        }
    }

    fn back_off(&mut self, cx: &mut Context<'_>) {
        self.retry_at = cx.monotonic() + self.plan.fetch.retry_backoff;
    }

    fn joined(&mut self, cx: &mut Context<'_>, joined: Arc<Joined>) {
        if self.standing != Standing::Joining {
            return;
        }
        self.standing = Standing::Member;
        self.generation = joined.generation;
        self.shared = joined.partitions;
        cx.point(points::JOINED);
        cx.arm(HEARTBEAT, self.plan.heartbeat_interval);
        self.news.push_back(News::Joined(joined));
    }

    fn revoke(&mut self, cx: &mut Context<'_>, lost: bool) {
        if self.standing != Standing::Member {
            return;
        }
        self.ask_back(cx, lost);
    }

    /// The owner is told to give everything up.
    fn ask_back(&mut self, cx: &mut Context<'_>, lost: bool) {
        self.standing = Standing::Releasing;
        cx.point(if lost { points::LOST } else { points::REVOKING });
        self.news.push_back(News::Revoking { lost });
    }

    fn refused(&mut self, cx: &mut Context<'_>, memory: Memory, refusal: Refusal) {
        if matches!(memory, Memory::Leave) {
            return;
        }
        let is_commit = matches!(memory, Memory::Commit(_));
        if let Memory::Commit(positions) = memory {
            self.news.push_back(News::CommitFailed(positions));
        }
        match refusal {
            Refusal::RebalanceInProgress => self.revoke(cx, false),
            Refusal::UnknownMember | Refusal::IllegalGeneration | Refusal::Fenced => {
                if is_commit {
                    cx.point(points::COMMIT_REFUSED);
                }
                self.revoke(cx, true);
                if self.standing == Standing::Joining {
                    self.back_off(cx);
                }
            }
            Refusal::CoordinatorLoading | Refusal::Overloaded => self.back_off(cx),
            Refusal::NotLeader
            | Refusal::NotEnoughReplicas
            | Refusal::NotEnoughReplicasAfterAppend
            | Refusal::OutOfOrderSequence
            | Refusal::InvalidProducerEpoch
            | Refusal::FencedLeaderEpoch
            | Refusal::UnknownLeaderEpoch
            | Refusal::OffsetOutOfRange
            | Refusal::NotCoordinator
            | Refusal::NotController
            | Refusal::InvalidUpdateVersion
            | Refusal::StaleBrokerEpoch
            | Refusal::DiskFull
            | Refusal::DiskFailed
            | Refusal::Unsupported
            | Refusal::LeaseHeld
            | Refusal::TimedOut => {
                // Another node may coordinate by then. The membership itself goes on: only a
                // coordinator can end it, and until one does the member reads on, as Kafka's does.
                self.coordinator = None;
                self.back_off(cx);
            }
        }
    }

    /// A connection has ended.
    pub(super) fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        for (_, _, memory) in self.calls.closed(cx, connection) {
            self.asked_no_more(&memory);
            self.refused(cx, memory, Refusal::TimedOut);
        }
    }

    /// A timer has run out; whether it was one of these.
    pub(super) fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) -> bool {
        if timer == HEARTBEAT {
            self.beat(cx);
            return true;
        }
        let expired = self.calls.expired(cx, timer);
        let is_mine = timer == MEMBERSHIP_WAKES || !expired.is_empty();
        for (_, _, memory) in expired {
            self.asked_no_more(&memory);
            self.refused(cx, memory, Refusal::TimedOut);
        }
        is_mine
    }
}
