//! The named places of a sink.

use crate::id::PointId;

/// Writes are in the page cache and visible, not yet durable.
pub const AFTER_WRITE_BEFORE_SYNC: PointId = PointId::new("sink.after-write-before-sync");

/// Writes are durable and nobody has been told.
pub const AFTER_SYNC_BEFORE_ACK: PointId = PointId::new("sink.after-sync-before-ack");

/// A writer with an older epoch was refused.
pub const FENCED: PointId = PointId::new("sink.fenced");

/// A write was answered without effect: its position is covered, or all its rows are known or older than
/// what is stored.
pub const WITHOUT_EFFECT: PointId = PointId::new("sink.without-effect");

/// The journal has been read after a boot.
pub const RECOVERED: PointId = PointId::new("sink.recovered");

/// The journal was replaced by what is visible.
pub const COMPACTED: PointId = PointId::new("sink.compacted");

/// All of them.
pub const ALL: &[PointId] = &[
    AFTER_WRITE_BEFORE_SYNC,
    AFTER_SYNC_BEFORE_ACK,
    FENCED,
    WITHOUT_EFFECT,
    RECOVERED,
    COMPACTED,
];
