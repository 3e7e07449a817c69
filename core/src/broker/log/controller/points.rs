//! The named places of a log broker's controller.

use crate::id::PointId;

/// A controller begins to rule.
pub const CONTROLLER_ACTIVE: PointId = PointId::new("log.controller-active");
/// A controller decides that a broker it does not hear is dead.
pub const BROKER_FENCED: PointId = PointId::new("log.broker-fenced");
/// A broker registers a new boot: it leaves the in-sync sets of the boot before.
pub const UNCLEAN_RESTART: PointId = PointId::new("log.unclean-restart");
/// A partition is given to an eligible leader replica, since no in-sync one is alive (K6).
pub const ELECTED_FROM_ELR: PointId = PointId::new("log.elected-from-elr");
/// A partition is given to a replica that may lack committed records, since nobody else is alive (K4).
pub const ELECTED_UNCLEAN: PointId = PointId::new("log.elected-unclean");
/// A leadership is moved although nobody failed.
pub const FORCED_ELECTION: PointId = PointId::new("log.forced-election");
/// A topic is given its further partitions.
pub const PARTITIONS_EXPANDED: PointId = PointId::new("log.partitions-expanded");

/// All of them.
pub const POINTS: &[PointId] = &[
    CONTROLLER_ACTIVE,
    BROKER_FENCED,
    UNCLEAN_RESTART,
    ELECTED_FROM_ELR,
    ELECTED_UNCLEAN,
    FORCED_ELECTION,
    PARTITIONS_EXPANDED,
];
