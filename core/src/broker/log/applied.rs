//! How a broker acts on the metadata log as it applies it.

use crate::actor::Context;
use crate::broker::log::controller::{Image, PartitionImage};
use crate::broker::log::node::LogBroker;
use crate::id::{Epoch, Partition};
use crate::message::raft::{Command, MetadataRecord};

/// The metadata as far as this node has applied it.
#[derive(Debug)]
pub(super) struct Applied {
    /// What it says.
    pub image: Image,
    /// By slot, the leader epoch and the index of the record that began it.
    given: Vec<(Epoch, u64)>,
    /// Whether the node acts on what it applies.
    is_active: bool,
}

impl Applied {
    /// Nothing applied.
    pub fn new(image: Image, slots: usize) -> Applied {
        Applied {
            image,
            given: vec![(Epoch(0), 0); slots],
            is_active: false,
        }
    }
}

impl LogBroker {
    /// Applies what has been committed since the last step.
    pub(super) fn learn(&mut self, cx: &mut Context<'_>) {
        for (index, command) in self.raft.take_committed() {
            let changed = self.applied.image.apply(index, &command);
            if let Some(partition) = changed {
                self.partition_changed(cx, index, partition);
            } else if let Command::Metadata(record) = command {
                self.broker_changed(cx, record);
            }
            self.consider_acting(cx);
        }
        self.controller
            .settle(cx, &mut self.raft, &self.applied.image);
    }

    fn broker_changed(&mut self, cx: &mut Context<'_>, record: MetadataRecord) {
        match record {
            MetadataRecord::Register { index, .. } | MetadataRecord::Fence { index } => {
                self.desk.note_broker(&self.applied.image, index);
            }
            MetadataRecord::Unfence { index } => {
                self.desk.note_broker(&self.applied.image, index);
                // It may have caught up before it counted as alive.
                for replica in self.replicas.iter_mut().flatten() {
                    replica.consider_joining(cx, &mut self.desk, index);
                }
            }
            MetadataRecord::Expanded { topic } => {
                if let Some(partitions) = self.applied.image.usable(topic) {
                    self.groups.expand(topic, partitions);
                }
            }
            MetadataRecord::Partition { .. } | MetadataRecord::ProducerIds { .. } => {}
        }
    }

    fn partition_changed(&mut self, cx: &mut Context<'_>, index: u64, partition: Partition) {
        let (Some(slot), Some(state)) = (
            self.desk.slot(partition),
            self.applied.image.partition(partition),
        ) else {
            return;
        };
        let given = &mut self.applied.given[slot];
        if given.0 != state.epoch || given.1 == 0 {
            *given = (state.epoch, index);
        }
        if self.applied.is_active {
            self.act(cx, slot, state);
        }
    }

    /// The controller has told the epoch of this boot's registration, or that it has none.
    pub(super) fn registered(&mut self, cx: &mut Context<'_>) {
        self.fetcher.broker_epoch = self.registrar.broker_epoch;
        self.applied.is_active = false;
        self.consider_acting(cx);
    }

    /// Acts from the moment that this boot's own registration has been applied.
    fn consider_acting(&mut self, cx: &mut Context<'_>) {
        let epoch = self.registrar.broker_epoch;
        let knows_itself = epoch != 0 && self.applied.image.applied() >= epoch;
        if self.applied.is_active || !knows_itself || !self.is_serving() {
            return;
        }
        self.applied.is_active = true;
        for slot in 0..self.replicas.len() {
            let partition = self.replicas[slot]
                .as_ref()
                .map(|replica| replica.log.partition());
            if let Some(state) = partition.and_then(|of| self.applied.image.partition(of)) {
                self.act(cx, slot, state);
            }
        }
        // Only a broker that says how far it is counts as alive.
        self.heartbeat(cx);
    }

    /// Stops to act until the next registration.
    pub(super) const fn stop_acting(&mut self) {
        self.registrar.broker_epoch = 0;
        self.applied.is_active = false;
    }

    fn act(&mut self, cx: &mut Context<'_>, slot: usize, mut state: PartitionImage) {
        let Some(replica) = self.replicas[slot].as_mut() else {
            return;
        };
        // An office given before this boot's registration is not taken up again: the log may have lost
        // its end meanwhile, and another end under the same epoch would be taken for the old one.
        let (_, given) = self.applied.given[slot];
        if state.leader == Some(self.plan.index) && given < self.registrar.broker_epoch {
            state.leader = None;
        }
        replica.apply(cx, &mut self.desk, state);
    }
}
