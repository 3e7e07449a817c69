//! The trace: a hash for each block of steps, always; every step in full for the blocks asked for.

use std::ops::Range;
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::time::Time;

/// Steps in a block.
pub const BLOCK: u64 = 1_024;

/// One step in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its number.
    pub number: u64,
    /// When.
    pub time: Time,
    /// Who.
    pub node: NodeId,
    /// In which boot.
    pub incarnation: Incarnation,
    /// What it was given, for people.
    pub input: String,
    /// The fingerprint after it.
    pub fingerprint: u64,
}

/// What is kept of the steps.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    blocks: Vec<u64>,
    wanted: Option<Range<u64>>,
    steps: Vec<Step>,
}

impl Trace {
    pub(super) fn new(wanted: Option<Range<u64>>) -> Trace {
        Trace {
            blocks: Vec::new(),
            wanted,
            steps: Vec::new(),
        }
    }

    pub(super) fn wants(&self, number: u64) -> bool {
        self.wanted
            .as_ref()
            .is_some_and(|wanted| wanted.contains(&number))
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn block_ends(&mut self, fingerprint: u64) {
        self.blocks.push(fingerprint);
    }

    /// The fingerprint after each whole block of 1,024 steps.
    #[must_use]
    pub fn blocks(&self) -> &[u64] {
        &self.blocks
    }

    /// The steps asked for.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}
