//! What a driver that hosts programs asks of the World, beyond turning its crank.

use super::faults::AtPoint;
use super::{Software, Stage, State, World};
use stormglass_core::actor::Work;
use stormglass_core::history::Fact;
use stormglass_core::id::{Incarnation, NodeId, PointId};
use stormglass_core::part::Cluster;
use stormglass_core::rng::Seed;
use stormglass_core::time::Span;

impl World {
    /// The number that decides the run.
    #[must_use]
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Whether a program outside is the node's software.
    #[must_use]
    pub fn is_outside(&self, node: NodeId) -> bool {
        matches!(self.nodes[usize::from(node.0)].software, Software::Outside)
    }

    /// The node called `name`.
    #[must_use]
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        self.nodes
            .iter()
            .position(|node| node.name == name)
            .map(|index| NodeId(index as u16))
    }

    /// The nodes of the part called `name`, which are neighbours.
    #[must_use]
    pub fn cluster(&self, name: &str) -> Option<Cluster> {
        let part = self.parts.iter().position(|part| part == name)?;
        let is_of = |index: usize| usize::from(self.nodes[index].part.0) == part;
        let first = (0..self.nodes.len()).find(|index| is_of(*index))?;
        let nodes = (first..self.nodes.len())
            .take_while(|index| is_of(*index))
            .count();
        Some(Cluster {
            first: NodeId(first as u16),
            nodes: nodes as u16,
        })
    }

    /// How long `work` keeps one core of the node busy, and how many cores it has.
    #[must_use]
    pub fn service_time(&self, node: NodeId, work: Work) -> (Span, u16) {
        let factor = u64::from(self.nodes[usize::from(node.0)].slow_factor);
        (
            self.profile.cpu.price(work) * factor,
            self.profile.cpu.cores,
        )
    }

    /// A program outside passes a named place: how long the plan holds it there, none if that boot of its
    /// node is over or ends here.
    pub fn pass(&mut self, id: NodeId, incarnation: Incarnation, point: PointId) -> Option<Span> {
        let node = &self.nodes[usize::from(id.0)];
        if node.incarnation != incarnation || node.state != State::Up {
            return None;
        }
        self.steps += 1;
        self.observe(id, incarnation, Stage::Seen, None, Fact::Point(point));
        match self.at_point(id, point) {
            AtPoint::GoOn => Some(Span::ZERO),
            AtPoint::Crashed => None,
            AtPoint::Hold(until) => Some(until.since(self.now)),
        }
    }
}
