//! Who holds which office, as far as the holders have said; symbolic targets are resolved against it.

use std::collections::BTreeMap;
use stormglass_core::history::Role;
use stormglass_core::id::{NodeId, PartId};

/// The offices of all parts.
#[derive(Debug, Default)]
pub struct Roles {
    held: BTreeMap<(PartId, Role), (u64, NodeId)>,
}

impl Roles {
    /// A node says that it took an office.
    pub fn take(&mut self, part: PartId, role: Role, epoch: u64, node: NodeId) {
        let held = self.held.entry((part, role)).or_insert((epoch, node));
        if epoch >= held.0 {
            *held = (epoch, node);
        }
    }

    /// A node says that it left an office.
    pub fn lose(&mut self, part: PartId, role: Role, epoch: u64, node: NodeId) {
        if self.held.get(&(part, role)) == Some(&(epoch, node)) {
            self.held.remove(&(part, role));
        }
    }

    /// A node died.
    pub fn clear(&mut self, node: NodeId) {
        self.held.retain(|_, (_, holder)| *holder != node);
    }

    /// The node that leads most partitions of a part; the lowest number wins a tie.
    #[must_use]
    pub fn leader(&self, part: PartId) -> Option<NodeId> {
        let mut leads: BTreeMap<NodeId, u32> = BTreeMap::new();
        for ((of, role), (_, node)) in &self.held {
            if *of == part && matches!(role, Role::Leader(_)) {
                *leads.entry(*node).or_default() += 1;
            }
        }
        leads
            .into_iter()
            .max_by_key(|(node, count)| (*count, std::cmp::Reverse(*node)))
            .map(|(node, _)| node)
    }

    /// The node that leads a part's controller.
    #[must_use]
    pub fn controller(&self, part: PartId) -> Option<NodeId> {
        self.held
            .get(&(part, Role::Controller))
            .map(|(_, node)| *node)
    }

    /// The node that coordinates a group.
    #[must_use]
    pub fn coordinator(&self, group: stormglass_core::id::GroupId) -> Option<NodeId> {
        self.held
            .iter()
            .find(|((_, role), _)| *role == Role::Coordinator(group))
            .map(|(_, (_, node))| *node)
    }
}
