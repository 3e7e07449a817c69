//! Where partitions live in a broker's tables: every partition has a slot, so that nothing is looked up by
//! name on the way of a record. Partitions that an expansion adds have theirs from the start.

use crate::broker::log::config::LogConfig;
use crate::id::{Partition, TopicId};
use crate::part::OFFSETS_TOPIC;

/// The slots of a broker's partitions: topics in the order of the configuration, the offsets topic last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// First slot of each topic, then of the offsets topic, then the number of slots.
    firsts: Vec<u32>,
}

impl Layout {
    /// The layout of `config`.
    #[must_use]
    pub fn new(config: &LogConfig) -> Layout {
        let mut firsts = vec![0];
        let mut next = 0;
        for topic in config.topics.values() {
            next += u32::from(topic.most());
            firsts.push(next);
        }
        firsts.push(next + u32::from(config.offsets_partitions));
        Layout { firsts }
    }

    fn topics(&self) -> usize {
        self.firsts.len() - 2
    }

    /// How many slots there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.firsts.last().map_or(0, |len| *len as usize)
    }

    /// Whether the broker has no partition.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn range(&self, topic: TopicId) -> std::ops::Range<usize> {
        let at = if topic == OFFSETS_TOPIC {
            self.topics()
        } else if usize::from(topic.0) < self.topics() {
            usize::from(topic.0)
        } else {
            return 0..0;
        };
        self.firsts[at] as usize..self.firsts[at + 1] as usize
    }

    /// The slot of `partition`, none if the broker has no such partition.
    #[must_use]
    pub fn slot(&self, partition: Partition) -> Option<usize> {
        let range = self.range(partition.topic);
        let slot = range.start + usize::from(partition.index);
        (slot < range.end).then_some(slot)
    }

    /// The partitions of a topic, in order; none if there is no such topic.
    pub fn partitions(&self, topic: TopicId) -> impl Iterator<Item = Partition> {
        (0..self.range(topic).len() as u16).map(move |index| Partition { topic, index })
    }

    /// All partitions in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = Partition> {
        (0..self.topics() as u16)
            .map(TopicId)
            .chain(std::iter::once(OFFSETS_TOPIC))
            .flat_map(|topic| self.partitions(topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::log::config::LogTopic;

    #[test]
    fn every_partition_has_a_slot_and_strangers_have_none() {
        let mut config = LogConfig::default();
        for (name, partitions) in [("orders", 3), ("payments", 2)] {
            config
                .topics
                .insert(name.to_owned(), LogTopic::of(partitions));
        }
        let layout = Layout::new(&config);
        assert_eq!(layout.len(), 6);
        let slots: Vec<_> = layout
            .iter()
            .map(|partition| layout.slot(partition))
            .collect();
        assert_eq!(slots, (0..6).map(Some).collect::<Vec<_>>());
        let beyond = |topic, index| layout.slot(Partition { topic, index });
        assert_eq!(beyond(TopicId(0), 3), None);
        assert_eq!(beyond(TopicId(2), 0), None);
        assert_eq!(beyond(OFFSETS_TOPIC, 0), Some(5));
    }
}
