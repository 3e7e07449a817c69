//! The named places of a consumer.

use crate::id::PointId;

/// The member has its partitions.
pub const JOINED: PointId = PointId::new("consumer.joined");

/// A rebalance takes all partitions away (K11).
pub const REVOKING: PointId = PointId::new("consumer.revoking");

/// The coordinator no longer counts the member in: what it still does is a zombie's work.
pub const LOST: PointId = PointId::new("consumer.lost");

/// The member's owner was busy with what it had been given for longer than the poll interval: it leaves the group, and
/// what the owner still does is a zombie's work.
pub const POLL_EXPIRED: PointId = PointId::new("consumer.poll-expired");

/// A commit was refused because its generation is over.
pub const COMMIT_REFUSED: PointId = PointId::new("consumer.commit-refused");

/// A position lay outside the log and was reset (K12).
pub const POSITION_RESET: PointId = PointId::new("consumer.position-reset");

/// A new leader's log ended before the position (KIP-320).
pub const TRUNCATION_FOUND: PointId = PointId::new("consumer.truncation-found");

/// The topic has more partitions than the members share.
pub const PARTITIONS_FOUND: PointId = PointId::new("consumer.partitions-found");

/// The member has left of its own will.
pub const LEFT: PointId = PointId::new("consumer.left");

/// Leases ran out before their deliveries were settled.
pub const LEASE_EXPIRED: PointId = PointId::new("consumer.lease-expired");

/// Some of the settled deliveries belonged to somebody else by then.
pub const SETTLED_STALE: PointId = PointId::new("consumer.settled-stale");

/// All of them.
pub const ALL: &[PointId] = &[
    JOINED,
    REVOKING,
    LOST,
    POLL_EXPIRED,
    COMMIT_REFUSED,
    POSITION_RESET,
    TRUNCATION_FOUND,
    PARTITIONS_FOUND,
    LEFT,
    LEASE_EXPIRED,
    SETTLED_STALE,
];
