//! Stalls of the hardware: a node stands still for a while, with running clocks, and no fault is to blame.

use super::{Entry, World};
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::rng::{Keyed, Seed};

/// A node's draws: the even ones for the gaps before its stalls, the odd ones for their lengths.
pub(super) fn draws(seed: Seed, name: &str) -> Keyed {
    seed.keyed(&format!("stall/{name}"))
}

impl World {
    /// A node's `nth` stall begins, and the next is drawn; none does when the sources have stopped, so that a
    /// run comes to rest.
    pub(super) fn stall(&mut self, id: NodeId, nth: u32) {
        if self.drained {
            return;
        }
        let Some(stalls) = &self.profile.stalls else {
            return;
        };
        let node = &self.nodes[usize::from(id.0)];
        let draws = draws(self.seed, &node.name);
        let nth = u64::from(nth);
        let lasts = stalls.lasts.at(draws.at(2 * nth + 1));
        let gap = stalls.gap.at(draws.at(2 * nth + 2));
        let ends = self.now + lasts;
        let next = Entry::Stall(id, nth as u32 + 1);
        if self.stand_still(id, false) {
            let incarnation = self.nodes[usize::from(id.0)].incarnation;
            self.agenda.push(ends, Entry::StallEnd(id, incarnation));
        }
        self.agenda.push(ends + gap, next);
    }

    /// A stall ends. One of an earlier boot has ended with its process.
    pub(super) fn stall_ends(&mut self, id: NodeId, incarnation: Incarnation) {
        if self.nodes[usize::from(id.0)].incarnation == incarnation {
            self.go_on(id, false);
        }
    }
}
