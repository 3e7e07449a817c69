//! The coordinator of consumer groups (K10–K12): a plain struct that a broker's actor owns.
//!
//! *Model.* Group g belongs to the leader of partition g mod n of the offsets topic. A join sends the group
//! to a barrier: the others learn of it from their heartbeats and join again; when all have, or after a
//! bounded wait, everybody gets the next generation and its share, computed here, with the committed
//! positions. Sessions run on this node's own clock. Commits of an older generation are refused; a valid
//! one becomes a batch in the offsets partition, replicated like any acks=all publish, and is answered when
//! the high watermark has passed it.
//!
//! *Appending.* [`Groups::take_appends`] gives batches that the owner appends as the partition's leader;
//! how each ended comes back through [`Groups::appended`]. *Loading.* The owner calls [`Groups::lead`] when
//! it leads an offsets partition, then [`Groups::load`] with what its log holds; [`Groups::resign`] when it
//! leads no longer.
//!
//! *Limits.* Membership is not stored: after a failover all members are unknown and join again. Their
//! generations cannot be mistaken for older ones, since each epoch of the offsets partition has a range of
//! generations of its own.

mod assign;
mod group;
pub mod points;
#[cfg(test)]
mod tests;

use crate::actor::{Connection, Context, Inspection};
use crate::broker::log::config::{LogConfig, LogFlaw};
use crate::event::{Batch, OffsetCommit};
use crate::history::{Fact, Role};
use crate::id::{CallId, Epoch, GroupId, MemberId, Offset, Partition, TimerId, TopicId};
use crate::message::group::{CommitOffsets, GroupHeartbeat, JoinGroup, Position};
use crate::message::{Refusal, Reply};
use crate::part::OFFSETS_TOPIC;
use crate::time::Mono;
use group::{Asker, Group, Waits};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The one timer of [`Groups`].
pub const GROUPS_TIMER: TimerId = TimerId(1 << 60);

/// Generations that one epoch of an offsets partition may hand out; no run has as many rebalances.
const GENERATIONS: u32 = 10_000;

/// The offsets partition in which the positions of `group` lie.
#[must_use]
pub const fn offsets_partition(group: GroupId, offsets_partitions: u16) -> Partition {
    Partition {
        topic: OFFSETS_TOPIC,
        index: group.0 % offsets_partitions,
    }
}

/// A batch that the owner is asked to append with acks=all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The number under which the coordinator awaits the end of it.
    pub number: u64,
    /// The offsets partition.
    pub partition: Partition,
    /// The positions.
    pub batch: Arc<Batch>,
}

/// Whether this node coordinates the groups of an offsets partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Office {
    Away,
    Loading(Epoch),
    Held(Epoch),
}

/// A commit that is being replicated.
#[derive(Debug)]
struct Pending {
    group: GroupId,
    batch: Arc<[OffsetCommit]>,
    /// Nobody asked for a rewind's.
    asker: Option<Asker>,
    /// How often the group had been rewound: a commit from before does not undo a rewind.
    rewinds: u32,
}

/// The coordinator of one node.
#[derive(Debug)]
pub struct Groups {
    waits: Waits,
    skips: bool,
    /// Partitions of each topic that may be read.
    topics: Vec<u16>,
    offices: Vec<Office>,
    groups: BTreeMap<GroupId, Group>,
    next_number: u64,
    pending: BTreeMap<u64, Pending>,
    appends: Vec<Append>,
    armed: Option<Mono>,
}

impl Groups {
    /// A coordinator of no groups.
    #[must_use]
    pub fn new(config: &LogConfig) -> Groups {
        Groups {
            waits: Waits {
                session_timeout: config.consumer.session_timeout,
                initial_delay: config.group_initial_rebalance_delay,
            },
            skips: config.flaws.contains(&LogFlaw::SkipAfterCommit),
            topics: config
                .topics
                .values()
                .map(|topic| topic.partitions)
                .collect(),
            offices: vec![Office::Away; usize::from(config.offsets_partitions)],
            groups: BTreeMap::new(),
            next_number: 0,
            pending: BTreeMap::new(),
            appends: Vec::new(),
            armed: None,
        }
    }

