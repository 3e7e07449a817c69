//! The driver for worlds of actors: a loop.

use crate::world::World;
use stormglass_core::history::Observation;
use stormglass_core::time::Time;

/// Runs `world` until `until`, or until `record` answers `false`, or until nothing happens any more.
/// Observations are recorded in the order in which they happened.
pub fn bare(world: &mut World, until: Time, record: &mut dyn FnMut(&World, Observation) -> bool) {
    while let Some(next) = world.next_deadline().filter(|next| *next <= until) {
        world.advance(next);
        while let Some(observation) = world.poll_observation() {
            if !record(world, observation) {
                return;
            }
        }
    }
}
