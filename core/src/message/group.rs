//! The requests that a group coordinator answers (K10–K12). Assignment is computed by the coordinator:
//! what differs from Kafka's classic protocol is only who runs the assignor.

use crate::id::{Epoch, GroupId, MemberId, Offset, Partition, TopicId};
use std::sync::Arc;

/// How far a group has come in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The next offset to read.
    pub next: Offset,
    /// The epoch of what the member had read when it committed, by which a reader that takes over notices that the log
    /// was cut meanwhile (KIP-320).
    pub epoch: Option<Epoch>,
}

impl Position {
    /// A position of which no epoch is known.
    #[must_use]
    pub const fn at(next: Offset) -> Position {
        Position { next, epoch: None }
    }

    /// What a fingerprint sees of the epoch.
    #[must_use]
    pub fn epoch_word(self) -> u64 {
        self.epoch.map_or(0, |epoch| u64::from(epoch.0) + 1)
    }
}

/// A member's wish to take part; sent again at every rebalance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinGroup {
    /// The group.
    pub group: GroupId,
    /// The member.
    pub member: MemberId,
    /// The topic that the group reads.
    pub topic: TopicId,
    /// How many partitions the member knows it to have.
    pub partitions: u16,
}

/// What a member may read until the next rebalance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The group's generation; commits of an older one are refused.
    pub generation: u32,
    /// How many partitions are shared out among all members.
    pub partitions: u16,
    /// The member's partitions with the group's committed positions.
    pub assignment: Vec<(Partition, Option<Position>)>,
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupHeartbeat {
    /// The group.
    pub group: GroupId,
    /// The member.
    pub member: MemberId,
    /// The generation it believes in.
    pub generation: u32,
}

/// Positions that a member has finished with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitOffsets {
    /// The group.
    pub group: GroupId,
    /// The member.
    pub member: MemberId,
    /// Its generation (K10: a stale one is refused).
    pub generation: u32,
    /// By partition.
    pub positions: Arc<[(Partition, Position)]>,
}
