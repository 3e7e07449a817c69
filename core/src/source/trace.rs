//! A recorded stream in memory. Reading files is the business of whoever assembles a run.

use crate::time::Time;

/// One row of a recorded stream, rebased so that the first arrival is the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// When it arrived; rows are sorted by it.
    pub arrival: Time,
    /// When it happened, nanoseconds on the run's axis; may lie before the start and in any order.
    pub event_time: i64,
    /// What it is about.
    pub key: u64,
    /// What kind of fact it is.
    pub kind: u16,
    /// What it says.
    pub value: i64,
    /// Bytes.
    pub size: u32,
}
