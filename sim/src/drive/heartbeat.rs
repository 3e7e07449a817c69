//! A sign of life that another thread can read: a program that computes without ever awaiting cannot be
//! interrupted, but it can be named.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use stormglass_core::id::NodeId;

/// How far a run has come, and whose turn it is.
#[derive(Debug)]
pub struct Heartbeat {
    beats: AtomicU64,
    turn: AtomicU32,
}

const NOBODY: u32 = u32::MAX;

impl Default for Heartbeat {
    fn default() -> Heartbeat {
        Heartbeat {
            beats: AtomicU64::new(0),
            turn: AtomicU32::new(NOBODY),
        }
    }
}

impl Heartbeat {
    /// A number that grows while the run goes on.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// The node whose program has the turn.
    #[must_use]
    pub fn in_turn(&self) -> Option<NodeId> {
        match self.turn.load(Ordering::Relaxed) {
            NOBODY => None,
            node => Some(NodeId(node as u16)),
        }
    }

    /// The run goes on. A run has one writer, so this needs no atomic addition.
    #[cfg_attr(not(madsim), allow(dead_code, reason = "only the madsim host beats"))]
    pub(super) fn beat(&self) {
        self.beats
            .store(self.beats().wrapping_add(1), Ordering::Relaxed);
    }

    /// A program gets or gives back the turn.
    #[cfg_attr(not(madsim), allow(dead_code, reason = "only the madsim host beats"))]
    pub(super) fn turn(&self, node: Option<NodeId>) {
        self.turn.store(
            node.map_or(NOBODY, |node| u32::from(node.0)),
            Ordering::Relaxed,
        );
        self.beat();
    }
}
