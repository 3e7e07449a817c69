//! A member of a consumer group: its membership and what it reads.

use super::fetcher::{Fetcher, Found, Records};
use super::membership::{Membership, News, Positions};
use super::plan::LogConsumerPlan;
use crate::actor::{Connection, Context};
use crate::history::Fact;
use crate::id::{CallId, GroupId, Offset, Partition, TimerId};
use crate::message::Reply;
use crate::message::group::Position;
use crate::time::Mono;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a consumer hands to its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A partition is the member's. Nothing is read of it before [`LogConsumer::begin`].
    Assigned {
        /// Which.
        partition: Partition,
        /// The group's committed position.
        committed: Option<Offset>,
        /// In which generation.
        generation: u32,
    },
    /// Reading begins here, or goes on here after a reset or a truncation.
    Begun {
        /// The partition.
        partition: Partition,
        /// The next offset that will be handed out.
        from: Offset,
    },
    /// Something was read.
    Records(Records),
    /// Everything is to be given up: finish, commit, then call [`LogConsumer::release`]. Nothing is read
    /// any more.
    Revoking {
        /// Whether others may own the partitions already, so that commits are in vain.
        lost: bool,
    },
    /// Positions are committed.
    Committed(Arc<[(Partition, Offset)]>),
    /// A commit failed, or nobody knows.
    CommitFailed(Arc<[(Partition, Offset)]>),
}

/// A member of a consumer group of a log broker.
#[derive(Debug)]
pub struct LogConsumer {
    group: GroupId,
    membership: Membership,
    fetcher: Fetcher,
    /// Partitions whose reading the history knows of.
    begun: BTreeSet<Partition>,
    /// What the group had committed when the member joined.
    committed: BTreeMap<Partition, Position>,
    assigned: Vec<Given>,
}

impl LogConsumer {
    /// A consumer that has not begun.
    #[must_use]
    pub fn new(plan: &LogConsumerPlan) -> LogConsumer {
        LogConsumer {
            group: plan.group,
            membership: Membership::new(plan.clone()),
            fetcher: Fetcher::new(plan.fetch.clone()),
            begun: BTreeSet::new(),
            committed: BTreeMap::new(),
            assigned: Vec::new(),
        }
    }

    /// Joins the group.
    pub fn start(&mut self, cx: &mut Context<'_>) {
        self.membership.join(cx);
    }

    /// The generation in which it is, or was last.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.membership.generation()
    }

    /// Reads an assigned partition from here, or from where the reset policy says (K12); anew if it is
    /// read already.
    pub fn begin(&mut self, partition: Partition, from: Option<Offset>) {
        let taken_over = self.committed.get(&partition);
        let epoch = taken_over
            .filter(|position| Some(position.next) == from)
            .and_then(|position| position.epoch);
        self.fetcher.begin(partition, from, epoch);
    }

    /// Stops or resumes fetching a partition, for back-pressure.
    pub fn pause(&mut self, partition: Partition, is_paused: bool) {
        self.fetcher.pause(partition, is_paused);
    }

    /// The owner has been busy since then with records that it was given, or, with none, would take more. Heartbeats go
    /// on, but after the poll interval the member leaves the group: the others take over, and the owner is told to give
    /// everything up when it would take more.
    pub fn busy(&mut self, cx: &mut Context<'_>, since: Option<Mono>) {
        self.membership.busy(cx, since);
    }

    /// Whether the member has left the group while its owner was busy.
    #[must_use]
    pub fn is_expelled(&self) -> bool {
        self.membership.is_expelled()
    }

    /// Commits positions in the present generation; false if there is no coordinator to tell.
    pub fn commit(&mut self, cx: &mut Context<'_>, positions: Positions) -> bool {
        let fetcher = &self.fetcher;
        let epoch_of = |partition| fetcher.last_epoch(partition);
        self.membership.commit(cx, positions, epoch_of)
    }

    /// The owner has given everything up: the member joins again.
    pub fn release(&mut self, cx: &mut Context<'_>) {
        for partition in std::mem::take(&mut self.begun) {
            self.observe_revoked(cx, partition);
        }
        self.membership.join(cx);
    }

    /// The member leaves of its own will: the owner is told to give everything up, and then the group is told.
    pub fn leave(&mut self, cx: &mut Context<'_>) {
        self.membership.leave(cx);
    }

    /// It joins again.
    pub fn come_back(&mut self, cx: &mut Context<'_>) {
        self.membership.come_back(cx);
    }

    /// The owner has been fenced elsewhere: it is told to give everything up.
    pub fn give_up(&mut self, cx: &mut Context<'_>) {
        self.membership.give_up(cx);
    }

    /// What is next for the owner.
    pub fn take_given(&mut self, cx: &mut Context<'_>) -> Option<Given> {
        loop {
            if let Some(assigned) = self.assigned.pop() {
                return Some(assigned);
            }
            match self.membership.take_news() {
                Some(News::Joined(joined)) => {
                    self.fetcher.know(joined.partitions);
                    let assigned = joined.assignment.iter();
                    self.committed = assigned
                        .filter_map(|(partition, position)| Some((*partition, (*position)?)))
                        .collect();
                    // Taken from the end: the order of partitions is kept.
                    self.assigned.extend(joined.assignment.iter().rev().map(
                        |(partition, committed)| Given::Assigned {
                            partition: *partition,
                            committed: committed.map(|position| position.next),
                            generation: joined.generation,
                        },
                    ));
                    continue;
                }
                Some(News::Revoking { lost }) => {
                    self.fetcher.stop();
                    return Some(Given::Revoking { lost });
                }
                Some(News::Committed(positions)) => return Some(Given::Committed(positions)),
                Some(News::CommitFailed(positions)) => return Some(Given::CommitFailed(positions)),
                None => {}
            }
            return match self.fetcher.take_found()? {
                Found::Begun(partition, from) => {
                    self.observe_assigned(cx, partition, from);
                    Some(Given::Begun { partition, from })
                }
                Found::Records(records) => Some(Given::Records(records)),
            };
        }
    }

    fn observe_assigned(&mut self, cx: &mut Context<'_>, partition: Partition, from: Offset) {
        // A jump ends one stretch of reading and begins another.
        if !self.begun.insert(partition) {
            self.observe_revoked(cx, partition);
        }
        cx.observe(Fact::Assigned {
            group: self.group,
            partition,
            generation: self.generation(),
            from,
        });
    }

    fn observe_revoked(&self, cx: &mut Context<'_>, partition: Partition) {
        cx.observe(Fact::Revoked {
            group: self.group,
            partition,
            generation: self.generation(),
        });
    }

    /// Asks whatever may be asked now; the owner calls it at the end of its step.
    pub fn pump(&mut self, cx: &mut Context<'_>) {
        self.membership.know(cx, self.fetcher.partitions());
        self.membership.pump(cx);
        self.fetcher.pump(cx);
    }

    /// An answer; given back if it is not to one of the consumer's questions.
    pub fn on_reply(&mut self, cx: &mut Context<'_>, call: CallId, reply: Reply) -> Option<Reply> {
        let reply = self.membership.on_reply(cx, call, reply)?;
        self.fetcher.on_reply(cx, call, reply)
    }

    /// A connection has ended.
    pub fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        self.membership.on_closed(cx, connection);
        self.fetcher.on_closed(cx, connection);
    }

    /// A timer has run out; whether it was one of the consumer's.
    pub fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) -> bool {
        self.membership.on_timer(cx, timer) || self.fetcher.on_timer(cx, timer)
    }
}
