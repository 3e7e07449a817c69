//! What can be seen of a world from outside, without touching it.

use super::World;
use super::faults::FaultRecord;
use super::node::Load;
use super::plan::Stop;
use super::trace::Trace;
use stormglass_core::actor::Inspection;
use stormglass_core::id::{NodeId, PartId};
use stormglass_core::outcome::Cost;
use stormglass_core::time::Time;

impl World {
    /// True time.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Steps taken.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// The rolling hash of everything delivered and discarded so far.
    #[must_use]
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint.value()
    }

    /// Why the run was stopped, if it was.
    #[must_use]
    pub const fn stopped(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// The recorded steps and the hash after each block of steps.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// What became of the plan's faults.
    #[must_use]
    pub fn fault_log(&self) -> Vec<FaultRecord> {
        self.faults.log(&self.network.rules)
    }

    /// The nodes that a fault of the plan strikes, by its place in the plan; none before it begins.
    ///
    /// # Panics
    /// If the plan has no such fault.
    #[must_use]
    pub fn struck(&self, fault: u32) -> &[NodeId] {
        self.faults.struck(fault)
    }

    /// Modelled bytes on all disks.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.disk.bytes()).sum()
    }

    /// The most modelled bytes that each disk held at once, added up.
    #[must_use]
    pub fn disk_bytes_max(&self) -> u64 {
        self.nodes.iter().map(|node| node.disk.bytes_max()).sum()
    }

    /// What was moved and stored so far, by all nodes.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let (messages, bytes, cross_zone_bytes) = self.network.traffic();
        let mut cost = Cost {
            messages,
            bytes,
            cross_zone_bytes,
            stored_bytes: self.disk_bytes_max(),
            nodes: self.nodes.len() as u64,
            ..Cost::default()
        };
        for node in &self.nodes {
            let done = node.disk.done();
            cost.disk_writes += done.writes;
            cost.disk_syncs += done.syncs;
            cost.disk_bytes += done.bytes;
        }
        cost
    }

    /// The name of a node.
    #[must_use]
    pub fn name(&self, node: NodeId) -> &str {
        &self.nodes[usize::from(node.0)].name
    }

    /// The part of a node.
    #[must_use]
    pub fn part(&self, node: NodeId) -> PartId {
        self.nodes[usize::from(node.0)].part
    }

    /// What a node's station has carried so far.
    #[must_use]
    pub fn load(&self, node: NodeId) -> Load {
        self.nodes[usize::from(node.0)].occupancy.until(self.now)
    }

    /// What people can see of every node: its clocks are true time's, its software says the rest.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        self.nodes.iter().fold(Inspection::new(), |tree, node| {
            let state = Inspection::new()
                .value("state", format!("{:?}", node.state))
                .value("incarnation", node.incarnation)
                .value("steps", node.steps)
                .value("queue_max", node.queue_max)
                .value("disk_bytes", node.disk.bytes());
            let state = match &node.actor {
                Some(actor) => state.child("actor", actor.inspect()),
                None => state,
            };
            tree.child(&node.name, state)
        })
    }
}
