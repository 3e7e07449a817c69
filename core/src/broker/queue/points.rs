//! The named places of a queue broker.

use crate::id::PointId;

/// A message is handed out again.
pub const REDELIVERED: PointId = PointId::new("queue.redelivered");

/// A message has gone to the dead letters.
pub const DEAD_LETTERED: PointId = PointId::new("queue.dead-lettered");

/// A restarted broker has read a journal that was not empty.
pub const RECOVERED: PointId = PointId::new("queue.recovered");

/// A journal has been rewritten without what is settled.
pub const REWRITTEN: PointId = PointId::new("queue.rewritten");

/// A sync has failed: the journal takes nothing before it has been written anew.
pub const SYNC_FAILED: PointId = PointId::new("queue.sync-failed");

/// All of them.
pub const ALL: &[PointId] = &[
    REDELIVERED,
    DEAD_LETTERED,
    RECOVERED,
    REWRITTEN,
    SYNC_FAILED,
];
