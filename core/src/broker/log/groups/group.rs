//! One group: who is in it, what it waits for, where it has got to (K11).

use super::assign::assign;
use super::points;
use crate::actor::{Connection, Context};
use crate::id::{CallId, MemberId, Offset, Partition};
use crate::message::group::{Joined, Position};
use crate::message::{Refusal, Reply};
use crate::time::{Mono, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where an answer goes.
pub(super) type Asker = (Connection, CallId);

/// What a group does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nobody is in it.
    Empty,
    /// It waits for its members to join.
    Preparing {
        /// Who has not joined by then is left behind.
        until: Mono,
        /// Whether it waits to the end for members nobody knows yet (`group.initial.rebalance.delay.ms`).
        first: bool,
    },
    /// Everybody has an assignment.
    Stable,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    /// When its session ends unless it is heard.
    deadline: Mono,
    /// Its unanswered join.
    waiting: Option<Asker>,
    /// Whether it has been heard with the present generation, so that it has its answer.
    confirmed: bool,
    assignment: Vec<Partition>,
}

/// A committed position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Where the commit lies in the offsets partition.
    at: Offset,
    position: Position,
}

/// A consumer group as its coordinator has it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) generation: u32,
    pub(super) phase: Phase,
    /// The partitions of its topic.
    pub(super) partitions: Vec<Partition>,
    pub(super) members: BTreeMap<MemberId, Member>,
    pub(super) committed: BTreeMap<Partition, Kept>,
    /// Its positions have been put back, so commits of the present generation are void.
    pub(super) rewinding: bool,
    /// How often its positions have been put back.
    pub(super) rewinds: u32,
}

impl Group {
    /// A group without members. Generations begin after `generation`.
    pub(super) fn new(generation: u32) -> Group {
        Group {
            generation,
            phase: Phase::Empty,
            partitions: Vec::new(),
            members: BTreeMap::new(),
            committed: BTreeMap::new(),
            rewinding: false,
            rewinds: 0,
        }
    }

    /// Takes a position whose commit lies at `at`; an older commit does not undo a newer one.
    pub(super) fn take_position(&mut self, partition: Partition, at: Offset, position: Position) {
        let newer = Kept { at, position };
        let kept = self.committed.entry(partition).or_insert(newer);
        if at >= kept.at {
            *kept = newer;
        }
    }

    /// Puts all positions back to the beginning: the partitions they are of.
    pub(super) fn rewind(&mut self) -> BTreeSet<Partition> {
        self.rewinding = true;
        self.rewinds += 1;
        let known = self.partitions.iter().chain(self.committed.keys());
        let partitions: BTreeSet<Partition> = known.copied().collect();
        let start = Kept {
            at: Offset(0),
            position: Position::at(Offset(0)),
        };
        self.committed = partitions
            .iter()
            .map(|partition| (*partition, start))
            .collect();
        partitions
    }

    /// When something must be done if nothing is heard.
    pub(super) fn next_deadline(&self) -> Option<Mono> {
        let until = match self.phase {
            Phase::Preparing { until, .. } => Some(until),
            Phase::Empty | Phase::Stable => None,
        };
        // A member whose join is unanswered is alive as long as its connection is.
        let sessions = self
            .members
            .values()
            .filter(|member| member.waiting.is_none())
            .map(|member| member.deadline);
        sessions.chain(until).min()
    }

    /// A member wants to take part.
    pub(super) fn join(
        &mut self,
        cx: &mut Context<'_>,
        waits: Waits,
        member: MemberId,
        asker: Asker,
    ) {
        let now = cx.monotonic();
        let deadline = now + waits.session_timeout;
        if self.phase == Phase::Stable
            && let Some(known) = self.members.get_mut(&member)
            && !known.confirmed
        {
            // Its answer was lost: it gets it again, and nobody else is disturbed.
            known.deadline = deadline;
            self.answer(cx, member, asker);
            return;
        }
        let known = self.members.entry(member).or_insert_with(|| Member {
            deadline,
            waiting: None,
            confirmed: false,
            assignment: Vec::new(),
        });
        known.deadline = deadline;
        known.waiting = Some(asker);
        match self.phase {
            Phase::Empty => self.prepare(cx, waits.initial_delay, true),
            Phase::Stable => self.prepare(cx, waits.session_timeout, false),
            Phase::Preparing { .. } => {}
        }
        self.finish_if_complete(cx, waits);
    }

    fn prepare(&mut self, cx: &mut Context<'_>, wait: Span, first: bool) {
        assert!(
            !matches!(self.phase, Phase::Preparing { .. }),
            "a rebalance is under way already"
        );
        cx.point(points::REBALANCE_STARTED);
        let until = cx.monotonic() + wait;
        self.phase = Phase::Preparing { until, first };
    }

