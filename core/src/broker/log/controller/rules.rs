//! How a partition's state changes: who leaves, who enters, who leads. Pure functions of the state.

use super::image::PartitionImage;
use crate::broker::log::config::RestartedReplica;
use crate::id::{Epoch, Partition};
use crate::message::log::BrokerSet;
use crate::message::raft::MetadataRecord;

/// The settings by which leaders are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// In-sync replicas below which those that leave stay eligible (K6).
    pub(super) min_isr: u32,
    /// Whether a replica that may lack records leads where nobody complete is alive.
    pub(super) is_unclean: bool,
    /// Whether a replica that has booted anew counts as complete.
    pub(super) restarted: RestartedReplica,
}

/// How a broker left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// It is not heard. What it has on disk it still has.
    Silent,
    /// It has booted anew: what it had in its page cache may be gone (an unclean restart).
    Restarted,
}

const fn union(a: BrokerSet, b: BrokerSet) -> BrokerSet {
    BrokerSet(a.0 | b.0)
}

impl PartitionImage {
    /// A partition that begins with these in-sync replicas and has no leader yet.
    pub(super) fn begun(isr: BrokerSet) -> PartitionImage {
        PartitionImage {
            isr,
            ..PartitionImage::default()
        }
    }

    /// The state without `broker` among those that have everything.
    ///
    /// A silent broker stays eligible if the in-sync set falls below `min_isr` without it, since the high
    /// watermark stands from then on (K6); and the last in-sync replica stays where it is, since nobody
    /// else has everything. A restarted broker leaves both sets, unless nobody would be left in either or the
    /// rules take it for complete.
    pub(super) fn without(self, broker: u16, departure: Departure, rules: Rules) -> PartitionImage {
        let mut state = self;
        match departure {
            Departure::Silent => {
                if state.isr.contains(broker) && state.isr.len() > 1 {
                    state.isr = state.isr.without(broker);
                    if state.isr.len() < rules.min_isr {
                        state.elr = state.elr.with(broker);
                    }
                }
            }
            Departure::Restarted => {
                let stays = rules.restarted == RestartedReplica::Stays;
                if !stays && !union(state.isr, state.elr).without(broker).is_empty() {
                    state.isr = state.isr.without(broker);
                    state.elr = state.elr.without(broker);
                }
            }
        }
        state
    }

    /// The state with the in-sync set that its leader wants.
    pub(super) fn with_isr(self, isr: BrokerSet, min_isr: u32) -> PartitionImage {
        let elr = if isr.len() >= min_isr {
            BrokerSet::EMPTY
        } else {
            BrokerSet(union(self.elr, self.isr).0 & !isr.0)
        };
        PartitionImage { isr, elr, ..self }
    }

    /// The state with a leader that is alive and has everything: the present one if it may stay, else the
    /// first in-sync replica in order of `replicas`, else the first eligible one (K4, K6). None is left if
    /// nobody can lead.
    pub(super) fn elected(
        self,
        replicas: impl Iterator<Item = u16> + Clone,
        min_isr: u32,
        is_alive: impl Fn(u16) -> bool,
    ) -> PartitionImage {
        let may_lead = |index: &u16| is_alive(*index) && self.isr.contains(*index);
        if self.leader.as_ref().is_some_and(may_lead) {
            return self;
        }
        if let Some(leader) = replicas.clone().find(may_lead) {
            return self.led_by(Some(leader));
        }
        let mut alive_elr = replicas.filter(|index| is_alive(*index) && self.elr.contains(*index));
        match alive_elr.next() {
            None => self.led_by(None),
            Some(leader) => {
                // The last in-sync replica is down; it changes places with the eligible one.
                let alone = BrokerSet::EMPTY.with(leader);
                self.with_isr(alone, min_isr).led_by(Some(leader))
            }
        }
    }

    /// The state under the first replica that is alive, complete or not: its log is the log from here on.
    pub(super) fn seized(
        self,
        mut replicas: impl Iterator<Item = u16>,
        is_alive: impl Fn(u16) -> bool,
    ) -> PartitionImage {
        match replicas.find(|index| is_alive(*index)) {
            None => self,
            Some(leader) => PartitionImage {
                isr: BrokerSet::EMPTY.with(leader),
                elr: BrokerSet::EMPTY,
                ..self.led_by(Some(leader))
            },
        }
    }

    /// The state under another leader; each change of the leader, also to none, is a new epoch.
    pub(super) fn led_by(self, leader: Option<u16>) -> PartitionImage {
        if self.leader == leader {
            return self;
        }
        PartitionImage {
            leader,
            epoch: Epoch(self.epoch.0 + 1),
            ..self
        }
    }

    /// The next version of this state as a record.
    pub(super) const fn record(self, partition: Partition) -> MetadataRecord {
        MetadataRecord::Partition {
            partition,
            leader: self.leader,
            epoch: self.epoch,
            version: self.version + 1,
            isr: self.isr,
            elr: self.elr,
        }
    }
}
