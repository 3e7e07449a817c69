//! The named places of a fan-out broker.

use crate::id::PointId;

/// A copy is handed out again after its backoff.
pub const RETRIED: PointId = PointId::new("fanout.retried");

/// A copy has gone to its subscription's dead letters.
pub const DEAD_LETTERED: PointId = PointId::new("fanout.dead-lettered");

/// All of them.
pub const ALL: &[PointId] = &[RETRIED, DEAD_LETTERED];
