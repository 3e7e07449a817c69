//! The words of event time: watermarks, windows' rows, and events that came too late for theirs.

use crate::digest::digest_of;
use crate::event::EventId;
use crate::id::{GroupId, Partition};
use crate::time::Time;

/// Before every event: nothing is known yet.
pub const BEGINNING: i64 = i64::MIN;

/// After every event: the input has ended.
pub const END: i64 = i64::MAX;

/// The `kind` of a row that takes an earlier one back: the session of that row was merged into one that
/// begins earlier.
pub const RETRACTED: u16 = u16::MAX;

/// An event that a row sums up, and when it was due: once the row is visible, so is the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    /// The event.
    pub id: EventId,
    /// When it was due.
    pub due: Time,
}

/// An event that was too late for some of its windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateEvent {
    /// The event.
    pub id: EventId,
    /// It is not in its windows that end at or before this event time, in nanoseconds.
    pub until: i64,
    /// Whether it was too late for all of its windows, and so has no effect.
    pub entirely: bool,
}

/// What is known of one input of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputMark {
    /// The input partition.
    pub partition: Partition,
    /// Its watermark: nothing at or before this event time, in nanoseconds, is expected of it any more.
    pub watermark: i64,
    /// Whether it has been silent for so long that it holds nobody back.
    pub is_idle: bool,
}

/// The watermarks of one node of a processor at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watermarks {
    /// The processor.
    pub group: GroupId,
    /// The generation of the group in which these are the node's inputs.
    pub generation: u32,
    /// Counted up when the group begins to read anew from the start.
    pub round: u32,
    /// The operator's own: it fires what ends before, in nanoseconds of event time.
    pub operator: i64,
    /// Those of its inputs.
    pub inputs: Box<[InputMark]>,
}

/// The key of a window's row at a sink: that of the key and of where the window starts.
#[must_use]
pub fn row_key(key: u64, start: i64) -> u64 {
    digest_of(&[key, start as u64])
}
