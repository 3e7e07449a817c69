//! The named places of a processor and of its checkpoint store.

use crate::id::PointId;

/// Rows are ready and not sent: whoever is held here writes as a zombie when it wakes.
pub const BEFORE_WRITE: PointId = PointId::new("processor.before-write");

/// Rows are at the sink and their input is not settled: a crash here delivers it again.
pub const AFTER_WRITE_BEFORE_SETTLE: PointId = PointId::new("processor.after-write-before-settle");

/// Input is settled and its rows are not written: a crash here loses them.
pub const AFTER_SETTLE_BEFORE_WRITE: PointId = PointId::new("processor.after-settle-before-write");

/// Rows are at the sink and the state that made them is not kept: a crash here makes them again.
pub const AFTER_WRITE_BEFORE_CHECKPOINT: PointId =
    PointId::new("processor.after-write-before-checkpoint");

/// State is kept and the group does not know the position yet.
pub const AFTER_CHECKPOINT_BEFORE_COMMIT: PointId =
    PointId::new("processor.after-checkpoint-before-commit");

/// A new owner has taken over state and position.
pub const RESTORED: PointId = PointId::new("processor.restored");

/// Events are applied again for their effect on the state alone.
pub const REPLAYED: PointId = PointId::new("processor.replayed");

/// A newer owner exists: this one was refused.
pub const FENCED: PointId = PointId::new("processor.fenced");

/// A write is tried again.
pub const RETRIED: PointId = PointId::new("processor.write-retried");

/// A write that may not be tried again has failed.
pub const DROPPED: PointId = PointId::new("processor.write-dropped");

/// The retry budget has no token for another attempt: the write waits the longest wait.
pub const RETRY_REFUSED: PointId = PointId::new("processor.retry-refused");

/// The circuit breaker towards the sink has opened.
pub const BREAKER_OPENED: PointId = PointId::new("processor.breaker-opened");
/// Windows have fired and their rows are not sent: a crash here fires them again.
pub const FIRED: PointId = PointId::new("processor.window-fired");

/// An event came too late for its windows.
pub const LATE: PointId = PointId::new("processor.event-late");

/// An input that was silent holds the watermark back no longer.
pub const IDLE: PointId = PointId::new("processor.input-idle");

/// An input that was ahead of the slowest is read no further.
pub const ALIGNED: PointId = PointId::new("processor.input-ahead");

/// Everything was given up for a rebalance.
pub const RELEASED: PointId = PointId::new("processor.released");

/// The operator has failed on an event: a log's partition waits behind it, a queue's delivery is left to run out.
pub const POISONED: PointId = PointId::new("processor.poisoned");

/// A worker that leaves has given back what it had not begun to write.
pub const LEFT: PointId = PointId::new("processor.left");

/// All of a processor.
pub const ALL: &[PointId] = &[
    BEFORE_WRITE,
    AFTER_WRITE_BEFORE_SETTLE,
    AFTER_SETTLE_BEFORE_WRITE,
    AFTER_WRITE_BEFORE_CHECKPOINT,
    AFTER_CHECKPOINT_BEFORE_COMMIT,
    RESTORED,
    REPLAYED,
    FENCED,
    RETRIED,
    DROPPED,
    RETRY_REFUSED,
    BREAKER_OPENED,
    RELEASED,
    LEFT,
    POISONED,
    FIRED,
    LATE,
    IDLE,
    ALIGNED,
];

/// A checkpoint is in the page cache and not durable.
pub const STORE_AFTER_WRITE_BEFORE_SYNC: PointId =
    PointId::new("checkpoints.after-write-before-sync");

/// A checkpoint store refused an older epoch.
pub const STORE_FENCED: PointId = PointId::new("checkpoints.fenced");

/// All of a checkpoint store.
pub const STORE_ALL: &[PointId] = &[STORE_AFTER_WRITE_BEFORE_SYNC, STORE_FENCED];
