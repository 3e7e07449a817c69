//! The named places of a log broker: coverage marks, crash points and yield points.

use crate::id::PointId;

/// A node begins to lead a partition.
pub const LEADER_CHANGED: PointId = PointId::new("log.leader-changed");
/// A follower cuts what its leader does not have (K5).
pub const TRUNCATED: PointId = PointId::new("log.truncated");
/// A leader asks for an in-sync set without a follower that lags (K3).
pub const ISR_SHRUNK: PointId = PointId::new("log.isr-shrunk");
/// A leader asks for an in-sync set with a follower that has caught up (K3).
pub const ISR_EXPANDED: PointId = PointId::new("log.isr-expanded");
/// A leader has a batch in its page cache and has answered acks=1; no follower has been told.
pub const AFTER_APPEND: PointId = PointId::new("log.after-append-before-replicate");
/// A batch that is in the log already is answered with its old offset (K7).
pub const DUPLICATE_BATCH: PointId = PointId::new("log.duplicate-batch");
/// Retention removes the oldest part of a log (K13).
pub const RETENTION: PointId = PointId::new("log.retention");
/// A broker has read its log back after a boot.
pub const RECOVERED: PointId = PointId::new("log.recovered");
/// A broker leaves the cluster because its disk refused a write.
pub const DISK_FAILED: PointId = PointId::new("log.disk-failed");
/// A publish is refused because the in-sync set is too small (K1).
pub const NOT_ENOUGH_REPLICAS: PointId = PointId::new("log.not-enough-replicas");

/// All of them.
pub const POINTS: &[PointId] = &[
    LEADER_CHANGED,
    TRUNCATED,
    ISR_SHRUNK,
    ISR_EXPANDED,
    AFTER_APPEND,
    DUPLICATE_BATCH,
    RETENTION,
    RECOVERED,
    DISK_FAILED,
    NOT_ENOUGH_REPLICAS,
];