    fn office(&self, group: GroupId) -> Office {
        let partition = offsets_partition(group, self.offices.len() as u16);
        self.offices[usize::from(partition.index)]
    }

    /// The epoch in which this node coordinates, or loads, the groups of the offsets partition at `index`.
    #[must_use]
    pub fn office_epoch(&self, index: u16) -> Option<Epoch> {
        match self.offices[usize::from(index)] {
            Office::Away => None,
            Office::Loading(epoch) | Office::Held(epoch) => Some(epoch),
        }
    }

    /// This node leads the offsets partition at `index` in `epoch`; its groups are not known yet.
    pub fn lead(&mut self, cx: &mut Context<'_>, index: u16, epoch: Epoch) {
        self.resign(cx, index);
        self.offices[usize::from(index)] = Office::Loading(epoch);
    }

    /// The positions in the log of the offsets partition at `index`, in order: its groups are served from
    /// now on. Ignored unless this node still leads in `epoch`.
    pub fn load(
        &mut self,
        cx: &mut Context<'_>,
        index: u16,
        epoch: Epoch,
        commits: impl IntoIterator<Item = OffsetCommit>,
    ) {
        if self.offices[usize::from(index)] != Office::Loading(epoch) {
            return;
        }
        self.offices[usize::from(index)] = Office::Held(epoch);
        // The flaw starts one record too far: that record is never read.
        let skip = u64::from(self.skips);
        for commit in commits {
            let group = self.group(cx, commit.group, epoch);
            let mut position = commit.position;
            position.next.0 += skip;
            group.take_position(commit.partition, Offset(0), position);
        }
        cx.point(points::LOADED);
    }

    /// This node leads the offsets partition at `index` no longer.
    pub fn resign(&mut self, cx: &mut Context<'_>, index: u16) {
        let office = std::mem::replace(&mut self.offices[usize::from(index)], Office::Away);
        let Office::Held(epoch) = office else {
            return;
        };
        let partitions = self.offices.len() as u16;
        let is_here = |group: GroupId| offsets_partition(group, partitions).index == index;
        let pending: Vec<u64> = self
            .pending
            .iter()
            .filter(|(_, pending)| is_here(pending.group))
            .map(|(number, _)| *number)
            .collect();
        for pending in pending
            .iter()
            .filter_map(|number| self.pending.remove(number))
        {
            // The batch may be in the log, and the next leader may keep it.
            refuse(cx, pending.asker, Refusal::TimedOut);
        }
        let ids: Vec<GroupId> = self
            .groups
            .keys()
            .copied()
            .filter(|id| is_here(*id))
            .collect();
        for id in ids {
            let group = self.groups.remove(&id);
            for asker in group.iter().flat_map(Group::waiting) {
                refuse(cx, Some(asker), Refusal::NotCoordinator);
            }
            cx.observe(Fact::RoleLost {
                role: Role::Coordinator(id),
                epoch: u64::from(epoch.0),
            });
        }
    }

    /// The group called `id`, begun if it is new.
    fn group(&mut self, cx: &mut Context<'_>, id: GroupId, epoch: Epoch) -> &mut Group {
        self.groups.entry(id).or_insert_with(|| {
            cx.observe(Fact::RoleTaken {
                role: Role::Coordinator(id),
                epoch: u64::from(epoch.0),
            });
            Group::new(epoch.0 * GENERATIONS)
        })
    }

    fn held(&self, group: GroupId) -> Result<Epoch, Refusal> {
        match self.office(group) {
            Office::Away => Err(Refusal::NotCoordinator),
            Office::Loading(_) => Err(Refusal::CoordinatorLoading),
            Office::Held(epoch) => Ok(epoch),
        }
    }

    /// The group called `id` if it is served here and has begun.
    fn known(&mut self, id: GroupId) -> Result<&mut Group, Refusal> {
        self.held(id)?;
        self.groups.get_mut(&id).ok_or(Refusal::UnknownMember)
    }

