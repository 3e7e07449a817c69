//! Settings of a fan-out broker.

use crate::broker::queue::config::{LeaseConsumerConfig, PublisherConfig, QueueFlaw};
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A fan-out broker on one node: every subscriber of a topic has a copy of each event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FanoutConfig {
    /// The topics by name.
    pub topics: BTreeMap<String, FanoutTopic>,
    /// Whether a publish is answered only when every copy is durable.
    pub sync_before_ack: bool,
    /// Settings of its publishers.
    pub publisher: PublisherConfig,
    /// Settings of its subscribers.
    pub consumer: LeaseConsumerConfig,
    /// Planted flaws, for testing the checks.
    pub flaws: Vec<QueueFlaw>,
}

impl Default for FanoutConfig {
    fn default() -> FanoutConfig {
        FanoutConfig {
            topics: BTreeMap::new(),
            sync_before_ack: true,
            publisher: PublisherConfig::default(),
            consumer: LeaseConsumerConfig::default(),
            flaws: Vec::new(),
        }
    }
}

/// A fan-out topic and the retry policy of each of its subscriptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FanoutTopic {
    /// How long a delivery may take before it counts as failed.
    pub delivery_timeout: Span,
    /// The wait before the first retry of a failed delivery, doubled each time up to `retry_delay_max`.
    pub retry_delay: Span,
    /// The longest wait before a retry (SNS to HTTP: 20 s by default).
    pub retry_delay_max: Span,
    /// Deliveries of a copy before it goes to the subscription's dead letters; none is no bound.
    pub max_deliveries: Option<u32>,
}

impl Default for FanoutTopic {
    fn default() -> FanoutTopic {
        FanoutTopic {
            delivery_timeout: Span::secs(30),
            retry_delay: Span::secs(1),
            retry_delay_max: Span::secs(20),
            max_deliveries: Some(100),
        }
    }
}
