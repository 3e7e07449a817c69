//! What the members of a Raft group say to each other, and what their log holds.

use crate::digest::Digest;
use crate::id::{Epoch, Incarnation, Partition, TopicId};
use crate::message::log::BrokerSet;
use std::sync::Arc;

/// A member's term of office; it only grows.
pub type Term = u64;

/// One entry of a Raft log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RaftEntry {
    /// The term in which a leader appended it.
    pub term: Term,
    /// What it says.
    pub command: Command,
}

/// What a Raft log can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Nothing: a new leader's first entry, which commits those before it (Raft, section 5.4.2).
    Noop,
    /// A change of a log broker's metadata.
    Metadata(MetadataRecord),
}

/// A change of a log broker's metadata (KIP-631).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetadataRecord {
    /// A broker registered after a boot; the record's index is its broker epoch.
    Register {
        /// The broker.
        index: u16,
        /// Its boot.
        incarnation: Incarnation,
    },
    /// A broker counts as dead.
    Fence {
        /// The broker.
        index: u16,
    },
    /// A broker counts as alive.
    Unfence {
        /// The broker.
        index: u16,
    },
    /// A partition's state.
    Partition {
        /// Which partition.
        partition: Partition,
        /// The leader's index, none while offline.
        leader: Option<u16>,
        /// The leader's epoch.
        epoch: Epoch,
        /// The version of this state.
        version: u32,
        /// The in-sync set.
        isr: BrokerSet,
        /// Eligible leader replicas (KIP-966).
        elr: BrokerSet,
    },
    /// Producer ids below this have been handed out.
    ProducerIds {
        /// The next free id.
        next: u64,
    },
    /// A topic has all the partitions that it expands to.
    Expanded {
        /// The topic.
        topic: TopicId,
    },
}

impl RaftEntry {
    pub(super) fn digest(&self) -> u64 {
        let digest = Digest::new().with(self.term);
        match self.command {
            Command::Noop => digest.with(0),
            Command::Metadata(record) => match record {
                MetadataRecord::Register { index, incarnation } => digest
                    .with(1)
                    .with(u64::from(index) << 32 | u64::from(incarnation.0)),
                MetadataRecord::Fence { index } => digest.with(2).with(u64::from(index)),
                MetadataRecord::Unfence { index } => digest.with(3).with(u64::from(index)),
                MetadataRecord::Partition {
                    partition,
                    leader,
                    epoch,
                    version,
                    isr,
                    elr,
                } => digest
                    .with(4)
                    .with(u64::from(partition.code()) << 32 | u64::from(epoch.0))
                    .with(leader.map_or(u64::MAX, u64::from))
                    .with(u64::from(version))
                    .with(isr.0)
                    .with(elr.0),
                MetadataRecord::ProducerIds { next } => digest.with(5).with(next),
                MetadataRecord::Expanded { topic } => digest.with(6).with(u64::from(topic.0)),
            },
        }
        .value()
    }
}

/// A message between members; one-way, since Raft needs no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RaftMessage {
    /// A candidate asks for a vote, or asks whether it would get one (pre-vote, Raft thesis 9.6).
    Ask {
        /// The term it would lead.
        term: Term,
        /// The index of its last entry.
        last_index: u64,
        /// The term of its last entry.
        last_term: Term,
        /// Whether this is only the question in advance.
        pre: bool,
    },
    /// The answer.
    Vote {
        /// The voter's term; if a pre-vote is granted, the asked one.
        term: Term,
        /// Whether it is given.
        granted: bool,
        /// Whether this answers the question in advance.
        pre: bool,
    },
    /// A leader's entries, or its heartbeat if there are none.
    Append {
        /// The leader's term.
        term: Term,
        /// The index before the first entry.
        prev_index: u64,
        /// The term there.
        prev_term: Term,
        /// The entries.
        entries: Arc<[RaftEntry]>,
        /// How far the leader has committed.
        commit: u64,
    },
    /// The answer.
    Appended {
        /// The follower's term.
        term: Term,
        /// Whether the entries fitted.
        success: bool,
        /// If they fitted, the last index known to match; if not, where to try next.
        index: u64,
    },
}

impl RaftMessage {
    pub(super) fn digest(&self) -> u64 {
        match self {
            RaftMessage::Ask {
                term,
                last_index,
                last_term,
                pre,
            } => Digest::new()
                .with(*term)
                .with(*last_index)
                .with(*last_term)
                .with(u64::from(*pre))
                .value(),
            RaftMessage::Vote { term, granted, pre } => Digest::new()
                .with(*term)
                .with(u64::from(*granted) << 1 | u64::from(*pre))
                .value(),
            RaftMessage::Append {
                term,
                prev_index,
                prev_term,
                entries,
                commit,
            } => entries
                .iter()
                .fold(
                    Digest::new()
                        .with(*term)
                        .with(*prev_index)
                        .with(*prev_term)
                        .with(*commit),
                    |digest, entry| digest.with(entry.digest()),
                )
                .value(),
            RaftMessage::Appended {
                term,
                success,
                index,
            } => Digest::new()
                .with(*term)
                .with(u64::from(*success))
                .with(*index)
                .value(),
        }
    }
}