    /// A member wants to take part; it is answered when the rebalance is complete.
    pub fn on_join(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        join: JoinGroup,
    ) {
        let asker = (connection, call);
        let partitions = self.partitions_of(join.topic, join.partitions);
        match self.held(join.group) {
            Err(refusal) => refuse(cx, Some(asker), refusal),
            Ok(_) if partitions.is_empty() => refuse(cx, Some(asker), Refusal::Unsupported),
            Ok(epoch) => {
                let waits = self.waits;
                let group = self.group(cx, join.group, epoch);
                // A member that knows less does not take away what others have learnt.
                if partitions.len() > group.partitions.len() {
                    group.partitions = partitions;
                }
                group.join(cx, waits, join.member, asker);
                self.arm(cx);
            }
        }
    }

    /// The partitions of a topic, of which a member may know more than this node has heard of.
    fn partitions_of(&self, topic: TopicId, told: u16) -> Vec<Partition> {
        let known = self.topics.get(usize::from(topic.0)).copied();
        let count = known.map_or(0, |known| known.max(told));
        (0..count).map(|index| Partition { topic, index }).collect()
    }

    /// A topic has more partitions from now on. Its groups go on as they are, until a member that has learnt of
    /// it joins again.
    pub fn expand(&mut self, topic: TopicId, partitions: u16) {
        self.topics[usize::from(topic.0)] = partitions;
    }

    /// A member lives.
    pub fn on_heartbeat(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        beat: GroupHeartbeat,
    ) {
        let waits = self.waits;
        let heard = self.known(beat.group).and_then(|group| {
            group.hear(cx, waits, beat.member, beat.generation)?;
            match group.phase {
                group::Phase::Stable => Ok(()),
                group::Phase::Preparing { .. } | group::Phase::Empty => {
                    Err(Refusal::RebalanceInProgress)
                }
            }
        });
        match heard {
            Ok(()) => cx.reply(connection, call, Reply::GroupAlive),
            Err(refusal) => refuse(cx, Some((connection, call)), refusal),
        }
    }

    /// A member leaves of its own will.
    pub fn on_leave(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        (group, member): (GroupId, MemberId),
    ) {
        let waits = self.waits;
        let left = self.known(group).and_then(|group| {
            let was_in = group.remove(cx, waits, member);
            was_in.then_some(()).ok_or(Refusal::UnknownMember)
        });
        match left {
            Ok(()) => cx.reply(connection, call, Reply::GroupAlive),
            Err(refusal) => refuse(cx, Some((connection, call)), refusal),
        }
        self.arm(cx);
    }

    /// Positions are finished with; answered when they are replicated. A member may still commit while its
    /// group waits for others to join, since it must before it gives its partitions up.
    pub fn on_commit(
        &mut self,
        cx: &mut Context<'_>,
        connection: Connection,
        call: CallId,
        commit: &CommitOffsets,
    ) {
        let waits = self.waits;
        let valid = self.known(commit.group).and_then(|group| {
            group.hear(cx, waits, commit.member, commit.generation)?;
            if group.rewinding {
                return Err(Refusal::RebalanceInProgress);
            }
            Ok(())
        });
        if let Err(refusal) = valid {
            cx.point(points::COMMIT_REFUSED);
            refuse(cx, Some((connection, call)), refusal);
            return;
        }
        let commits = commit
            .positions
            .iter()
            .map(|(partition, position)| OffsetCommit {
                group: commit.group,
                partition: *partition,
                position: *position,
                member: commit.member,
                generation: commit.generation,
            });
        let batch = commits.collect();
        self.append(cx, commit.group, batch, Some((connection, call)));
    }

