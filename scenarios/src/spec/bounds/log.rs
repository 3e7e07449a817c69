//! Bounds of a log broker and its clients, most of which Kafka itself enforces.

use super::{Checked, DECADE, Judge, NODES, PARTITIONS};
use stormglass_core::broker::log::config::{LogConfig, ProducerConfig};
use stormglass_core::message::log::Acks;

pub(super) fn log(judge: &Judge<'_>, config: &LogConfig) -> Checked {
    judge.within("nodes", config.nodes.into(), 1, NODES.into())?;
    judge.within(
        "offsets_partitions",
        config.offsets_partitions.into(),
        1,
        PARTITIONS.into(),
    )?;
    for (name, topic) in &config.topics {
        judge.within(
            &format!("topics.{name}.partitions"),
            topic.partitions.into(),
            1,
            PARTITIONS.into(),
        )?;
        if let Some(most) = topic.expands_to {
            judge.within(
                &format!("topics.{name}.expands_to"),
                most.into(),
                u64::from(topic.partitions) + 1,
                PARTITIONS.into(),
            )?;
        }
    }
    judge.need(
        (1..=config.nodes).contains(&config.replication_factor),
        "replication_factor",
        format!(
            "`replication_factor` is {}, but the broker has {} nodes",
            config.replication_factor, config.nodes
        ),
        "each replica needs a node of its own: lower replication_factor or raise nodes",
    )?;
    judge.need(
        (1..=config.replication_factor).contains(&config.min_insync_replicas),
        "min_insync_replicas",
        format!(
            "`min_insync_replicas` is {}, but a partition has {} replicas",
            config.min_insync_replicas, config.replication_factor
        ),
        "it lies from 1 to replication_factor; above that nothing would ever be acknowledged",
    )?;
    judge.at_most(&[
        ("broker_session_timeout", config.broker_session_timeout),
        ("replica_lag_time_max", config.replica_lag_time_max),
        ("replica_fetch_wait_max", config.replica_fetch_wait_max),
        (
            "group_initial_rebalance_delay",
            config.group_initial_rebalance_delay,
        ),
        ("consumer.session_timeout", config.consumer.session_timeout),
        ("consumer.fetch_max_wait", config.consumer.fetch_max_wait),
        ("producer.linger", config.producer.linger),
        (
            "producer.delivery_timeout",
            config.producer.delivery_timeout,
        ),
        (
            "producer.retry_backoff_max",
            config.producer.retry_backoff_max,
        ),
    ])?;
    judge.above(
        ("broker_session_timeout", config.broker_session_timeout),
        (
            "broker_heartbeat_interval",
            config.broker_heartbeat_interval,
        ),
        "a broker must be able to send a heartbeat before it is fenced",
    )?;
    judge.above(
        ("replica_lag_time_max", config.replica_lag_time_max),
        ("replica_fetch_wait_max", config.replica_fetch_wait_max),
        "Kafka requires it: an idle follower must not look as if it lagged",
    )?;
    for (key, span) in [
        (
            "broker_heartbeat_interval",
            config.broker_heartbeat_interval,
        ),
        ("quorum_fetch_timeout", config.quorum_fetch_timeout),
        ("quorum_election_timeout", config.quorum_election_timeout),
        ("log_retention", config.log_retention),
        (
            "log_retention_check_interval",
            config.log_retention_check_interval,
        ),
        (
            "consumer.heartbeat_interval",
            config.consumer.heartbeat_interval,
        ),
        (
            "consumer.max_poll_interval",
            config.consumer.max_poll_interval,
        ),
        (
            "consumer.metadata_max_age",
            config.consumer.metadata_max_age,
        ),
        ("consumer.request_timeout", config.consumer.request_timeout),
        ("consumer.retry_backoff", config.consumer.retry_backoff),
        ("producer.request_timeout", config.producer.request_timeout),
        ("producer.retry_backoff", config.producer.retry_backoff),
        (
            "producer.metadata_max_age",
            config.producer.metadata_max_age,
        ),
    ] {
        judge.lasting(key, span, DECADE)?;
    }
    judge.above(
        ("consumer.session_timeout", config.consumer.session_timeout),
        (
            "consumer.heartbeat_interval",
            config.consumer.heartbeat_interval,
        ),
        "a member must be able to send a heartbeat before its session ends",
    )?;
    judge.above(
        ("consumer.request_timeout", config.consumer.request_timeout),
        ("consumer.fetch_max_wait", config.consumer.fetch_max_wait),
        "a fetch that waits for data must be answered before it times out",
    )?;
    judge.need(
        u64::from(config.consumer.fetch_min_bytes) <= config.consumer.max_partition_fetch_bytes.0,
        "consumer.fetch_min_bytes",
        String::from("`fetch_min_bytes` is more than a fetch may bring"),
        "lower it below max_partition_fetch_bytes",
    )?;
    producer(judge, &config.producer)?;
    judge.need(
        config.log_segment_bytes >= config.producer.batch_size,
        "log_segment_bytes",
        String::from("a segment is smaller than a batch"),
        "choose at least producer.batch_size",
    )
}

fn producer(judge: &Judge<'_>, config: &ProducerConfig) -> Checked {
    judge.at_least(
        ("producer.delivery_timeout", config.delivery_timeout),
        (
            "producer.linger + producer.request_timeout",
            config.linger.saturating_add(config.request_timeout),
        ),
        "Kafka requires delivery_timeout >= linger + request_timeout",
    )?;
    judge.at_least(
        ("producer.retry_backoff_max", config.retry_backoff_max),
        ("producer.retry_backoff", config.retry_backoff),
        "the wait before a retry grows up to retry_backoff_max",
    )?;
    judge.within(
        "producer.max_in_flight",
        config.max_in_flight.into(),
        1,
        1_000,
    )?;
    judge.within(
        "producer.batch_records",
        config.batch_records.into(),
        1,
        u32::MAX.into(),
    )?;
    judge.within("producer.batch_size", config.batch_size.0, 1, 1 << 30)?;
    judge.need(
        config.buffer_memory >= config.batch_size,
        "producer.buffer_memory",
        format!(
            "`buffer_memory` ({}) holds no batch of {}",
            config.buffer_memory, config.batch_size
        ),
        "choose at least batch_size",
    )?;
    if !config.enable_idempotence {
        return Ok(());
    }
    judge.need(
        config.acks == Acks::All,
        "producer.acks",
        String::from("an idempotent producer needs acks = \"all\""),
        "write enable_idempotence = false beside it: Kafka would switch it off without a word",
    )?;
    judge.need(
        config.max_in_flight <= 5,
        "producer.max_in_flight",
        String::from("an idempotent producer has at most 5 requests in flight"),
        "choose at most 5, or write enable_idempotence = false",
    )
}
