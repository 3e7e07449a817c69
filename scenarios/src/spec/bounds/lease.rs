//! Bounds of queue and fan-out brokers and their clients, and of leases to write.

use super::{Checked, Judge, MONTH};
use stormglass_core::broker::fanout::config::FanoutConfig;
use stormglass_core::broker::queue::config::{LeaseConsumerConfig, PublisherConfig, QueueConfig};
use stormglass_core::lease::config::LeaseConfig;

pub(super) fn queue(judge: &Judge<'_>, config: &QueueConfig) -> Checked {
    for (name, topic) in &config.topics {
        judge.lasting(
            &format!("topics.{name}.visibility_timeout"),
            topic.visibility_timeout,
            MONTH,
        )?;
        if let Some(deliveries) = topic.max_deliveries {
            let key = format!("topics.{name}.max_deliveries");
            judge.within(&key, deliveries.into(), 1, u32::MAX.into())?;
        }
    }
    publisher(judge, &config.publisher)?;
    lease_consumer(judge, &config.consumer)
}

pub(super) fn fanout(judge: &Judge<'_>, config: &FanoutConfig) -> Checked {
    for (name, topic) in &config.topics {
        let key = |setting: &str| format!("topics.{name}.{setting}");
        judge.lasting(&key("delivery_timeout"), topic.delivery_timeout, MONTH)?;
        judge.lasting(&key("retry_delay"), topic.retry_delay, MONTH)?;
        judge.at_most(&[(&key("retry_delay_max"), topic.retry_delay_max)])?;
        judge.at_least(
            (&key("retry_delay_max"), topic.retry_delay_max),
            (&key("retry_delay"), topic.retry_delay),
            "the wait before a retry grows up to retry_delay_max",
        )?;
        if let Some(deliveries) = topic.max_deliveries {
            judge.within(
                &key("max_deliveries"),
                deliveries.into(),
                1,
                u32::MAX.into(),
            )?;
        }
    }
    publisher(judge, &config.publisher)?;
    lease_consumer(judge, &config.consumer)
}

pub(super) fn lease(judge: &Judge<'_>, config: &LeaseConfig) -> Checked {
    judge.lasting("duration", config.duration, MONTH)?;
    judge.lasting("retry_interval", config.retry_interval, MONTH)?;
    judge.lasting("request_timeout", config.request_timeout, MONTH)
}

fn publisher(judge: &Judge<'_>, config: &PublisherConfig) -> Checked {
    judge.lasting("publisher.request_timeout", config.request_timeout, MONTH)?;
    judge.lasting("publisher.retry_backoff", config.retry_backoff, MONTH)?;
    judge.at_most(&[
        ("publisher.linger", config.linger),
        ("publisher.delivery_timeout", config.delivery_timeout),
        ("publisher.retry_backoff_max", config.retry_backoff_max),
    ])?;
    judge.at_least(
        ("publisher.delivery_timeout", config.delivery_timeout),
        (
            "publisher.linger + publisher.request_timeout",
            config.linger.saturating_add(config.request_timeout),
        ),
        "an event must be able to be answered once before it is given up",
    )?;
    judge.at_least(
        ("publisher.retry_backoff_max", config.retry_backoff_max),
        ("publisher.retry_backoff", config.retry_backoff),
        "the wait before a retry grows up to retry_backoff_max",
    )?;
    judge.within(
        "publisher.max_in_flight",
        config.max_in_flight.into(),
        1,
        1_000,
    )?;
    judge.within(
        "publisher.batch_records",
        config.batch_records.into(),
        1,
        100_000,
    )
}

fn lease_consumer(judge: &Judge<'_>, config: &LeaseConsumerConfig) -> Checked {
    judge.within("consumer.batch", config.batch.into(), 1, 10_000)?;
    judge.need(
        config.prefetch >= config.batch,
        "consumer.prefetch",
        format!(
            "`prefetch` ({}) is less than `batch` ({})",
            config.prefetch, config.batch
        ),
        "a consumer must be able to hold one receive",
    )?;
    judge.at_most(&[("consumer.receive_wait", config.receive_wait)])?;
    judge.lasting("consumer.request_timeout", config.request_timeout, MONTH)?;
    judge.lasting("consumer.retry_backoff", config.retry_backoff, MONTH)
}
