//! Where a consumer is in one partition.

use crate::id::{Epoch, Offset};
use crate::message::Request;
use crate::message::log::OffsetSpec;
use crate::time::Mono;

/// What has to happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The position is unknown: the leader is asked for one.
    Reset(OffsetSpec),
    /// The leader has changed: is what was read still in its log (KIP-320)?
    Validate,
    /// It is fetched.
    Ready,
}

/// One partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Which use of the partition; answers to an older one are of the past.
    pub(super) session: u64,
    pub(super) phase: Phase,
    /// The next offset to read.
    pub(super) position: Offset,
    /// The epoch of the last entry read.
    pub(super) last_epoch: Option<Epoch>,
    /// Whether an answer about this partition is awaited.
    pub(super) is_asking: bool,
    /// Nothing is asked before this.
    pub(super) retry_at: Mono,
    /// Whether the owner has enough for now.
    pub(super) is_paused: bool,
}

impl Reading {
    /// A partition at `position`, or one that first has to find it.
    pub(super) fn new(session: u64, phase: Phase, position: Offset) -> Reading {
        Reading {
            session,
            phase,
            position,
            last_epoch: None,
            is_asking: false,
            retry_at: Mono(0),
            is_paused: false,
        }
    }

    /// Whether something may be asked now.
    pub(super) fn may_ask(&self, now: Mono) -> bool {
        !self.is_asking && self.retry_at <= now
    }

    /// The question about the position, none if there is none to ask.
    pub(super) fn question(
        &self,
        partition: crate::id::Partition,
        leader_epoch: Epoch,
    ) -> Option<Request> {
        match self.phase {
            Phase::Reset(spec) => Some(Request::ListOffset { partition, spec }),
            // The epoch as of now: a fetch of the former leader may have gone on since the change was known,
            // and the end of an older epoch would send the reader back for nothing.
            Phase::Validate => self.last_epoch.map(|epoch| Request::EpochEnd {
                partition,
                current: leader_epoch,
                epoch,
            }),
            Phase::Ready => None,
        }
    }
}
