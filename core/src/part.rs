//! A configured component and where it runs.

use crate::actor::Actor;
use crate::id::{NodeId, TopicId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The topic in which a log broker keeps committed offsets.
pub const OFFSETS_TOPIC: TopicId = TopicId(u16::MAX);

/// The nodes of one part: neighbours in the World's numbering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Its first node.
    pub first: NodeId,
    /// How many it has.
    pub nodes: u16,
}

impl Cluster {
    /// The node at `index`.
    ///
    /// # Panics
    /// If the part has no such node.
    #[must_use]
    pub fn node(self, index: u16) -> NodeId {
        assert!(
            index < self.nodes,
            "a part of {} nodes has none at {index}",
            self.nodes
        );
        NodeId(self.first.0 + index)
    }

    /// The index of `node`, none if it belongs to another part.
    #[must_use]
    pub fn index(self, node: NodeId) -> Option<u16> {
        node.0
            .checked_sub(self.first.0)
            .filter(|index| *index < self.nodes)
    }

    /// All its nodes, in order.
    pub fn iter(self) -> impl Iterator<Item = NodeId> {
        (0..self.nodes).map(move |index| self.node(index))
    }
}

/// What kind of component a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// Owes events.
    Source,
    /// Stores and hands out events.
    Broker,
    /// Transforms events.
    Processor,
    /// Makes effects visible.
    Sink,
    /// A user's own program.
    Service,
    /// Lets one node of a processor write at a time.
    Lease,
}

impl PartKind {
    /// Its name in scenario files and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            PartKind::Source => "source",
            PartKind::Broker => "broker",
            PartKind::Processor => "processor",
            PartKind::Sink => "sink",
            PartKind::Service => "service",
            PartKind::Lease => "lease",
        }
    }
}

impl fmt::Display for PartKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Makes the software of a node anew at every boot, from nothing but its configuration.
pub type Factory = Box<dyn Fn() -> Box<dyn Actor>>;
