//! The named places of a lease.

use crate::id::PointId;

/// The authority has granted a lease and its holder does not know it yet.
pub const GRANTED: PointId = PointId::new("lease.granted");

/// A lease went from one node to another.
pub const HANDED_OVER: PointId = PointId::new("lease.handed-over");

/// The authority refused a lease that another node holds.
pub const REFUSED: PointId = PointId::new("lease.refused");

/// The authority has booted and waits for the leases that it forgot to end.
pub const WAITED_OUT: PointId = PointId::new("lease.waited-out");

/// A holder believes that its lease is over.
pub const ENDED: PointId = PointId::new("lease.ended");

/// A batch was given back because the lease is over.
pub const STOOD_DOWN: PointId = PointId::new("lease.stood-down");

/// All of them.
pub const ALL: &[PointId] = &[GRANTED, HANDED_OVER, REFUSED, WAITED_OUT, ENDED, STOOD_DOWN];
