//! The trace: a hash for each block of steps, always; every step in full for the blocks asked for.
//!
//! There are at most 4,096 hashes: when a run is longer, blocks are joined in pairs.

use std::ops::Range;
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::time::Time;

/// Steps in a block, in a run of up to four million steps.
const BLOCK: u64 = 1_024;

/// Blocks at most.
const BLOCKS: usize = 4_096;

/// The fingerprint after each whole block of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocks {
    steps: u64,
    hashes: Vec<u64>,
}

impl Default for Blocks {
    fn default() -> Blocks {
        Blocks {
            steps: BLOCK,
            hashes: Vec::new(),
        }
    }
}

impl Blocks {
    /// Takes the fingerprint after a step.
    fn see(&mut self, step: u64, fingerprint: u64) {
        if step < (self.hashes.len() as u64 + 1) * self.steps {
            return;
        }
        if self.hashes.len() == BLOCKS {
            self.join(2);
        } else {
            self.hashes.push(fingerprint);
        }
    }

    /// Makes one block of each `count`.
    fn join(&mut self, count: u64) {
        let mut block = 0;
        self.hashes.retain(|_| {
            block += 1;
            block % count == 0
        });
        self.steps *= count;
    }

    /// The steps of the first block in which two runs differ; of the first that only one has, if those of
    /// both are the same.
    #[must_use]
    pub fn first_difference(&self, other: &Blocks) -> Range<u64> {
        let (mut one, mut other) = (self.clone(), other.clone());
        let steps = one.steps.max(other.steps);
        for blocks in [&mut one, &mut other] {
            blocks.join(steps / blocks.steps);
        }
        let mut pairs = one.hashes.iter().zip(&other.hashes);
        let block = pairs.position(|(a, b)| a != b);
        let block = block.unwrap_or(one.hashes.len().min(other.hashes.len())) as u64;
        block * steps..(block + 1) * steps
    }
}

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
    blocks: Blocks,
    wanted: Option<Range<u64>>,
    steps: Vec<Step>,
}

impl Trace {
    pub(super) fn new(wanted: Option<Range<u64>>) -> Trace {
        Trace {
            blocks: Blocks::default(),
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

    pub(super) fn step_ends(&mut self, step: u64, fingerprint: u64) {
        self.blocks.see(step, fingerprint);
    }

    /// The fingerprint after each whole block.
    #[must_use]
    pub const fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The steps asked for.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run whose fingerprint is the step, and another one from step `parts` on.
    fn run(steps: u64, parts: u64) -> Blocks {
        let mut blocks = Blocks::default();
        for step in 1..=steps {
            blocks.see(step, if step < parts { step } else { step + 1 });
        }
        blocks
    }

    #[test]
    fn the_blocks_of_a_long_run_are_few_and_hold_its_first_difference() {
        let length = BLOCK * BLOCKS as u64 * 5;
        let whole = run(length, u64::MAX);
        assert!(whole.hashes.len() <= BLOCKS && whole.hashes.len() >= BLOCKS / 2);
        for parts in [1, BLOCK, 3_000_000, 20_000_000] {
            let found = whole.first_difference(&run(length, parts));
            assert!(found.contains(&(parts - 1)), "{parts} is not in {found:?}");
            assert_eq!(found.end - found.start, whole.steps);
        }
    }

    #[test]
    fn a_run_that_ends_early_differs_where_it_ends() {
        let (long, short) = (run(5_000_000, u64::MAX), run(100_000, u64::MAX));
        let found = long.first_difference(&short);
        assert!(found.contains(&100_000), "{found:?}");
        assert_eq!(found, short.first_difference(&long));
    }
}