    /// Sends everybody to join again.
    pub(super) fn rebalance(&mut self, cx: &mut Context<'_>, waits: Waits) {
        match self.phase {
            Phase::Stable if self.members.is_empty() => self.phase = Phase::Empty,
            Phase::Stable => self.prepare(cx, waits.session_timeout, false),
            Phase::Empty | Phase::Preparing { .. } => {}
        }
        self.finish_if_complete(cx, waits);
    }

    /// Ends the wait when all have joined, or when it has lasted long enough.
    fn finish_if_complete(&mut self, cx: &mut Context<'_>, waits: Waits) {
        let Phase::Preparing { until, first } = self.phase else {
            return;
        };
        let all = self.members.values().all(|member| member.waiting.is_some());
        if cx.monotonic() >= until || (all && !first) {
            self.finish(cx, waits);
        }
    }

    fn finish(&mut self, cx: &mut Context<'_>, waits: Waits) {
        self.members.retain(|_, member| member.waiting.is_some());
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            return;
        }
        self.generation += 1;
        self.phase = Phase::Stable;
        self.rewinding = false;
        cx.point(points::REBALANCED);
        let before = self
            .members
            .iter_mut()
            .map(|(id, member)| (*id, std::mem::take(&mut member.assignment)))
            .collect();
        let deadline = cx.monotonic() + waits.session_timeout;
        let mut askers = Vec::new();
        for (id, assignment) in assign(&self.partitions, &before) {
            let member = self.members.get_mut(&id);
            let member = member.expect("an assignment is of the members it was asked for");
            member.assignment = assignment;
            member.confirmed = false;
            member.deadline = deadline;
            askers.extend(member.waiting.take().map(|asker| (id, asker)));
        }
        for (id, asker) in askers {
            self.answer(cx, id, asker);
        }
    }

    fn answer(&self, cx: &mut Context<'_>, member: MemberId, (connection, call): Asker) {
        let assignment = self
            .members
            .get(&member)
            .map_or(&[][..], |member| member.assignment.as_slice());
        let position = |partition: &Partition| self.committed.get(partition);
        let joined = Joined {
            generation: self.generation,
            partitions: self.partitions.len() as u16,
            assignment: assignment
                .iter()
                .map(|partition| (*partition, position(partition).map(|kept| kept.position)))
                .collect(),
        };
        cx.reply(connection, call, Reply::Joined(Arc::new(joined)));
    }

    /// Whether `member` speaks for `generation`; if so its session begins anew.
    pub(super) fn hear(
        &mut self,
        cx: &Context<'_>,
        waits: Waits,
        member: MemberId,
        generation: u32,
    ) -> Result<(), Refusal> {
        let known = self
            .members
            .get_mut(&member)
            .ok_or(Refusal::UnknownMember)?;
        if generation != self.generation {
            return Err(Refusal::IllegalGeneration);
        }
        known.confirmed = true;
        known.deadline = cx.monotonic() + waits.session_timeout;
        Ok(())
    }

    /// Takes a member out; false if it was not in.
    pub(super) fn remove(&mut self, cx: &mut Context<'_>, waits: Waits, member: MemberId) -> bool {
        let Some(gone) = self.members.remove(&member) else {
            return false;
        };
        if let Some((connection, call)) = gone.waiting {
            cx.reply(connection, call, Reply::Refused(Refusal::UnknownMember));
        }
        self.rebalance(cx, waits);
        true
    }

    /// Takes out whose session is over, and ends a wait that is.
    pub(super) fn on_deadline(&mut self, cx: &mut Context<'_>, waits: Waits) {
        let now = cx.monotonic();
        let silent: Vec<MemberId> = self
            .members
            .iter()
            .filter(|(_, member)| member.waiting.is_none() && member.deadline <= now)
            .map(|(id, _)| *id)
            .collect();
        for member in silent {
            cx.point(points::MEMBER_EXPIRED);
            self.remove(cx, waits, member);
        }
        self.finish_if_complete(cx, waits);
    }

    /// Nobody listens on a connection any more.
    pub(super) fn closed(&mut self, connection: Connection) {
        for member in self.members.values_mut() {
            member.waiting = member.waiting.filter(|(open, _)| *open != connection);
        }
    }

    /// All joins that are unanswered, when the coordinator leaves.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Asker> {
        self.members.values().filter_map(|member| member.waiting)
    }
}

/// How long a coordinator waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    pub(super) session_timeout: Span,
    pub(super) initial_delay: Span,
}
