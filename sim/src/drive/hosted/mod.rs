//! The driver for worlds with a user's own programs: the World is one task of a madsim runtime, each program
//! a madsim node beside it. This is the only module that mentions madsim.
//!
//! madsim gives what programs cannot have otherwise: `Instant`, `SystemTime`, `getrandom` and hash keys that
//! belong to the run, and a panic when they start threads. Its scheduler decides nothing: a program runs only
//! in the turn that the driver gives it, and the driver goes on when the turn is over. So a run depends on
//! neither madsim's random numbers nor on how many it has drawn, and a world of actors leaves the same
//! fingerprint here as under [`super::bare`].

#[cfg(not(madsim))]
mod absent;
#[cfg(madsim)]
mod driver;

#[cfg(not(madsim))]
use absent as host;
#[cfg(madsim)]
use driver as host;

pub(super) use host::seed_thread;
pub use host::{host_in_use, hosted};

use crate::service::{ServiceFactory, ServiceFailure};
use crate::world::World;
use std::fmt;
use stormglass_core::id::NodeId;

/// What a hosted run leaves.
pub struct Hosted {
    /// The World at its end.
    pub world: World,
    /// A program that broke and so ended the run.
    pub failure: Option<ServiceFailure>,
}

/// Why a run cannot be hosted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostError {
    /// This build has no host for programs.
    NoHost,
    /// A node is meant for a program and has none.
    NoProgram(String),
    /// A program is given for a node that runs an actor, or for no node at all.
    NotOutside(NodeId),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HostError::NoHost => f.write_str(
                "this build cannot host services: it was built without `--cfg madsim`, which \
                 .cargo/config.toml sets and an exported RUSTFLAGS overrides (docs/determinism.md)",
            ),
            HostError::NoProgram(name) => write!(f, "node {name} has no program"),
            HostError::NotOutside(node) => write!(f, "node {node} is not meant for a program"),
        }
    }
}

impl std::error::Error for HostError {}

/// Every node meant for a program has one, and no other has.
fn check(world: &World, services: &[(NodeId, ServiceFactory)]) -> Result<(), HostError> {
    let count = world.node_count();
    if let Some((node, _)) = services
        .iter()
        .find(|(node, _)| usize::from(node.0) >= count || !world.is_outside(*node))
    {
        return Err(HostError::NotOutside(*node));
    }
    match (0..count as u16)
        .map(NodeId)
        .find(|node| world.is_outside(*node) && !services.iter().any(|(with, _)| with == node))
    {
        Some(node) => Err(HostError::NoProgram(world.name(node).to_owned())),
        None => Ok(()),
    }
}
