//! What a consumer needs to know; settings are copied out of the configuration.

use crate::broker::log::config::{ConsumerConfig, OffsetReset, TruncationDetection};
use crate::broker::queue::config::LeaseConsumerConfig;
use crate::id::{GroupId, NodeId, TopicId};
use crate::part::Cluster;
use crate::time::Span;

/// How partitions of a log are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchPlan {
    /// The broker's nodes: any of them tells who leads.
    pub brokers: Cluster,
    /// The topic.
    pub topic: TopicId,
    /// How many partitions it has at first; brokers tell when there are more.
    pub partitions: u16,
    /// How long a fetch waits for `min_bytes`.
    pub max_wait: Span,
    /// Enough to answer a fetch at once.
    pub min_bytes: u32,
    /// At most this much of a partition in one fetch, in bytes.
    pub max_bytes: u32,
    /// Where to start without a position, or outside the log (K12).
    pub reset: OffsetReset,
    /// Whether a new leader is asked for the end of the epoch read last (KIP-320).
    pub truncation_detection: TruncationDetection,
    /// How long an answer is waited for, beyond `max_wait`.
    pub request_timeout: Span,
    /// The wait before a retry.
    pub retry_backoff: Span,
    /// How long metadata is believed (`metadata.max.age.ms`).
    pub metadata_max_age: Span,
}

/// A member of a consumer group of a log broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConsumerPlan {
    /// The group.
    pub group: GroupId,
    /// How it reads.
    pub fetch: FetchPlan,
    /// A member that has not been heard for this long leaves the group.
    pub session_timeout: Span,
    /// How often it is heard.
    pub heartbeat_interval: Span,
    /// A member whose owner is busy for this long leaves the group of its own will.
    pub max_poll_interval: Span,
}

impl LogConsumerPlan {
    /// A member of `group` that reads `topic`, which has so many partitions at first, with the broker's consumer
    /// settings.
    #[must_use]
    pub fn new(
        brokers: Cluster,
        (topic, partitions): (TopicId, u16),
        group: GroupId,
        config: &ConsumerConfig,
    ) -> LogConsumerPlan {
        LogConsumerPlan {
            group,
            fetch: FetchPlan {
                brokers,
                topic,
                partitions,
                max_wait: config.fetch_max_wait,
                min_bytes: config.fetch_min_bytes,
                max_bytes: u32::try_from(config.max_partition_fetch_bytes.0).unwrap_or(u32::MAX),
                reset: config.auto_offset_reset,
                truncation_detection: config.truncation_detection,
                request_timeout: config.request_timeout,
                retry_backoff: config.retry_backoff,
                metadata_max_age: config.metadata_max_age,
            },
            session_timeout: config.session_timeout,
            heartbeat_interval: config.heartbeat_interval,
            max_poll_interval: config.max_poll_interval,
        }
    }
}

/// A consumer of a queue, or a subscriber of a fan-out topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseConsumerPlan {
    /// The broker's node.
    pub broker: NodeId,
    /// The queue or topic.
    pub topic: TopicId,
    /// The subscriber.
    pub group: GroupId,
    /// How long a delivery stays ours unless it is extended: the queue's `visibility_timeout` or the
    /// fan-out topic's `delivery_timeout`.
    pub lease: Span,
    /// Messages in a receive at most.
    pub batch: u16,
    /// Messages held at once.
    pub prefetch: u16,
    /// How long a receive waits.
    pub receive_wait: Span,
    /// How long an answer is waited for, beyond `receive_wait`.
    pub request_timeout: Span,
    /// The wait before a retry.
    pub retry_backoff: Span,
}

impl LeaseConsumerPlan {
    /// A consumer of `topic` with the broker's consumer settings.
    #[must_use]
    pub fn new(
        broker: NodeId,
        topic: TopicId,
        group: GroupId,
        lease: Span,
        config: &LeaseConsumerConfig,
    ) -> LeaseConsumerPlan {
        LeaseConsumerPlan {
            broker,
            topic,
            group,
            lease,
            batch: config.batch,
            prefetch: config.prefetch,
            receive_wait: config.receive_wait,
            request_timeout: config.request_timeout,
            retry_backoff: config.retry_backoff,
        }
    }
}