    fn append(
        &mut self,
        cx: &mut Context<'_>,
        group: GroupId,
        batch: Arc<[OffsetCommit]>,
        asker: Option<Asker>,
    ) {
        if batch.is_empty() {
            if let Some((connection, call)) = asker {
                cx.reply(connection, call, Reply::OffsetsCommitted);
            }
            return;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.appends.push(Append {
            number,
            partition: offsets_partition(group, self.offices.len() as u16),
            batch: Arc::new(Batch::of_offsets(Arc::clone(&batch), cx.wall())),
        });
        let pending = Pending {
            group,
            batch,
            asker,
            rewinds: self.groups.get(&group).map_or(0, |group| group.rewinds),
        };
        self.pending.insert(number, pending);
    }

    /// What the owner is asked to append, in order.
    pub fn take_appends(&mut self) -> Vec<Append> {
        std::mem::take(&mut self.appends)
    }

    /// How an append has ended: with its offset, once the high watermark has passed it.
    pub fn appended(
        &mut self,
        cx: &mut Context<'_>,
        number: u64,
        outcome: Result<Offset, Refusal>,
    ) {
        let Some(pending) = self.pending.remove(&number) else {
            return;
        };
        match outcome {
            Ok(at) => {
                if let Some(group) = self.groups.get_mut(&pending.group)
                    && group.rewinds == pending.rewinds
                {
                    for commit in pending.batch.iter() {
                        group.take_position(commit.partition, at, commit.position);
                    }
                }
                if let Some((connection, call)) = pending.asker {
                    cx.reply(connection, call, Reply::OffsetsCommitted);
                }
            }
            Err(Refusal::NotLeader) => refuse(cx, pending.asker, Refusal::NotCoordinator),
            Err(refusal) => refuse(cx, pending.asker, refusal),
        }
    }

    /// Puts all groups served here back to offset 0 of every partition; a reader finds the earliest offset
    /// from there (K12). Commits of the present generations are refused from now on, and those on their way
    /// lie before the rewind in the log.
    pub fn rewind(&mut self, cx: &mut Context<'_>) {
        let ids: Vec<GroupId> = self.groups.keys().copied().collect();
        for id in ids {
            let waits = self.waits;
            let Some(group) = self.groups.get_mut(&id) else {
                continue;
            };
            cx.point(points::REWOUND);
            let generation = group.generation;
            let partitions = group.rewind();
            group.rebalance(cx, waits);
            let batch = partitions.into_iter().map(|partition| OffsetCommit {
                group: id,
                partition,
                position: Position::at(Offset(0)),
                member: MemberId(0),
                generation,
            });
            self.append(cx, id, batch.collect(), None);
        }
        self.arm(cx);
    }

    /// Takes a timer; false if it is not the coordinator's.
    pub fn on_timer(&mut self, cx: &mut Context<'_>, timer: TimerId) -> bool {
        if timer != GROUPS_TIMER {
            return false;
        }
        self.armed = None;
        let waits = self.waits;
        for group in self.groups.values_mut() {
            group.on_deadline(cx, waits);
        }
        self.arm(cx);
        true
    }

    /// A connection has ended: nobody waits for answers on it.
    pub fn on_closed(&mut self, cx: &mut Context<'_>, connection: Connection) {
        for group in self.groups.values_mut() {
            group.closed(connection);
        }
        for pending in self.pending.values_mut() {
            pending.asker = pending.asker.filter(|(open, _)| *open != connection);
        }
        self.arm(cx);
    }

    /// Sets the timer unless it runs out soon enough anyway.
    fn arm(&mut self, cx: &mut Context<'_>) {
        let next = self.groups.values().filter_map(Group::next_deadline).min();
        if let Some(next) = next
            && self.armed.is_none_or(|armed| armed > next)
        {
            cx.arm(GROUPS_TIMER, next.since(cx.monotonic()));
            self.armed = Some(next);
        }
    }

    /// What a person would like to see.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        self.groups
            .iter()
            .fold(Inspection::new(), |tree, (id, group)| {
                let members = group.members.len();
                let node = Inspection::new()
                    .value("generation", group.generation)
                    .value("phase", format_args!("{:?}", group.phase))
                    .value("members", members)
                    .value("committed", format_args!("{:?}", group.committed));
                tree.child(&id.to_string(), node)
            })
    }
}

fn refuse(cx: &mut Context<'_>, asker: Option<Asker>, refusal: Refusal) {
    if let Some((connection, call)) = asker {
        cx.reply(connection, call, Reply::Refused(refusal));
    }
}
