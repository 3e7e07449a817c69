//! The requests that a group coordinator answers (K10–K12). Assignment is computed by the coordinator:
//! what differs from Kafka's classic protocol is only who runs the assignor.

use crate::id::{GroupId, MemberId, Offset, Partition, TopicId};
use std::sync::Arc;

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
    pub assignment: Vec<(Partition, Option<Offset>)>,
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
    /// By partition, the next offset to read.
    pub positions: Arc<[(Partition, Offset)]>,
}
