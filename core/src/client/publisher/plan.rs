//! What a publisher needs to know, whatever kind of broker it talks to.

use crate::broker::log::config::ProducerConfig;
use crate::broker::queue::config::PublisherConfig;
use crate::id::TopicId;
use crate::message::log::Acks;
use crate::part::Cluster;
use crate::retry::RetryPlan;
use crate::source::config::{BufferConfig, WhenFull};
use crate::time::Span;

/// Whose events a publisher sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// A source's: it tells the history what was owed and what was given up.
    Source,
    /// Another part's: it reports every outcome to its owner and tells the history nothing.
    Relay,
}

/// Settings of one publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherPlan {
    /// Whose events it sends.
    pub duty: Duty,
    /// The broker's nodes.
    pub broker: Cluster,
    /// The topic or queue.
    pub topic: TopicId,
    /// Its partitions, with those that an expansion adds; 1 for a queue or a fan-out.
    pub partitions: u16,
    /// How many of them may be used from the start; brokers tell when there are more.
    pub usable: u16,
    /// When a publish is answered.
    pub acks: Acks,
    /// Whether batches carry a producer id and sequence (K7).
    pub idempotent: bool,
    /// Whether leaders must be asked for, and for how long the answer is believed. Without, the broker is
    /// its first node.
    pub metadata_max_age: Option<Span>,
    /// How long a batch waits for company.
    pub linger: Span,
    /// A batch is closed at this many bytes.
    pub batch_bytes: u64,
    /// A batch is closed at so many events.
    pub batch_records: u32,
    /// Publishes open at once for each node.
    pub max_in_flight: u16,
    /// How long an answer is waited for.
    pub request_timeout: Span,
    /// How long a batch may be tried.
    pub delivery_timeout: Span,
    /// The wait before a retry, doubled each time up to `retry_backoff_max`.
    pub retry_backoff: Span,
    /// The longest wait before a retry.
    pub retry_backoff_max: Span,
    /// Whether and when a publish is tried again; none is the backoff above until the delivery timeout.
    pub retry: Option<RetryPlan>,
    /// Bytes of closed batches that may wait or be under way; what is beyond waits unsent.
    pub buffer_memory: u64,
    /// What becomes of a batch for which there is no room.
    pub when_full: WhenFull,
    /// Which of its owner's timers are its own; differs between the clients of one actor.
    pub space: u8,
}

/// A log broker remembers the last five batches of a producer in a partition (K7); with more under way a
/// retry could not be told from a gap.
pub const IDEMPOTENT_IN_FLIGHT: u16 = 5;

impl PublisherPlan {
    /// A publisher to a log broker. Idempotence needs acks=all; without, it is off, as in Kafka.
    #[must_use]
    pub fn to_log(
        duty: Duty,
        broker: Cluster,
        topic: TopicId,
        partitions: u16,
        config: &ProducerConfig,
    ) -> PublisherPlan {
        let idempotent = config.enable_idempotence && config.acks == Acks::All;
        PublisherPlan {
            duty,
            broker,
            topic,
            partitions,
            usable: partitions,
            acks: config.acks,
            idempotent,
            metadata_max_age: Some(config.metadata_max_age),
            linger: config.linger,
            batch_bytes: config.batch_size.0,
            batch_records: config.batch_records.max(1),
            max_in_flight: if idempotent {
                config.max_in_flight.clamp(1, IDEMPOTENT_IN_FLIGHT)
            } else {
                config.max_in_flight.max(1)
            },
            request_timeout: config.request_timeout,
            delivery_timeout: config.delivery_timeout,
            retry_backoff: config.retry_backoff,
            retry_backoff_max: config.retry_backoff_max,
            retry: None,
            buffer_memory: config.buffer_memory.0,
            when_full: WhenFull::Block,
            space: 0,
        }
    }

    /// A publisher to a queue or a fan-out broker: one partition, no sequences, so that a retry after a
    /// lost answer stores the events twice.
    #[must_use]
    pub fn to_queue(
        duty: Duty,
        broker: Cluster,
        topic: TopicId,
        config: &PublisherConfig,
    ) -> PublisherPlan {
        PublisherPlan {
            duty,
            broker,
            topic,
            partitions: 1,
            usable: 1,
            acks: Acks::All,
            idempotent: false,
            metadata_max_age: None,
            linger: config.linger,
            batch_bytes: u64::MAX,
            batch_records: config.batch_records.max(1),
            max_in_flight: config.max_in_flight.max(1),
            request_timeout: config.request_timeout,
            delivery_timeout: config.delivery_timeout,
            retry_backoff: config.retry_backoff,
            retry_backoff_max: config.retry_backoff_max,
            retry: None,
            buffer_memory: u64::MAX,
            when_full: WhenFull::Block,
            space: 0,
        }
    }

    /// To a topic that begins with so many of its partitions.
    #[must_use]
    pub fn beginning_with(self, usable: u16) -> PublisherPlan {
        PublisherPlan { usable, ..self }
    }

    /// With a source's buffer; what it leaves out stays.
    #[must_use]
    pub fn with_buffer(self, config: &BufferConfig) -> PublisherPlan {
        PublisherPlan {
            buffer_memory: config.memory.map_or(self.buffer_memory, |memory| memory.0),
            when_full: config.when_full,
            ..self
        }
    }

    /// The wait before the attempt after `attempts` failed ones, without jitter.
    #[must_use]
    pub fn backoff(&self, attempts: u32) -> Span {
        let doubled = attempts.saturating_sub(1).min(30);
        Span(self.retry_backoff.0.saturating_mul(1 << doubled)).min(self.retry_backoff_max)
    }
}
