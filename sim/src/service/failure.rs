//! A program that broke: the failure of its seed.

use std::fmt;
use stormglass_core::id::{Incarnation, NodeId};
use stormglass_core::time::Time;

/// A user's program panicked, or never let go of its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceFailure {
    /// Its node.
    pub node: NodeId,
    /// The node's name.
    pub name: String,
    /// In which boot.
    pub incarnation: Incarnation,
    /// When.
    pub time: Time,
    /// What it said.
    pub message: String,
}

impl fmt::Display for ServiceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "service {} (boot {}) failed at {}: {}",
            self.name, self.incarnation, self.time, self.message
        )
    }
}
