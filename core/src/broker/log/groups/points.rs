//! The named places of a group coordinator.

use crate::id::PointId;

/// A coordinator has read the committed positions of its groups.
pub const LOADED: PointId = PointId::new("group.loaded");
/// A group waits for its members to join again.
pub const REBALANCE_STARTED: PointId = PointId::new("group.rebalance-started");
/// A group has a new generation; its members are not told yet.
pub const REBALANCED: PointId = PointId::new("group.rebalanced");
/// A member has not been heard for a session and leaves (K11).
pub const MEMBER_EXPIRED: PointId = PointId::new("group.member-expired");
/// A commit of an older generation, or of a member that is gone, is refused (K10).
pub const COMMIT_REFUSED: PointId = PointId::new("group.commit-refused");
/// A group starts again from the earliest offset.
pub const REWOUND: PointId = PointId::new("group.rewound");

/// All of them.
pub const POINTS: &[PointId] = &[
    LOADED,
    REBALANCE_STARTED,
    REBALANCED,
    MEMBER_EXPIRED,
    COMMIT_REFUSED,
    REWOUND,
];
