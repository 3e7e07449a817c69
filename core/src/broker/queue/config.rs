//! Settings of a queue broker.

use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A queue broker on one node, whose journal survives (R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueConfig {
    /// The queues by name.
    pub topics: BTreeMap<String, QueueTopic>,
    /// Whether a publish is answered only when it is durable. RabbitMQ's classic queues do not sync before
    /// they confirm; its quorum queues do.
    pub sync_before_ack: bool,
    /// Settings of its publishers.
    pub publisher: PublisherConfig,
    /// Settings of its consumers.
    pub consumer: LeaseConsumerConfig,
    /// Planted flaws, for testing the checks.
    pub flaws: Vec<QueueFlaw>,
}

impl Default for QueueConfig {
    fn default() -> QueueConfig {
        QueueConfig {
            topics: BTreeMap::new(),
            sync_before_ack: true,
            publisher: PublisherConfig::default(),
            consumer: LeaseConsumerConfig::default(),
            flaws: Vec::new(),
        }
    }
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueueTopic {
    /// How long a delivery stays hidden from others (SQS: 30 s).
    pub visibility_timeout: Span,
    /// Deliveries of a message before it goes to the dead letters (RabbitMQ quorum queues since 4.0: 20);
    /// none is no bound.
    pub max_deliveries: Option<u32>,
}

impl Default for QueueTopic {
    fn default() -> QueueTopic {
        QueueTopic {
            visibility_timeout: Span::secs(30),
            max_deliveries: Some(20),
        }
    }
}

/// A publisher's settings towards queue and fan-out brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PublisherConfig {
    /// How long events wait for company.
    pub linger: Span,
    /// Events in a publish at most (SQS: 10).
    pub batch_records: u32,
    /// Publishes open at once.
    pub max_in_flight: u16,
    /// How long an answer is waited for.
    pub request_timeout: Span,
    /// How long after it was handed over an event may be retried.
    pub delivery_timeout: Span,
    /// The wait before a retry, doubled each time up to `retry_backoff_max`.
    pub retry_backoff: Span,
    /// The longest wait before a retry.
    pub retry_backoff_max: Span,
}

impl Default for PublisherConfig {
    fn default() -> PublisherConfig {
        PublisherConfig {
            linger: Span::millis(5),
            batch_records: 10,
            max_in_flight: 5,
            request_timeout: Span::secs(10),
            delivery_timeout: Span::secs(120),
            retry_backoff: Span::millis(100),
            retry_backoff_max: Span::secs(1),
        }
    }
}

/// A consumer's settings towards queue and fan-out brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeaseConsumerConfig {
    /// Messages in a receive at most (SQS: 10).
    pub batch: u16,
    /// Messages a consumer holds at once (RabbitMQ's prefetch).
    pub prefetch: u16,
    /// How long a receive waits (SQS: at most 20 s).
    pub receive_wait: Span,
    /// How long an answer is waited for, beyond `receive_wait`.
    pub request_timeout: Span,
    /// The wait before a retry.
    pub retry_backoff: Span,
}

impl Default for LeaseConsumerConfig {
    fn default() -> LeaseConsumerConfig {
        LeaseConsumerConfig {
            batch: 10,
            prefetch: 100,
            receive_wait: Span::secs(20),
            request_timeout: Span::secs(10),
            retry_backoff: Span::millis(100),
        }
    }
}

/// Planted flaws of queue and fan-out brokers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum QueueFlaw {
    /// A publish is answered before it is durable: a power loss takes acknowledged events.
    AckBeforeSync,
    /// A message is forgotten when it is handed out: a crash of the consumer loses it.
    ForgetOnDelivery,
    /// A message that has been delivered too often vanishes instead of going to the dead letters.
    DropDeadLetters,
    /// Accepting does not remove the message.
    ForgetAccept,
}
