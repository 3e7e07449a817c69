//! The host of a build without madsim: worlds of actors run as under [`crate::drive::bare`], programs do not.

use super::{HostError, Hosted, check};
use crate::drive::{Heartbeat, bare};
use crate::service::ServiceFactory;
use crate::world::World;
use stormglass_core::history::Observation;
use stormglass_core::id::NodeId;
use stormglass_core::rng::Seed;
use stormglass_core::time::Time;

/// Who turns the crank of hosted runs in this build: `own loop`.
#[must_use]
pub const fn host_in_use() -> &'static str {
    "own loop"
}

pub(in crate::drive) const fn seed_thread(_: Seed) {}

/// Runs `world` until `until`, or until `record` answers `false`, or until nothing happens any more.
///
/// # Errors
/// If there are programs: this build cannot host them.
pub fn hosted(
    mut world: World,
    services: Vec<(NodeId, ServiceFactory)>,
    until: Time,
    _heartbeat: &Heartbeat,
    record: &mut dyn FnMut(&World, Observation) -> bool,
) -> Result<Hosted, HostError> {
    check(&world, &services)?;
    if !services.is_empty() {
        return Err(HostError::NoHost);
    }
    bare(&mut world, until, record);
    Ok(Hosted {
        world,
        failure: None,
    })
}
