//! What the metadata log says: the same on every node that has applied as much of it.

use crate::actor::Inspection;
use crate::broker::log::config::LogConfig;
use crate::id::{Epoch, Incarnation, Partition, TopicId};
use crate::message::log::BrokerSet;
use crate::message::raft::{Command, MetadataRecord};
use crate::part::OFFSETS_TOPIC;
use std::collections::BTreeMap;

/// A broker as the metadata log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerImage {
    /// The boot that registered last, none before the first registration.
    pub incarnation: Option<Incarnation>,
    /// The index of that registration in the metadata log, 0 before it.
    pub epoch: u64,
    /// Whether it counts as dead: it leads nothing and enters no in-sync set.
    pub fenced: bool,
}

/// A partition as the metadata log has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionImage {
    /// The leader's index, none while the partition is offline.
    pub leader: Option<u16>,
    /// The leader's epoch; it grows by one whenever the leader changes, also to none.
    pub epoch: Epoch,
    /// The version of this state; it grows by one with every change.
    pub version: u32,
    /// The in-sync set. It is empty only while all that is known to be complete is an ELR member that is
    /// down.
    pub isr: BrokerSet,
    /// Eligible leader replicas (KIP-966): they left the in-sync set when the high watermark could not move
    /// without them, so they have everything below it (K6).
    pub elr: BrokerSet,
}

/// All that the metadata log says up to an index.
#[derive(Clone, Debug)]
pub struct Image {
    replication_factor: u16,
    brokers: Vec<BrokerImage>,
    expected: Vec<Partition>,
    /// By topic, the partitions that clients may use, and those after an expansion.
    usable: Vec<(u16, u16)>,
    partitions: BTreeMap<Partition, PartitionImage>,
    next_producer: u64,
    applied: u64,
}

impl Image {
    /// What an empty log says about a broker of `nodes` nodes.
    ///
    /// # Panics
    /// If there are more replicas than nodes, or more nodes than a set holds.
    #[must_use]
    pub fn new(config: &LogConfig, nodes: u16) -> Image {
        assert!(nodes <= 64, "a set of brokers holds 64");
        assert!(
            (1..=nodes).contains(&config.replication_factor),
            "{nodes} nodes cannot hold {} replicas",
            config.replication_factor
        );
        let topics = (0..)
            .zip(config.topics.values())
            .map(|(topic, settings)| (TopicId(topic), settings.most()))
            .chain([(OFFSETS_TOPIC, config.offsets_partitions)]);
        let broker = BrokerImage {
            incarnation: None,
            epoch: 0,
            fenced: true,
        };
        Image {
            replication_factor: config.replication_factor,
            brokers: vec![broker; usize::from(nodes)],
            expected: topics
                .flat_map(|(topic, partitions)| {
                    (0..partitions).map(move |index| Partition { topic, index })
                })
                .collect(),
            usable: config
                .topics
                .values()
                .map(|settings| (settings.partitions, settings.most()))
                .collect(),
            partitions: BTreeMap::new(),
            next_producer: 0,
            applied: 0,
        }
    }

    /// Takes the committed command at `index`: the partition whose state it changes, if it is about one.
    pub fn apply(&mut self, index: u64, command: &Command) -> Option<Partition> {
        self.applied = index;
        let record = match command {
            Command::Noop => return None,
            Command::Metadata(record) => record,
        };
        match *record {
            MetadataRecord::Register {
                index: broker,
                incarnation,
            } => {
                self.brokers[usize::from(broker)] = BrokerImage {
                    incarnation: Some(incarnation),
                    epoch: index,
                    fenced: true,
                };
                None
            }
            MetadataRecord::Fence { index } => {
                self.brokers[usize::from(index)].fenced = true;
                None
            }
            MetadataRecord::Unfence { index } => {
                self.brokers[usize::from(index)].fenced = false;
                None
            }
            MetadataRecord::Partition {
                partition,
                leader,
                epoch,
                version,
                isr,
                elr,
            } => {
                let state = PartitionImage {
                    leader,
                    epoch,
                    version,
                    isr,
                    elr,
                };
                self.partitions.insert(partition, state);
                Some(partition)
            }
            MetadataRecord::ProducerIds { next } => {
                self.next_producer = next;
                None
            }
            MetadataRecord::Expanded { topic } => {
                let (usable, most) = &mut self.usable[usize::from(topic.0)];
                *usable = *most;
                None
            }
        }
    }

    /// The index of the last command applied.
    #[must_use]
    pub const fn applied(&self) -> u64 {
        self.applied
    }

    /// How many nodes the broker has.
    #[must_use]
    pub fn nodes(&self) -> u16 {
        self.brokers.len() as u16
    }

    /// The broker at `index`.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn broker(&self, index: u16) -> BrokerImage {
        self.brokers[usize::from(index)]
    }

    /// Whether the broker at `index` counts as alive.
    #[must_use]
    pub fn is_alive(&self, index: u16) -> bool {
        !self.broker(index).fenced
    }

    /// The state of `partition`, none before it is created.
    #[must_use]
    pub fn partition(&self, partition: Partition) -> Option<PartitionImage> {
        self.partitions.get(&partition).copied()
    }

    /// The partitions created so far, in order.
    pub fn partitions(&self) -> impl Iterator<Item = (Partition, PartitionImage)> {
        self.partitions
            .iter()
            .map(|(partition, state)| (*partition, *state))
    }

    /// The configured partitions that nobody has created.
    pub fn missing(&self) -> impl Iterator<Item = Partition> {
        self.expected
            .iter()
            .copied()
            .filter(|partition| !self.partitions.contains_key(partition))
    }

    /// How many partitions of `topic` clients may use; none of a topic that is not theirs.
    #[must_use]
    pub fn usable(&self, topic: TopicId) -> Option<u16> {
        let known = self.usable.get(usize::from(topic.0));
        known.map(|(usable, _)| *usable)
    }

    /// The topics that can expand and have not.
    pub fn expandable(&self) -> impl Iterator<Item = TopicId> {
        let topics = (0..).map(TopicId).zip(&self.usable);
        topics
            .filter(|(_, (usable, most))| usable < most)
            .map(|(topic, _)| topic)
    }

    /// Who holds `partition`: a fixed placement, the preferred leader first.
    pub fn replicas(&self, partition: Partition) -> impl Iterator<Item = u16> + use<> {
        let nodes = u32::from(self.nodes());
        let first = u32::from(partition.topic.0) + u32::from(partition.index);
        (0..u32::from(self.replication_factor)).map(move |place| ((first + place) % nodes) as u16)
    }

    /// The next producer id that nobody has been given.
    #[must_use]
    pub const fn next_producer(&self) -> u64 {
        self.next_producer
    }

    /// What a person would like to see.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let brokers = self.brokers.iter().zip(0..).fold(
            Inspection::new(),
            |tree, (broker, index): (_, u16)| {
                tree.value(&index.to_string(), format_args!("{broker:?}"))
            },
        );
        let partitions =
            self.partitions
                .iter()
                .fold(Inspection::new(), |tree, (partition, state)| {
                    tree.value(&partition.to_string(), format_args!("{state:?}"))
                });
        Inspection::new()
            .value("applied", self.applied)
            .child("brokers", brokers)
            .child("partitions", partitions)
    }
}
